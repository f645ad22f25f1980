-- Applications and connections as objects: whose they are, and syncs that come by themselves.

-- `managed`: looked after here. `unmanaged`: found inside another application, and only listed until somebody
-- promotes it (governance APP-5). An application that was found inside another one names it as its parent, promoted
-- or not. Whoever looks after an application, its owners, stands in `system_manager`.
ALTER TABLE application ADD COLUMN kind TEXT NOT NULL DEFAULT 'managed';
ALTER TABLE application ADD COLUMN parent TEXT;
ALTER TABLE application ADD COLUMN promoted_at BIGINT;
CREATE INDEX application_by_parent ON application (parent);

CREATE TABLE connection_owner (
    connection TEXT   NOT NULL REFERENCES connection (key) ON DELETE CASCADE,
    login_id   TEXT   NOT NULL REFERENCES login (id) ON DELETE CASCADE,
    since      BIGINT NOT NULL,
    PRIMARY KEY (connection, login_id)
);
CREATE INDEX connection_owner_by_login ON connection_owner (login_id);

-- One row for each connection that may be read for who has access.
CREATE TABLE connection_sync (
    connection      TEXT   NOT NULL PRIMARY KEY REFERENCES connection (key) ON DELETE CASCADE,
    -- Either an interval or a cron expression with its zone.
    interval_s      BIGINT,
    cron            TEXT,
    zone            TEXT,
    -- Whether a sync that lost much is held back.
    guard           BIGINT NOT NULL,
    -- Stands for file, settings and secrets that it was last read with; empty: never.
    basis           TEXT   NOT NULL,
    -- What it lacks to be read at all; NULL: nothing.
    lacks           TEXT,
    paused_at       BIGINT,
    paused_reason   TEXT,
    paused_category TEXT,
    -- When the next one is due, also while it is paused or lacks something.
    next_at         BIGINT NOT NULL,
    -- Asked for, by a person or by another file or other secrets, and not begun yet.
    asked_at        BIGINT,
    started_at      BIGINT,
    ended_at        BIGINT,
    last_run        TEXT,
    last_error      TEXT,
    last_success_at BIGINT,
    failures        BIGINT NOT NULL,
    -- Whoever works on it.
    holder          TEXT,
    fence           BIGINT NOT NULL,
    lease_from      BIGINT,
    lease_until     BIGINT,
    attempts        BIGINT NOT NULL
);
CREATE INDEX connection_sync_by_time ON connection_sync (next_at);

-- What happened in syncs: kinds and counts, nobody.
CREATE TABLE connection_sync_log (
    id         TEXT   NOT NULL PRIMARY KEY,
    connection TEXT   NOT NULL REFERENCES connection (key) ON DELETE CASCADE,
    run_id     TEXT,
    at         BIGINT NOT NULL,
    level      TEXT   NOT NULL,
    line       TEXT   NOT NULL
);
CREATE INDEX connection_sync_log_by_connection ON connection_sync_log (connection, id);

-- Access that ends by itself (governance GRA-3). Who holds what is sealed; the keyed hash finds the one that is open
-- for the same access. `pending`: nobody knows yet whether it was given.
CREATE TABLE access_end (
    id           TEXT   NOT NULL PRIMARY KEY,
    connection   TEXT   NOT NULL,
    subject_hash BYTEA  NOT NULL,
    sealed       BYTEA  NOT NULL,
    state        TEXT   NOT NULL,
    -- The run that gives it.
    run_id       TEXT   NOT NULL,
    -- When it ends, and when its end is tried next.
    due_at       BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    last_error   TEXT,
    -- Whether its owners were told that it could not be ended.
    told_at      BIGINT,
    created_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    holder       TEXT,
    fence        BIGINT NOT NULL,
    lease_from   BIGINT,
    lease_until  BIGINT
);
CREATE UNIQUE INDEX access_end_open ON access_end (subject_hash) WHERE state IN ('pending', 'open');
CREATE INDEX access_end_by_time ON access_end (next_at) WHERE state IN ('pending', 'open');
CREATE INDEX access_end_by_connection ON access_end (connection, due_at);
