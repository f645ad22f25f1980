-- What people are asked to bring from places that no program reads: one form for each connection. `fields`
-- is JSON.
CREATE TABLE manual_form (
    connection TEXT   NOT NULL PRIMARY KEY,
    id         TEXT   NOT NULL UNIQUE,
    fields     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- What they brought for a request.
CREATE TABLE manual_input (
    request    TEXT   NOT NULL REFERENCES privacy_request (id),
    connection TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    entered_by TEXT   NOT NULL,
    entered_at BIGINT NOT NULL,
    PRIMARY KEY (request, connection, action)
);

-- What must not be erased, by which law, and how long. Without a place it is everything of these people;
-- without people it is everybody's data at the place.
CREATE TABLE hold (
    id         TEXT   NOT NULL PRIMARY KEY,
    place      TEXT,
    ground     TEXT   NOT NULL,
    until_at   BIGINT,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    lifted_by  TEXT,
    lifted_at  BIGINT
);
CREATE INDEX hold_in_force ON hold (created_at, id) WHERE lifted_at IS NULL;

-- Whom it is about; `hash` is keyed, as in `privacy_request_lookup`.
CREATE TABLE hold_person (
    hold  TEXT  NOT NULL REFERENCES hold (id),
    field TEXT  NOT NULL,
    hash  BYTEA NOT NULL,
    PRIMARY KEY (hold, field, hash)
);
CREATE INDEX hold_person_by_hash ON hold_person (field, hash);

-- What is left of a request until its holds have ended: who, under which policy, from when on.
CREATE TABLE hold_rest (
    request    TEXT   NOT NULL PRIMARY KEY,
    policy     TEXT   NOT NULL,
    sealed     BYTEA,
    due_at     BIGINT,
    created_at BIGINT NOT NULL,
    follow_up  TEXT
);
CREATE INDEX hold_rest_open ON hold_rest (due_at, request) WHERE follow_up IS NULL;

-- The longer time that was announced to a person.
CREATE TABLE deadline_extension (
    request      TEXT   NOT NULL PRIMARY KEY REFERENCES privacy_request (id),
    announced_at BIGINT NOT NULL,
    named_day    TEXT,
    sealed_why   BYTEA  NOT NULL,
    extended_by  TEXT   NOT NULL
);
