-- Messages on their way: to people, to those who run the installation, to mailboxes and webhooks.
-- `sealed` holds whom it goes to and what it says, and is destroyed when it is over. `once` keeps the
-- same message from being put twice. `about` is the id of what it is about, never a person's.
CREATE TABLE message (
    id          TEXT   NOT NULL PRIMARY KEY,
    kind        TEXT   NOT NULL,
    channel     TEXT   NOT NULL,
    about       TEXT,
    once        TEXT   UNIQUE,
    sealed      BYTEA,
    state       TEXT   NOT NULL,
    due_at      BIGINT NOT NULL,
    expires_at  BIGINT,
    attempts    BIGINT NOT NULL,
    fence       BIGINT NOT NULL,
    worker      TEXT,
    lease_from  BIGINT,
    lease_until BIGINT,
    failure     TEXT,
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT
);
CREATE INDEX message_by_due ON message (due_at, id) WHERE state = 'waiting';
CREATE INDEX message_by_lease ON message (lease_until) WHERE state = 'sending';
CREATE INDEX message_by_end ON message (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX message_by_about ON message (about, created_at);

-- Services that messages are sent with. `details` is JSON without secrets.
CREATE TABLE messaging_config (
    key            TEXT   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL UNIQUE,
    service        TEXT   NOT NULL UNIQUE,
    details        TEXT   NOT NULL,
    sealed_secrets BYTEA,
    tested_at      BIGINT,
    test_succeeded BIGINT,
    created_at     BIGINT NOT NULL
);

-- Texts that stand in place of those that come with the program.
CREATE TABLE message_template (
    name       TEXT   NOT NULL PRIMARY KEY,
    subject    TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Who is told after so many failures; one row at most. `sealed` holds their addresses.
CREATE TABLE failure_notice (
    id       BIGINT NOT NULL PRIMARY KEY,
    sealed   BYTEA  NOT NULL,
    after    BIGINT NOT NULL,
    failures BIGINT NOT NULL
);

-- What was mailed to a person so that they can choose a password. Of the code only its hash is here.
CREATE TABLE login_code (
    login_id   TEXT   NOT NULL REFERENCES login (id) ON DELETE CASCADE,
    purpose    TEXT   NOT NULL,
    hash       BYTEA  NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (login_id, purpose)
);

-- Webhooks that were called for a request, and what they answered. Of the token for the answer only
-- its hash is here.
CREATE TABLE webhook_call (
    request     TEXT   NOT NULL,
    stage       TEXT   NOT NULL,
    webhook     TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    token_hash  BYTEA  UNIQUE,
    token_until BIGINT,
    called_at   BIGINT NOT NULL,
    answered_at BIGINT,
    PRIMARY KEY (request, stage, webhook)
);
