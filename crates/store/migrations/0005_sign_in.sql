-- Programs that use the API. Of their secrets only hashes are here; secrets are random, so that nobody
-- can guess them.
CREATE TABLE client (
    id          TEXT   PRIMARY KEY,
    name        TEXT,
    description TEXT,
    scopes      TEXT   NOT NULL,
    secret_hash BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- People who sign in. Address and names are sealed; the keyed hash of the address finds doubles.
CREATE TABLE login (
    id                TEXT   PRIMARY KEY,
    username          TEXT   NOT NULL,
    username_folded   TEXT   NOT NULL UNIQUE,
    email_hash        BYTEA  UNIQUE,
    sealed            BYTEA  NOT NULL,
    password_hash     TEXT,
    disabled          BIGINT NOT NULL,
    disabled_reason   TEXT,
    email_verified_at BIGINT,
    permission_id     TEXT   NOT NULL,
    roles             TEXT   NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);

-- What was handed out to one of them, or to the client that the settings name; ends with its holder.
CREATE TABLE access_token (
    hash        BYTEA  PRIMARY KEY,
    client_id   TEXT   REFERENCES client (id) ON DELETE CASCADE,
    login_id    TEXT   REFERENCES login (id) ON DELETE CASCADE,
    root_hash   BYTEA,
    scopes      TEXT   NOT NULL,
    issued_at   BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX access_token_client ON access_token (client_id);
CREATE INDEX access_token_login ON access_token (login_id);
CREATE INDEX access_token_expiry ON access_token (expires_at);
