-- Connector templates that customers brought, each version once. At most one of a type is in use.
CREATE TABLE connector_template (
    connector_type TEXT   NOT NULL,
    version        TEXT   NOT NULL,
    config         TEXT   NOT NULL,
    dataset        TEXT   NOT NULL,
    icon           TEXT,
    in_use         BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    brought_at     BIGINT NOT NULL,
    PRIMARY KEY (connector_type, version)
);
