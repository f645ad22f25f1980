-- Entries of the taxonomy that a customer made or changed; the default ones come with the program.
-- `kind` is `data_category`, `data_use`, `data_subject` or `organization`; `body` is one document as JSON.
CREATE TABLE taxonomy (
    kind       TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX dataset_category_by_category ON dataset_category (category, dataset);
CREATE INDEX policy_target_by_category ON policy_target (data_category);

-- The access token that a web hook was last called with, until when it is good; NULL: it does not say.
ALTER TABLE connection_oauth ADD COLUMN sealed_token BYTEA;
ALTER TABLE connection_oauth ADD COLUMN token_expires_at BIGINT;

-- Vendors that are to be written to about a request, by the key of their connection. `message` is the
-- message that tells of the request, once there is one.
CREATE TABLE vendor_mail (
    request    TEXT   NOT NULL,
    connection TEXT   NOT NULL,
    message    TEXT,
    asked_at   BIGINT NOT NULL,
    sent_at    BIGINT,
    PRIMARY KEY (request, connection)
);
CREATE INDEX vendor_mail_by_waiting ON vendor_mail (connection, request) WHERE sent_at IS NULL;

-- What is done at times of a schedule, and until which of them it was done.
CREATE TABLE scheduled (
    name    TEXT   NOT NULL PRIMARY KEY,
    done_at BIGINT NOT NULL
);
