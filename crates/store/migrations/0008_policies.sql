-- Places where packages are put. `details` is JSON without secrets.
CREATE TABLE storage (
    key            TEXT   NOT NULL PRIMARY KEY,
    name           TEXT   NOT NULL UNIQUE,
    kind           TEXT   NOT NULL,
    details        TEXT   NOT NULL,
    format         TEXT   NOT NULL,
    is_default     BIGINT NOT NULL,
    sealed_secrets BYTEA,
    created_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX storage_by_default ON storage (kind) WHERE is_default = 1;

CREATE TABLE policy (
    key                 TEXT   NOT NULL PRIMARY KEY,
    name                TEXT   NOT NULL UNIQUE,
    drp_action          TEXT   UNIQUE,
    execution_timeframe BIGINT,
    approval            TEXT   NOT NULL,
    version             BIGINT NOT NULL,
    created_at          BIGINT NOT NULL
);
CREATE INDEX policy_by_age ON policy (created_at, key);

CREATE TABLE policy_rule (
    key           TEXT   NOT NULL PRIMARY KEY,
    policy        TEXT   NOT NULL REFERENCES policy (key),
    position      BIGINT NOT NULL,
    name          TEXT   NOT NULL,
    action        TEXT   NOT NULL,
    storage       TEXT   REFERENCES storage (key),
    strategy      TEXT,
    configuration TEXT
);
CREATE INDEX policy_rule_by_policy ON policy_rule (policy, position);
CREATE INDEX policy_rule_by_storage ON policy_rule (storage);

CREATE TABLE policy_target (
    key           TEXT   NOT NULL PRIMARY KEY,
    rule          TEXT   NOT NULL REFERENCES policy_rule (key),
    position      BIGINT NOT NULL,
    name          TEXT   NOT NULL,
    data_category TEXT   NOT NULL,
    UNIQUE (rule, data_category)
);

-- One row. Whoever changes policies, rules or storage takes it first, so that what is unique over all
-- of them is looked at and written by one at a time.
CREATE TABLE policy_gate (
    id      BIGINT NOT NULL PRIMARY KEY,
    changes BIGINT NOT NULL
);
INSERT INTO policy_gate (id, changes) VALUES (1, 0);

-- Calls around the life of a request; `connection` is the key of one, and may be gone. `policy` is
-- empty for those before approval, which belong to no policy.
CREATE TABLE policy_webhook (
    stage      TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    policy     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    connection TEXT   NOT NULL,
    direction  TEXT   NOT NULL,
    position   BIGINT NOT NULL,
    PRIMARY KEY (stage, key)
);
CREATE INDEX policy_webhook_by_policy ON policy_webhook (policy, stage, position);

CREATE INDEX run_by_policy ON run (policy);
