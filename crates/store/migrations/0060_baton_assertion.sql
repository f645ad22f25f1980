-- Assertions that gave a connector a token, known by the hash of their nonce: each is taken once by all servers
-- together, so each is kept for as long as it could be shown again (baton P-6).
CREATE TABLE baton_assertion (
    credential_id TEXT   NOT NULL REFERENCES baton_credential (id) ON DELETE CASCADE,
    nonce_hash    BYTEA  NOT NULL,
    until         BIGINT NOT NULL,
    PRIMARY KEY (credential_id, nonce_hash)
);
CREATE INDEX baton_assertion_by_time ON baton_assertion (credential_id, until);
