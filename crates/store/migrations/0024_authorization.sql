-- People who were sent away to authorize a connection, until they come back. What they come back with is
-- kept as a keyed hash.
CREATE TABLE authorization_state (
    state_hash TEXT   NOT NULL PRIMARY KEY,
    connection TEXT   NOT NULL,
    actor      TEXT   NOT NULL,
    return_to  TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX authorization_state_by_connection ON authorization_state (connection);

-- How calls of a web hook get an access token, one JSON document.
CREATE TABLE connection_oauth (
    connection TEXT  NOT NULL PRIMARY KEY REFERENCES connection (key),
    sealed     BYTEA NOT NULL
);
