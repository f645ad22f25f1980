-- How far a reading is: one row for each of its units that has begun, because units are read at the
-- same time. `sealed` is whatever the reader needs to go on.
CREATE TABLE read_unit (
    task_id TEXT   NOT NULL REFERENCES task (id),
    unit    BIGINT NOT NULL,
    sealed  BYTEA  NOT NULL,
    PRIMARY KEY (task_id, unit)
);

-- What became of a reading, once it is over.
CREATE TABLE read_outcome (
    task_id TEXT  NOT NULL PRIMARY KEY REFERENCES task (id),
    sealed  BYTEA NOT NULL
);

-- By what a page is known again, for a reader that looks out for pages that come twice.
ALTER TABLE page ADD COLUMN sealed_mark BYTEA;

ALTER TABLE task DROP COLUMN unit;
ALTER TABLE task DROP COLUMN page;
ALTER TABLE task DROP COLUMN sealed_position;
