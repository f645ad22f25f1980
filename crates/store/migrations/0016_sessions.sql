-- Browsers of people who are signed in hold tokens, too, which are good nowhere else; they end when
-- they are not used for a while.
ALTER TABLE access_token ADD COLUMN session BIGINT NOT NULL DEFAULT 0;
ALTER TABLE access_token ADD COLUMN seen_at BIGINT;

-- Who a provider of accounts says that somebody is: a keyed hash of provider and subject.
CREATE TABLE login_identity (
    hash      BYTEA  PRIMARY KEY,
    login_id  TEXT   NOT NULL REFERENCES login (id) ON DELETE CASCADE,
    linked_at BIGINT NOT NULL
);
CREATE INDEX login_identity_login ON login_identity (login_id);

-- People who were sent to a provider and have not come back. `hash` is of what the provider gives
-- back, `browser_hash` of what only their browser knows.
CREATE TABLE sign_in_flow (
    hash         BYTEA  PRIMARY KEY,
    browser_hash BYTEA  NOT NULL,
    next_page    TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sign_in_flow_expiry ON sign_in_flow (expires_at);

-- Applications that somebody looks after.
CREATE TABLE system_manager (
    login_id    TEXT   NOT NULL REFERENCES login (id) ON DELETE CASCADE,
    application TEXT   NOT NULL REFERENCES application (key) ON DELETE CASCADE,
    since       BIGINT NOT NULL,
    PRIMARY KEY (login_id, application)
);
CREATE INDEX system_manager_application ON system_manager (application);
