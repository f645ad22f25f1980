-- What is left of a plan and its end once the personal data of its run was destroyed. None of it is
-- personal data, so it is not sealed.
CREATE TABLE outline (
    plan_digest TEXT NOT NULL PRIMARY KEY REFERENCES plan (digest),
    body        TEXT NOT NULL
);
CREATE TABLE certificate (
    digest      TEXT   NOT NULL PRIMARY KEY,
    run_id      TEXT   NOT NULL REFERENCES run (id),
    issued_at   BIGINT NOT NULL,
    proven      BIGINT NOT NULL,
    envelope    BYTEA  NOT NULL
);
CREATE INDEX certificate_by_run ON certificate (run_id, issued_at);
