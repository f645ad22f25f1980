-- Requests of people. What is about the person is sealed. `listed` is 0 for those that lists leave out:
-- deleted ones, and those of sources that are never shown. A row whose `work_at` is set waits for a
-- worker, from that time on; `worker`, `fence` and the lease say who has it.
CREATE TABLE privacy_request (
    id                        TEXT   NOT NULL PRIMARY KEY,
    policy                    TEXT   NOT NULL REFERENCES policy (key),
    status                    TEXT   NOT NULL,
    step                      TEXT,
    listed                    BIGINT NOT NULL,
    authenticated             BIGINT NOT NULL,
    source                    TEXT,
    external_id               TEXT,
    location                  TEXT,
    property_id               TEXT,
    sealed_identities         BYTEA,
    sealed_custom_fields      BYTEA,
    sealed_encryption_key     BYTEA,
    sealed_reason             BYTEA,
    created_at                BIGINT NOT NULL,
    updated_at                BIGINT NOT NULL,
    requested_at              BIGINT NOT NULL,
    started_at                BIGINT,
    finished_at               BIGINT,
    reviewed_at               BIGINT,
    identity_verified_at      BIGINT,
    custom_fields_approved_at BIGINT,
    paused_at                 BIGINT,
    canceled_at               BIGINT,
    deleted_at                BIGINT,
    finalized_at              BIGINT,
    forgotten_at              BIGINT,
    due_at                    BIGINT,
    reviewed_by               TEXT,
    submitted_by              TEXT,
    custom_fields_approved_by TEXT,
    deleted_by                TEXT,
    finalized_by              TEXT,
    planned_by                TEXT,
    duplicate_group           TEXT,
    access_run                TEXT,
    change_run                TEXT,
    plan                      TEXT,
    attention                 TEXT,
    version                   BIGINT NOT NULL,
    work_at                   BIGINT,
    worker                    TEXT,
    fence                     BIGINT NOT NULL,
    lease_from                BIGINT,
    lease_until               BIGINT,
    attempts                  BIGINT NOT NULL
);
CREATE INDEX privacy_request_by_age ON privacy_request (created_at, id) WHERE listed = 1;
CREATE INDEX privacy_request_by_status ON privacy_request (status, created_at, id) WHERE listed = 1;
CREATE INDEX privacy_request_by_policy ON privacy_request (policy, created_at);
CREATE INDEX privacy_request_by_external ON privacy_request (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX privacy_request_by_location ON privacy_request (location, created_at) WHERE location IS NOT NULL;
CREATE INDEX privacy_request_by_work ON privacy_request (work_at, id) WHERE work_at IS NOT NULL;
CREATE INDEX privacy_request_by_due ON privacy_request (due_at, id) WHERE finished_at IS NULL AND due_at IS NOT NULL;
CREATE INDEX privacy_request_by_change ON privacy_request (updated_at) WHERE forgotten_at IS NULL;
CREATE INDEX privacy_request_by_group ON privacy_request (duplicate_group) WHERE duplicate_group IS NOT NULL;

-- Finds requests by what was sealed in them. `hash` is keyed.
CREATE TABLE privacy_request_lookup (
    field   TEXT  NOT NULL,
    hash    BYTEA NOT NULL,
    request TEXT  NOT NULL REFERENCES privacy_request (id),
    PRIMARY KEY (field, hash, request)
);
CREATE INDEX privacy_request_lookup_by_request ON privacy_request_lookup (request);

-- How many listed requests there are of each status; the sum over the shards counts. A request is always
-- counted in the same shard, so that few who change requests at the same time wait for each other.
CREATE TABLE privacy_request_count (
    status  TEXT   NOT NULL,
    shard   BIGINT NOT NULL,
    counted BIGINT NOT NULL,
    PRIMARY KEY (status, shard)
);

-- Codes that were sent to identities; only keyed hashes of them.
CREATE TABLE privacy_request_code (
    request    TEXT   NOT NULL REFERENCES privacy_request (id),
    kind       TEXT   NOT NULL,
    hash       BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    PRIMARY KEY (request, kind)
);

-- What happened to a request, for people who look at it. `message` is a fixed text, `sealed_words` are
-- a person's own words.
CREATE TABLE privacy_request_log (
    id              TEXT   NOT NULL PRIMARY KEY,
    request         TEXT   NOT NULL REFERENCES privacy_request (id),
    kind            TEXT   NOT NULL,
    at              BIGINT NOT NULL,
    status          TEXT   NOT NULL,
    dataset_name    TEXT,
    connection_key  TEXT,
    collection_name TEXT,
    fields_affected TEXT   NOT NULL,
    action_type     TEXT,
    message         TEXT,
    sealed_words    BYTEA,
    saas_version    TEXT,
    user_id         TEXT,
    webhook_id      TEXT
);
CREATE INDEX privacy_request_log_by_request ON privacy_request_log (request, at, id);
