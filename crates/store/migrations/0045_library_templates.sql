-- Versions of the library's templates that this installation ran with, each once. They never change.
CREATE TABLE library_template (
    connector_type TEXT   NOT NULL,
    version        TEXT   NOT NULL,
    config         TEXT   NOT NULL,
    dataset        TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (connector_type, version)
);
