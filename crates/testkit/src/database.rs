use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;
use uuid::Uuid;

const SERVER: &str = "TUTELA_TEST_POSTGRES";
/// What makes the tables of Tutela's state.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/migrations");
/// PostgreSQL's codes for a database that is not there, and for one that is there already.
const MISSING: &str = "3D000";
const THERE: &str = "42P04";

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
    pub async fn create() -> Option<Self> {
        let database = Self::named()?;
        let statement = format!("CREATE DATABASE {}", database.name);
        database.at_server(statement).await.expect("a database is created");
        Some(database)
    }

    /// The same with the tables of Tutela's state in it, empty. They are copied, which takes a small part of the
    /// time that making them takes: the first test on a server leaves a database there that is copied from.
    ///
    /// # Panics
    /// As [`TestDatabase::create`], or if the migrations cannot be read or carried out.
    pub async fn with_state() -> Option<Self> {
        let database = Self::named()?;
        let migrations = Migrator::new(Path::new(MIGRATIONS)).await.expect("the migrations can be read");
        let template = template(&migrations);
        let copy = format!("CREATE DATABASE {} TEMPLATE {template}", database.name);
        match database.at_server(copy.clone()).await {
            Err(error) if has_code(&error, MISSING) => {
                database.make_template(&migrations, &template).await;
                database.at_server(copy).await.expect("a database is copied");
            }
            copied => copied.expect("a database is copied"),
        }
        Some(database)
    }

    /// A name that nobody has. `None`, with the reason printed, where there is no server to test with.
    #[expect(clippy::print_stdout, reason = "a test that did not run says so")]
    fn named() -> Option<Self> {
        let Some(server) = std::env::var(SERVER).ok().filter(|url| !url.is_empty()) else {
            let why = format!("{SERVER} is not set; `cargo xtask test` starts a server");
            assert!(std::env::var_os("CI").is_none(), "{why}");
            println!("skipped: {why}");
            return None;
        };
        Some(Self { server, name: format!("test_{}", Uuid::new_v4().simple()) })
    }

    /// Makes what others copy. It gets its name when it is whole; of two tests that make it at once, one is too late.
    async fn make_template(&self, migrations: &Migrator, template: &str) {
        let new =
            Self { server: self.server.clone(), name: format!("{template}_{}", Uuid::new_v4().simple()) };
        new.at_server(format!("CREATE DATABASE {}", new.name)).await.expect("a database is created");
        let mut connection =
            PgConnection::connect(&new.url()).await.expect("the new database can be reached");
        migrations.run(&mut connection).await.expect("the migrations can be carried out");
        connection.close().await.expect("the connection ends");
        match new.at_server(format!("ALTER DATABASE {} RENAME TO {template}", new.name)).await {
            Err(error) if has_code(&error, THERE) => {}
            renamed => renamed.expect("a database is renamed"),
        }
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

/// The name of the database with what these migrations make: other ones make another.
fn template(migrations: &Migrator) -> String {
    let mut digest = DefaultHasher::new();
    for migration in migrations.iter() {
        (migration.version, &migration.checksum).hash(&mut digest);
    }
    format!("state_{:016x}", digest.finish())
}

fn has_code(error: &sqlx::Error, code: &str) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|found| found == code)
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
