-- Orders that lists of requests are walked in; a time that has not come counts as the latest. (By the time
-- they were taken in, by status and by id they are walked in indexes that are there.)
CREATE INDEX privacy_request_by_update ON privacy_request (updated_at, id) WHERE listed = 1;
CREATE INDEX privacy_request_by_start ON privacy_request ((COALESCE(started_at, 9223372036854775807)), id) WHERE listed = 1;
CREATE INDEX privacy_request_by_end ON privacy_request ((COALESCE(finished_at, 9223372036854775807)), id) WHERE listed = 1;
CREATE INDEX privacy_request_by_deadline ON privacy_request ((COALESCE(due_at, 9223372036854775807)), id) WHERE listed = 1;

-- Names of datasets, collections and fields that packages for people to read do not show, as regular
-- expressions.
CREATE TABLE redaction_pattern (
    position BIGINT NOT NULL PRIMARY KEY,
    pattern  TEXT   NOT NULL
);
