use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;
use uuid::Uuid;

const SERVER: &str = "TUTELA_TEST_POSTGRES";

/// An empty PostgreSQL database of a test's own; it is taken off the server when this is dropped,
/// whoever is still connected to it.
///
/// The server is the one that `TUTELA_TEST_POSTGRES` names: a URL of an account that may create
/// databases.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// Creates one. `None`, with the reason printed, where there is no server to test with.
    ///
    /// # Panics
    /// The server refuses, or there is none where tests must not be skipped (`CI` is set).
    #[expect(clippy::print_stdout, reason = "a test that did not run says so")]
    pub async fn create() -> Option<Self> {
        let Some(server) = std::env::var(SERVER).ok().filter(|url| !url.is_empty()) else {
            let why = format!("{SERVER} is not set; `cargo xtask test` starts a server");
            assert!(std::env::var_os("CI").is_none(), "{why}");
            println!("skipped: {why}");
            return None;
        };
        let database = Self { server, name: format!("test_{}", Uuid::new_v4().simple()) };
        database
            .at_server(format!("CREATE DATABASE {}", database.name))
            .await
            .expect("a database is created");
        Some(database)
    }

    /// How the database is reached.
    ///
    /// # Panics
    /// The address of the server is no URL.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = Url::parse(&self.server).expect("the server has a URL");
        url.set_path(&self.name);
        url.into()
    }

    async fn at_server(&self, statement: String) -> Result<(), sqlx::Error> {
        let mut connection = PgConnection::connect(&self.server).await?;
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own: the test's runtime is busy with this very call.
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                // What stays is an empty place on a server that is thrown away after the tests.
                let _ = runtime.map(|runtime| runtime.block_on(self.at_server(statement)));
            });
        });
    }
}
