-- What was used last, by whom and on what, as the events of an application tell it. Who and what are sealed with the data
-- key of the connection's inventory; the keyed hash finds the one row of the same use.
CREATE TABLE activity (
    connection     TEXT   NOT NULL PRIMARY KEY REFERENCES inventory (connection) ON DELETE CASCADE,
    -- All events between these two times were read, without a gap; NULL: of no time.
    read_from      BIGINT,
    read_until     BIGINT,
    -- From when on it is also known on what.
    resources_from BIGINT,
    -- The newest try, and what it lacks; NULL: nothing.
    tried_at       BIGINT NOT NULL,
    reason         TEXT
);

CREATE TABLE activity_use (
    connection  TEXT   NOT NULL REFERENCES activity (connection) ON DELETE CASCADE,
    id          TEXT   NOT NULL,
    -- Whether it is the use of one thing, or that anything was used.
    of_resource BIGINT NOT NULL,
    last_at     BIGINT NOT NULL,
    sealed      BYTEA  NOT NULL,
    PRIMARY KEY (connection, id)
);
CREATE INDEX activity_use_by_time ON activity_use (connection, of_resource, last_at);
