-- What applications answer later, by a call of their own: one for each unit of a reading and each write.
CREATE TABLE callback (
    id          TEXT   PRIMARY KEY,
    request     TEXT   NOT NULL REFERENCES privacy_request (id),
    run_id      TEXT   NOT NULL REFERENCES run (id),
    -- The task of a reading, or the digest of a plan.
    owner       TEXT   NOT NULL,
    -- The unit of the reading, or the operation of the plan.
    number      BIGINT NOT NULL,
    action      TEXT   NOT NULL,
    -- The collection, or the place of the write in the connector file.
    name        TEXT   NOT NULL,
    -- Stands for what is asked.
    basis       TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    made_at     BIGINT NOT NULL,
    sent_at     BIGINT,
    expires_at  BIGINT NOT NULL,
    answered_at BIGINT,
    row_count   BIGINT,
    rows_masked BIGINT,
    sealed      BYTEA,
    UNIQUE (owner, number)
);
CREATE INDEX callback_by_request ON callback (request);
CREATE INDEX callback_by_run ON callback (run_id);
