-- Connections that are kept here instead of in a project file. Their secrets are in `vault`, their
-- access tokens in `token`.
CREATE TABLE connection (
    key             TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   UNIQUE,
    description     TEXT,
    connection_type TEXT   NOT NULL,
    access          TEXT   NOT NULL,
    disabled        BIGINT NOT NULL,
    enabled_actions TEXT,
    system_key      TEXT,
    masking_strict  BIGINT,
    -- Key, name and description in small letters.
    search_text     TEXT   NOT NULL,
    -- The connector file, only for applications: what it says of itself, its whole content, its scripts.
    connector_key   TEXT,
    connector_name  TEXT,
    connector_type  TEXT,
    connector_version TEXT,
    connector_document TEXT,
    connector_scripts  TEXT,
    tested_at       BIGINT,
    test_succeeded  BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX connection_by_system ON connection (system_key);

-- Connector files that a connection had, with the datasets at that time.
CREATE TABLE connector_version (
    id         TEXT   NOT NULL PRIMARY KEY,
    connection TEXT   NOT NULL REFERENCES connection (key),
    version    TEXT   NOT NULL,
    document   TEXT   NOT NULL,
    scripts    TEXT   NOT NULL,
    datasets   TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX connector_version_by_connection ON connector_version (connection, created_at);
