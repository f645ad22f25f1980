-- What whoever made a request wants of its plan: right values for fields, which are sealed, and limits that
-- are raised for it alone. `corrects` stays when the values are destroyed, so that a request for corrections
-- never passes for one to erase.
ALTER TABLE privacy_request ADD COLUMN corrects BIGINT NOT NULL DEFAULT 0;
ALTER TABLE privacy_request ADD COLUMN raised_limits TEXT;
ALTER TABLE privacy_request ADD COLUMN sealed_corrections BYTEA;
