use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::program::Program;

pub(crate) const DATASET: &str = "dataset:
  - fides_key: shop
    name: Shop
    description: An invented shop
    collections:
      - name: customers
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
          - { name: name, data_categories: [user.name] }
          - { name: segment_id, data_categories: [user.unique_id] }
      - name: orders
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - name: customer_id
            fides_meta: { references: [{ dataset: shop, field: customers.id, direction: from }] }
          - { name: street, data_categories: [user.contact.address.street] }
";

const TABLES: &[&str] = &[
    "CREATE TABLE customers (id BIGINT PRIMARY KEY, email TEXT, name TEXT, segment_id TEXT)",
    "CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id BIGINT, street TEXT)",
    "INSERT INTO customers VALUES (1, 'ana@example.com', 'Ana', 'ana@example.com'), \
     (2, 'bo@example.com', 'Bo', 'user_8f3k2b9d'), (3, 'zoe@example.com', 'Zoe', NULL)",
    "INSERT INTO orders VALUES (11, 1, '5 Rua Nova'), (12, 1, '6 Rua Nova'), (13, 2, '8 Storgatan')",
];

/// The database of an invented shop: three customers with their orders.
pub(crate) struct ShopDatabase {
    pub(crate) connector: &'static str,
    /// As the project file has it.
    pub(crate) url: String,
    /// As the tests reach it.
    inside: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl ShopDatabase {
    /// A file in the project's folder.
    pub(crate) async fn sqlite(program: &Program) -> Self {
        let path = program.file("shop.db", "");
        let shop = Self {
            connector: "sqlite",
            url: "sqlite:shop.db".to_owned(),
            inside: format!("sqlite://{}", path.display()),
        };
        shop.fill().await;
        shop
    }

    /// A database of its own on the server of the tests; `None`, with the reason printed, without one.
    pub(crate) async fn postgres() -> Option<Self> {
        let shop = Self::empty_on_postgres().await?;
        shop.fill().await;
        Some(shop)
    }

    /// The same without a table.
    #[expect(clippy::print_stdout, reason = "a test that did not run says so")]
    pub(crate) async fn empty_on_postgres() -> Option<Self> {
        let Some(server) = std::env::var("TUTELA_TEST_POSTGRES").ok().filter(|url| !url.is_empty()) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "TUTELA_TEST_POSTGRES is not set; `cargo xtask test` starts a server"
            );
            println!("skipped: TUTELA_TEST_POSTGRES is not set; `cargo xtask test` starts a server");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tutela_shop_{}_{number}", std::process::id());
        let mut url: url::Url = server.parse().unwrap();
        let admin = Self { connector: "postgres", url: server.clone(), inside: server };
        admin.execute(&format!("DROP DATABASE IF EXISTS {name}")).await;
        admin.execute(&format!("CREATE DATABASE {name}")).await;
        url.set_path(&name);
        Some(Self { connector: "postgres", url: url.to_string(), inside: url.to_string() })
    }

    async fn fill(&self) {
        for statement in TABLES {
            self.execute(statement).await;
        }
    }

    async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.inside).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut connection = self.connect().await;
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// The first column of each row, as text; null is `-`.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let mut connection = self.connect().await;
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows.iter().map(|row| row.get::<Option<String>, _>(0).unwrap_or_else(|| "-".to_owned())).collect()
    }

    /// Every customer in one line, by id.
    pub(crate) async fn customers(&self) -> Vec<String> {
        self.texts(
            "SELECT id || '|' || COALESCE(email, '-') || '|' || COALESCE(name, '-') || '|' || COALESCE(segment_id, '-') \
             FROM customers ORDER BY id",
        )
        .await
    }

    /// Every order in one line, by id.
    pub(crate) async fn orders(&self) -> Vec<String> {
        self.texts("SELECT id || '|' || customer_id || '|' || COALESCE(street, '-') FROM orders ORDER BY id")
            .await
    }
}
