-- Processes that carry out requests, as they were last seen. Nothing depends on it: who has a request
-- stands with the request.
CREATE TABLE worker (
    name       TEXT   NOT NULL PRIMARY KEY,
    version    TEXT   NOT NULL,
    slots      BIGINT NOT NULL,
    busy       BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
