-- Self-hosted connectors: processes elsewhere that ask for work (baton §13). What a task asks for and what came of it
-- is sealed; everything else names ids and counts.
CREATE TABLE baton_connector (
    id            TEXT   PRIMARY KEY,
    connection    TEXT   NOT NULL UNIQUE,
    -- What it calls itself, and what it can do, as its last Hello says.
    display_name  TEXT,
    capabilities  TEXT,
    created_at    BIGINT NOT NULL,
    first_seen_at BIGINT,
    paused_at     BIGINT,
    paused_reason TEXT
);

CREATE TABLE baton_credential (
    id           TEXT   PRIMARY KEY,
    connector_id TEXT   NOT NULL REFERENCES baton_connector (id) ON DELETE CASCADE,
    client_id    TEXT   NOT NULL UNIQUE,
    public_key   BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    expires_at   BIGINT,
    revoked_at   BIGINT
);
CREATE INDEX baton_credential_by_connector ON baton_credential (connector_id, created_at);

CREATE TABLE baton_host (
    connector_id  TEXT   NOT NULL REFERENCES baton_connector (id) ON DELETE CASCADE,
    host_id       TEXT   NOT NULL,
    version       TEXT,
    first_seen_at BIGINT NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (connector_id, host_id)
);

CREATE TABLE baton_task (
    id           TEXT   PRIMARY KEY,
    connector_id TEXT   NOT NULL REFERENCES baton_connector (id) ON DELETE CASCADE,
    kind         TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    sealed       BYTEA  NOT NULL,
    holder       TEXT,
    lease_until  BIGINT,
    attempts     BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    cancel_at    BIGINT,
    code         BIGINT,
    error        TEXT,
    result       BYTEA,
    created_at   BIGINT NOT NULL,
    started_at   BIGINT,
    ended_at     BIGINT
);
CREATE INDEX baton_task_by_connector ON baton_task (connector_id, state, due_at);
CREATE INDEX baton_task_by_time ON baton_task (connector_id, kind, created_at);
-- One sync at a time (governance CON-3).
CREATE UNIQUE INDEX baton_task_sync ON baton_task (connector_id) WHERE kind = 'sync_full' AND state IN ('queued', 'leased');

CREATE TABLE baton_upload (
    task_id      TEXT   NOT NULL REFERENCES baton_task (id) ON DELETE CASCADE,
    attempt      BIGINT NOT NULL,
    checksum     TEXT   NOT NULL,
    connector_id TEXT   NOT NULL,
    bytes        BIGINT NOT NULL,
    state        TEXT   NOT NULL,
    reason       TEXT,
    resources    BIGINT NOT NULL,
    entitlements BIGINT NOT NULL,
    grants       BIGINT NOT NULL,
    uploaded_at  BIGINT NOT NULL,
    PRIMARY KEY (task_id, attempt, checksum)
);
CREATE INDEX baton_upload_by_connector ON baton_upload (connector_id, uploaded_at);

CREATE TABLE baton_log (
    id           TEXT   PRIMARY KEY,
    connector_id TEXT   NOT NULL REFERENCES baton_connector (id) ON DELETE CASCADE,
    at           BIGINT NOT NULL,
    host_id      TEXT,
    line         TEXT   NOT NULL
);
CREATE INDEX baton_log_by_connector ON baton_log (connector_id, at);
