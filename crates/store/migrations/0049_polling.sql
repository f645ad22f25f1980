-- Jobs of applications that read for somebody: one for each unit of a reading that is asked about until it
-- is done.
CREATE TABLE polling (
    task_id  TEXT   NOT NULL,
    unit     BIGINT NOT NULL,
    run_id   TEXT   NOT NULL REFERENCES run (id),
    -- The collection.
    name     TEXT   NOT NULL,
    -- Stands for what is asked.
    basis    TEXT   NOT NULL,
    asked_at BIGINT NOT NULL,
    look_at  BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    -- The application's id of the job.
    sealed   BYTEA  NOT NULL,
    PRIMARY KEY (task_id, unit)
);
CREATE INDEX polling_by_run ON polling (run_id);
