-- A connection may lead to several vendors: those whose address stands in a dataset. `recipient` stands for
-- one of them, keyed; empty: the only one of the connection, or not looked up yet.
ALTER TABLE vendor_mail RENAME TO vendor_mail_of_one;
CREATE TABLE vendor_mail (
    request    TEXT   NOT NULL,
    connection TEXT   NOT NULL,
    recipient  TEXT   NOT NULL,
    message    TEXT,
    asked_at   BIGINT NOT NULL,
    sent_at    BIGINT,
    PRIMARY KEY (request, connection, recipient)
);
INSERT INTO vendor_mail (request, connection, recipient, message, asked_at, sent_at)
    SELECT request, connection, '', message, asked_at, sent_at FROM vendor_mail_of_one;
DROP TABLE vendor_mail_of_one;
CREATE INDEX vendor_mail_by_waiting ON vendor_mail (connection, request) WHERE sent_at IS NULL;
