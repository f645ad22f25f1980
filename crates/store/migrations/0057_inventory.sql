-- The inventory: who had access to what, connection by connection, for as long as it is kept. Rows name people and are
-- sealed with the data key of their connection; everything else names kinds and counts, nobody.
CREATE TABLE inventory (
    connection TEXT   NOT NULL PRIMARY KEY,
    data_key   BYTEA  NOT NULL,
    -- What is in force.
    state_id   TEXT
);

-- What a sync found that was not known before. `taken` was in force from `taken_at` until the next one was.
CREATE TABLE inventory_state (
    id           TEXT   NOT NULL PRIMARY KEY,
    connection   TEXT   NOT NULL REFERENCES inventory (connection) ON DELETE CASCADE,
    standing     TEXT   NOT NULL,
    origin       TEXT   NOT NULL,
    source       TEXT,
    read_at      BIGINT NOT NULL,
    kept_at      BIGINT NOT NULL,
    taken_at     BIGINT,
    -- The last sync that found the same.
    seen_at      BIGINT NOT NULL,
    changed      BIGINT NOT NULL,
    resources    BIGINT NOT NULL,
    entitlements BIGINT NOT NULL,
    grants       BIGINT NOT NULL,
    reason       TEXT,
    kinds        TEXT   NOT NULL
);
CREATE INDEX inventory_state_by_time ON inventory_state (connection, kept_at);
CREATE UNIQUE INDEX inventory_state_in_force ON inventory_state (connection, taken_at) WHERE taken_at IS NOT NULL;
CREATE UNIQUE INDEX inventory_state_held ON inventory_state (connection) WHERE standing = 'held';

-- All rows of one kind (`holder` is empty), or the grants on it that another kind holds. Its id follows from its rows.
CREATE TABLE inventory_part (
    id           TEXT   NOT NULL PRIMARY KEY,
    connection   TEXT   NOT NULL REFERENCES inventory (connection) ON DELETE CASCADE,
    kind         TEXT   NOT NULL,
    holder       TEXT   NOT NULL,
    resources    BIGINT NOT NULL,
    entitlements BIGINT NOT NULL,
    grants       BIGINT NOT NULL,
    kept_at      BIGINT NOT NULL
);
CREATE INDEX inventory_part_by_time ON inventory_part (kept_at, id);

CREATE TABLE inventory_chunk (
    id         TEXT   NOT NULL PRIMARY KEY,
    connection TEXT   NOT NULL REFERENCES inventory (connection) ON DELETE CASCADE,
    kept_at    BIGINT NOT NULL,
    sealed     BYTEA  NOT NULL
);
CREATE INDEX inventory_chunk_by_time ON inventory_chunk (kept_at, id);

CREATE TABLE inventory_part_chunk (
    part_id  TEXT   NOT NULL REFERENCES inventory_part (id) ON DELETE CASCADE,
    number   BIGINT NOT NULL,
    chunk_id TEXT   NOT NULL REFERENCES inventory_chunk (id),
    PRIMARY KEY (part_id, number)
);
CREATE INDEX inventory_part_chunk_by_chunk ON inventory_part_chunk (chunk_id);

-- Which rows of each part a state has, and when they were read.
CREATE TABLE inventory_state_part (
    state_id TEXT   NOT NULL REFERENCES inventory_state (id) ON DELETE CASCADE,
    kind     TEXT   NOT NULL,
    holder   TEXT   NOT NULL,
    part_id  TEXT   NOT NULL REFERENCES inventory_part (id),
    as_of    BIGINT NOT NULL,
    PRIMARY KEY (state_id, kind, holder)
);
CREATE INDEX inventory_state_part_by_part ON inventory_state_part (part_id);
