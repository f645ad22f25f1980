-- The request of the connector file that a job is followed by; names no person.
ALTER TABLE job ADD COLUMN place TEXT NOT NULL DEFAULT '';

-- Calls made in the current window of each limit, counted by all processes together.
CREATE TABLE rate_window (
    counter  TEXT   NOT NULL,
    period_s BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    used     BIGINT NOT NULL,
    PRIMARY KEY (counter, period_s)
);

-- Until when a server asked for silence.
CREATE TABLE rate_pause (
    connection TEXT   NOT NULL,
    host       TEXT   NOT NULL,
    endpoint   TEXT   NOT NULL,
    until_at   BIGINT NOT NULL,
    PRIMARY KEY (connection, host, endpoint)
);

-- Access tokens. Not in `vault`: they change by themselves, and what changes there is drift.
CREATE TABLE token (
    connection TEXT   NOT NULL,
    slot       TEXT   NOT NULL,
    sealed     BYTEA  NOT NULL,
    saved_at   BIGINT NOT NULL,
    PRIMARY KEY (connection, slot)
);
