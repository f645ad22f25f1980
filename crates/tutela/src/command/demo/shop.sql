CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, city TEXT, created_at TEXT NOT NULL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), street TEXT, total TEXT NOT NULL);
CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, address TEXT NOT NULL);
CREATE INDEX orders_customer ON orders (customer_id);
INSERT INTO customers VALUES
  (1, 'ana@example.com', 'Ana O''Neil', 'Lisbon', '2025-02-03'),
  (2, 'bo@example.com', 'Bo Lindqvist', 'Malmö', '2025-03-04'),
  (3, 'cleo@example.com', 'Cleo Ngũgĩ', 'Nairobi', '2025-04-05');
INSERT INTO orders VALUES
  (101, 1, '5 Rua Nova', '19.90'), (102, 1, '5 Rua Nova', '7.50'),
  (103, 2, '8 Storgatan', '120.00'), (104, 3, '2 Moi Avenue', '42.00');
INSERT INTO subscriptions VALUES (1, 'ana@example.com'), (2, 'dee@example.com');
