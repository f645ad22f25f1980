-- Settings that were made over the API, one row for each key of the server file or of the API's own.
-- None of them is a secret.
CREATE TABLE setting (
    key    TEXT   NOT NULL PRIMARY KEY,
    value  TEXT   NOT NULL,
    set_at BIGINT NOT NULL
);
