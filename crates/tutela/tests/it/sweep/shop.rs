//! The company's own database, which counts every change of a row; and how it is set back.

use std::path::{Path, PathBuf};

use crate::sweep_database::{Flavour, Place, remove_file};

impl Place {
    /// Keeps the present state aside, for [`Place::restore`].
    pub(crate) async fn save(&self) {
        match self {
            Self::File(path) => {
                if path.exists() {
                    std::fs::copy(path, aside(path)).unwrap();
                }
            }
            Self::Server { name, .. } => {
                self.at_server(&format!("DROP DATABASE IF EXISTS {name}_saved WITH (FORCE)")).await;
                self.at_server(&format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                ))
                .await;
                self.at_server(&format!("CREATE DATABASE {name}_saved TEMPLATE {name}")).await;
            }
        }
    }

    /// Back to what was kept aside.
    pub(crate) async fn restore(&self) {
        match self {
            Self::File(path) => {
                remove_file(path);
                if aside(path).exists() {
                    std::fs::copy(aside(path), path).unwrap();
                }
            }
            Self::Server { name, .. } => {
                self.at_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                self.at_server(&format!("CREATE DATABASE {name} TEMPLATE {name}_saved")).await;
            }
        }
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("saved")
}

/// Tables and rows; `changes` gets a line for each change of a row, with whether it changed anything.
pub(crate) fn statements(flavour: Flavour) -> String {
    let tables = "
        CREATE TABLE customers (id BIGINT PRIMARY KEY, email VARCHAR(60), name VARCHAR(60), segment_id VARCHAR(60));
        CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT, address VARCHAR(60), total BIGINT);
        CREATE TABLE carts (id BIGINT PRIMARY KEY, customer_id BIGINT, content VARCHAR(60));
        CREATE TABLE changes (relation VARCHAR(20), row_id BIGINT, effective BIGINT);
        INSERT INTO customers VALUES (1, 'ana@example.com', 'Ana', 'ana@example.com'), (2, 'bo@example.com', 'Bo', 'user_8f3k2b9d');
        INSERT INTO orders VALUES (11, 1, 'Rome 1', 5), (12, 1, 'Rome 2', 6), (13, 1, 'Rome 3', 7), (21, 2, 'Oslo', 8);
        INSERT INTO carts VALUES (31, 1, 'socks'), (32, 1, 'hat'), (41, 2, 'gloves');\n";
    let mut text = tables.to_owned();
    for (table, columns) in
        [("customers", "email,name,segment_id"), ("orders", "address"), ("carts", "content")]
    {
        let differs = |old: &str, new: &str, is_distinct: &str| {
            let parts =
                columns.split(',').map(|column| format!("{old}.{column} {is_distinct} {new}.{column}"));
            parts.collect::<Vec<_>>().join(" OR ")
        };
        let trigger = match flavour {
            Flavour::Sqlite => format!(
                "CREATE TRIGGER {table}_update AFTER UPDATE ON {table} BEGIN INSERT INTO changes VALUES ('{table}', OLD.id, CASE WHEN {} THEN 1 ELSE 0 END); END;
                 CREATE TRIGGER {table}_delete AFTER DELETE ON {table} BEGIN INSERT INTO changes VALUES ('{table}', OLD.id, 1); END;\n",
                differs("OLD", "NEW", "IS NOT")
            ),
            Flavour::PostgreSql => format!(
                "CREATE FUNCTION {table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   IF TG_OP = 'DELETE' THEN INSERT INTO changes VALUES ('{table}', OLD.id, 1);
                   ELSE INSERT INTO changes VALUES ('{table}', OLD.id, CASE WHEN {} THEN 1 ELSE 0 END); END IF;
                   RETURN NULL; END $$;
                 CREATE TRIGGER {table}_changed AFTER UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_changed();\n",
                differs("OLD", "NEW", "IS DISTINCT FROM")
            ),
        };
        text.push_str(&trigger);
    }
    text
}

/// All rows as text, one line each.
pub(crate) const DUMP: &str = "
    SELECT line FROM (
      SELECT 'customer ' || id || ' ' || COALESCE(email, '-') || ' ' || COALESCE(name, '-') || ' ' || COALESCE(segment_id, '-') AS line FROM customers
      UNION ALL SELECT 'order ' || id || ' ' || customer_id || ' ' || COALESCE(address, '-') || ' ' || total FROM orders
      UNION ALL SELECT 'cart ' || id || ' ' || customer_id || ' ' || content FROM carts) AS lines ORDER BY line";

/// Every change as `table id effective`.
pub(crate) const CHANGES: &str =
    "SELECT relation || ' ' || row_id || ' ' || effective FROM changes ORDER BY relation, row_id";
