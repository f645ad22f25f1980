-- How often what requests are worked off with was changed: connections, secrets, datasets, policies,
-- destinations, webhooks, settings. One row.
CREATE TABLE revision (
    id     TEXT   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);
INSERT INTO revision (id, number) VALUES ('configuration', 0);
