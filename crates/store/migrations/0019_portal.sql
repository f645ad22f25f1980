-- Browsers of people who look after their own requests; only hashes of their tokens. What may be
-- downloaded needs a code that was given back in that browser, and is given out once for each.
CREATE TABLE portal_visit (
    hash          BYTEA  NOT NULL,
    request       TEXT   NOT NULL REFERENCES privacy_request (id),
    expires_at    BIGINT NOT NULL,
    verified_at   BIGINT,
    downloaded_at BIGINT,
    PRIMARY KEY (hash, request)
);
CREATE INDEX portal_visit_by_end ON portal_visit (expires_at);
