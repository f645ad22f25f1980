-- Datasets: what the collections of a connection hold. `body` is one document as JSON, with every
-- key that its author wrote; it names fields and categories, no person.
CREATE TABLE dataset (
    key        TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The categories used anywhere in a dataset, to search by.
CREATE TABLE dataset_category (
    dataset  TEXT NOT NULL REFERENCES dataset (key),
    category TEXT NOT NULL,
    PRIMARY KEY (dataset, category)
);

-- Which connection a dataset belongs to. `key` is what the link itself is called: mostly the key of
-- the dataset.
CREATE TABLE dataset_link (
    key        TEXT   NOT NULL PRIMARY KEY,
    connection TEXT   NOT NULL,
    dataset    TEXT   NOT NULL REFERENCES dataset (key),
    linked_at  BIGINT NOT NULL
);
CREATE INDEX dataset_link_by_connection ON dataset_link (connection, key);
CREATE INDEX dataset_link_by_dataset ON dataset_link (dataset);

-- Applications of the data map, which the Fides API calls systems; `connection.system_key` names them.
CREATE TABLE application (
    key        TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
