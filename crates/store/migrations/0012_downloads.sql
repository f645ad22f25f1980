-- Links to the data of a person that are good once; of each only the hash of its token.
CREATE TABLE download (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    request    TEXT   NOT NULL REFERENCES privacy_request (id),
    rule       TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX download_by_request ON download (request);
CREATE INDEX download_by_expiry ON download (expires_at);
