use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};
use testkit::TestDatabase;

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
    _database: Option<TestDatabase>,
}

impl ShopDatabase {
    /// A file in the project's folder.
    pub(crate) async fn sqlite(program: &Program) -> Self {
        let path = program.file("shop.db", "");
        let shop = Self {
            connector: "sqlite",
            url: "sqlite:shop.db".to_owned(),
            inside: format!("sqlite://{}", path.display()),
            _database: None,
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
    pub(crate) async fn empty_on_postgres() -> Option<Self> {
        let database = TestDatabase::create().await?;
        let url = database.url();
        Some(Self { connector: "postgres", inside: url.clone(), url, _database: Some(database) })
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
