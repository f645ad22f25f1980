-- Readings of who has access to an application, one run each. The report names kinds and counts, nobody.
CREATE TABLE access_sync (
    run_id     TEXT   PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    connection TEXT   NOT NULL,
    basis      TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    sync_id    TEXT,
    started_at BIGINT NOT NULL,
    ended_at   BIGINT,
    report     TEXT,
    error      TEXT
);
CREATE INDEX access_sync_by_connection ON access_sync (connection, started_at);
CREATE UNIQUE INDEX access_sync_open ON access_sync (connection) WHERE state = 'running';
