-- What people are asked for by connections whose data no program reads: fields, conditions, and who answers.
-- `document` is JSON, checked by who writes it.
CREATE TABLE manual_task_config (
    connection TEXT   NOT NULL PRIMARY KEY,
    document   TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What a person is asked to do for a request. `document` is what it was configured to be when it was made;
-- `note` is a fixed text; what people wrote is sealed.
CREATE TABLE manual_task (
    id              TEXT   NOT NULL PRIMARY KEY,
    request         TEXT   NOT NULL REFERENCES privacy_request (id),
    connection      TEXT   NOT NULL,
    connection_type TEXT   NOT NULL,
    action          TEXT   NOT NULL,
    document        TEXT   NOT NULL,
    state           TEXT   NOT NULL,
    note            TEXT,
    outcome         TEXT,
    sealed          BYTEA,
    created_at      BIGINT NOT NULL,
    ended_by        TEXT,
    ended_at        BIGINT,
    UNIQUE (request, connection, action)
);
CREATE INDEX manual_task_by_state ON manual_task (state, created_at, id);

-- Who is to answer it.
CREATE TABLE manual_task_person (
    task  TEXT NOT NULL REFERENCES manual_task (id),
    login TEXT NOT NULL,
    PRIMARY KEY (task, login)
);
CREATE INDEX manual_task_person_by_login ON manual_task_person (login, task);

-- Files that people brought. `owner` is the task or the form; name and contents are sealed.
CREATE TABLE manual_attachment (
    id          TEXT   NOT NULL PRIMARY KEY,
    request     TEXT   NOT NULL REFERENCES privacy_request (id),
    owner       TEXT   NOT NULL,
    field       TEXT   NOT NULL,
    bytes       BIGINT NOT NULL,
    sealed_name BYTEA  NOT NULL,
    sealed      BYTEA  NOT NULL,
    entered_by  TEXT   NOT NULL,
    entered_at  BIGINT NOT NULL
);
CREATE INDEX manual_attachment_by_request ON manual_attachment (request, owner, entered_at, id);

-- What people were asked because nobody knows what they mean; the clock of their request stands still until
-- they say it.
CREATE TABLE clarification (
    id              TEXT   NOT NULL PRIMARY KEY,
    request         TEXT   NOT NULL REFERENCES privacy_request (id),
    sealed_question BYTEA  NOT NULL,
    asked_by        TEXT   NOT NULL,
    asked_at        BIGINT NOT NULL,
    sealed_answer   BYTEA,
    answered_by     TEXT,
    answered_at     BIGINT
);
CREATE INDEX clarification_by_request ON clarification (request, asked_at, id);

-- When the rules of a policy apply, JSON; always, if there is nothing.
ALTER TABLE policy ADD COLUMN conditions TEXT;
