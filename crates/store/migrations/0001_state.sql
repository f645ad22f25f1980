-- One text for SQLite and PostgreSQL: TEXT, BIGINT, DOUBLE PRECISION and BYTEA only.
-- Times are UTC microseconds, flags are 0/1, ids and JSON are text. `sealed` columns are
-- encrypted; everything else must be free of personal data and secrets.

-- Keys of this installation, wrapped by the master key.
CREATE TABLE installation (
    name   TEXT   NOT NULL PRIMARY KEY,
    sealed BYTEA  NOT NULL
);

CREATE TABLE run (
    id             TEXT   NOT NULL PRIMARY KEY,
    kind           TEXT   NOT NULL,
    state          TEXT   NOT NULL,
    policy         TEXT,
    subject_hash   BYTEA  NOT NULL,
    data_key       BYTEA,
    sealed_subject BYTEA,
    outcome        TEXT,
    created_at     BIGINT NOT NULL,
    finished_at    BIGINT,
    deadline_at    BIGINT,
    forgotten_at   BIGINT
);
CREATE INDEX run_by_state ON run (state, created_at);

CREATE TABLE task (
    id           TEXT   NOT NULL PRIMARY KEY,
    run_id       TEXT   NOT NULL REFERENCES run (id),
    kind         TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    blocked_by   BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    fence        BIGINT NOT NULL,
    worker       TEXT,
    lease_from   BIGINT,
    lease_until  BIGINT,
    attempts     BIGINT NOT NULL,
    failure      TEXT,
    outcome      TEXT,
    unit         BIGINT NOT NULL,
    page         BIGINT NOT NULL,
    sealed_position BYTEA,
    rows_read    BIGINT NOT NULL,
    pages_read   BIGINT NOT NULL,
    UNIQUE (run_id, kind, name)
);
CREATE INDEX task_by_due ON task (state, blocked_by, due_at);

CREATE TABLE task_edge (
    parent TEXT NOT NULL REFERENCES task (id),
    child  TEXT NOT NULL REFERENCES task (id),
    PRIMARY KEY (parent, child)
);

CREATE TABLE page (
    task_id TEXT   NOT NULL REFERENCES task (id),
    unit    BIGINT NOT NULL,
    page    BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    sealed  BYTEA  NOT NULL,
    PRIMARY KEY (task_id, unit, page)
);

CREATE TABLE plan (
    digest      TEXT   NOT NULL PRIMARY KEY,
    run_id      TEXT   NOT NULL REFERENCES run (id),
    sealed      BYTEA,
    made_at     BIGINT NOT NULL,
    approved_by TEXT,
    approved_at BIGINT
);
CREATE INDEX plan_by_run ON plan (run_id);

-- One row per attempt at one operation of one plan.
CREATE TABLE ledger (
    id          TEXT   NOT NULL PRIMARY KEY,
    plan_digest TEXT   NOT NULL REFERENCES plan (digest),
    operation   BIGINT NOT NULL,
    attempt     BIGINT NOT NULL,
    run_id      TEXT   NOT NULL REFERENCES run (id),
    state       TEXT   NOT NULL,
    task_id     TEXT,
    fence       BIGINT,
    effect      TEXT,
    outcome     TEXT,
    detail      TEXT,
    resolution  TEXT,
    resolved_by TEXT,
    intent_at   BIGINT,
    outcome_at  BIGINT,
    UNIQUE (plan_digest, operation, attempt)
);
CREATE INDEX ledger_by_run ON ledger (run_id, state);
CREATE INDEX ledger_by_task ON ledger (task_id, state);

-- `number` is given by the sequencer, after the transaction that entered the row.
CREATE TABLE audit_entry (
    id     TEXT   NOT NULL PRIMARY KEY,
    number BIGINT UNIQUE,
    body   TEXT   NOT NULL
);
-- Hashes of entries, 256 to a row; `level` counts in steps of eight heights of the tree.
CREATE TABLE audit_tile (
    level  BIGINT NOT NULL,
    tile   BIGINT NOT NULL,
    hashes BYTEA  NOT NULL,
    PRIMARY KEY (level, tile)
);
CREATE TABLE audit_checkpoint (
    size      BIGINT NOT NULL PRIMARY KEY,
    made_at   BIGINT NOT NULL,
    envelope  BYTEA  NOT NULL
);

-- What one process at a time may do; the fence counts its holders.
CREATE TABLE lease (
    name        TEXT   NOT NULL PRIMARY KEY,
    holder      TEXT   NOT NULL,
    fence       BIGINT NOT NULL,
    lease_from  BIGINT NOT NULL,
    lease_until BIGINT NOT NULL
);

CREATE TABLE vault (
    connection  TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    sealed      BYTEA  NOT NULL,
    fingerprint BYTEA  NOT NULL,
    put_at      BIGINT NOT NULL,
    PRIMARY KEY (connection, name)
);

CREATE TABLE job (
    id           TEXT   NOT NULL PRIMARY KEY,
    run_id       TEXT   NOT NULL REFERENCES run (id),
    plan_digest  TEXT   NOT NULL,
    operation    BIGINT NOT NULL,
    connection   TEXT   NOT NULL,
    external_id  TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    outcome      TEXT   NOT NULL,
    destinations TEXT   NOT NULL,
    polls        BIGINT NOT NULL,
    next_poll_at BIGINT NOT NULL,
    deadline_at  BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    ended_at     BIGINT,
    UNIQUE (plan_digest, operation, external_id)
);
CREATE INDEX job_by_poll ON job (state, next_poll_at);
