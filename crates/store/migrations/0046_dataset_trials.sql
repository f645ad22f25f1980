-- Trial runs on one dataset, apart from the requests of people: nothing here is ever counted among them.
-- Identities and rows are sealed under a key of the trial's own, and all of it goes when its hour is over.
CREATE TABLE dataset_trial (
    id                TEXT   NOT NULL PRIMARY KEY,
    connection        TEXT   NOT NULL,
    dataset           TEXT   NOT NULL,
    policy            TEXT   NOT NULL,
    state             TEXT   NOT NULL,
    data_key          BYTEA  NOT NULL,
    sealed_identities BYTEA,
    sealed_results    BYTEA,
    is_cut            BIGINT NOT NULL,
    made_at           BIGINT NOT NULL,
    ended_at          BIGINT,
    expires_at        BIGINT NOT NULL,
    worker            TEXT,
    fence             BIGINT NOT NULL,
    lease_from        BIGINT,
    lease_until       BIGINT,
    attempts          BIGINT NOT NULL
);
CREATE INDEX dataset_trial_by_state ON dataset_trial (state, made_at, id);

-- What happened in it: fixed texts, keys and counts.
CREATE TABLE dataset_trial_log (
    trial   TEXT   NOT NULL REFERENCES dataset_trial (id),
    number  BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    level   TEXT   NOT NULL,
    place   TEXT   NOT NULL,
    message TEXT   NOT NULL,
    PRIMARY KEY (trial, number)
);
