//! Databases of one test's own: a file, or one on the server that tests use.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

/// Where state and shop are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    Sqlite,
    PostgreSql,
}

/// One database: a file, or one on the server that tests use.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Server { server: String, name: String },
}

impl Place {
    /// As the program takes it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(path) => format!("sqlite://{}", path.display()),
            Self::Server { server, name } => {
                let mut url = url::Url::parse(server).unwrap();
                url.set_path(name);
                url.to_string()
            }
        }
    }

    /// A database of this test's own on the server; `None`, with the reason printed, if there is none.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub(crate) fn on_server(what: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("TUTELA_TEST_POSTGRES") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "TUTELA_TEST_POSTGRES is not set; `cargo xtask test` starts a server"
            );
            println!("skipped: TUTELA_TEST_POSTGRES is not set; `cargo xtask test` starts a server");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Some(Self::Server { server, name: format!("it_{}_{number}_{what}", std::process::id()) })
    }

    /// An empty database in the place of whatever is there.
    pub(crate) async fn renew(&self) {
        match self {
            Self::File(path) => {
                remove_file(path);
                std::fs::write(path, "").unwrap();
            }
            Self::Server { name, .. } => {
                self.at_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                self.at_server(&format!("CREATE DATABASE {name}")).await;
            }
        }
    }

    /// Takes it off the server.
    pub(crate) async fn drop_all(&self) {
        if let Self::Server { name, .. } = self {
            for name in [name.clone(), format!("{name}_saved")] {
                self.at_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            }
        }
    }

    /// Runs statements in it.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::File(path) => {
                let mut connection = sqlite(path).await;
                connection.execute(sql).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Server { .. } => {
                let mut connection = sqlx::PgConnection::connect(&self.url()).await.unwrap();
                connection.execute(sql).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The one text column of a query.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::File(path) => {
                let mut connection = sqlite(path).await;
                let found = query.fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                found
            }
            Self::Server { .. } => {
                let mut connection = sqlx::PgConnection::connect(&self.url()).await.unwrap();
                sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Everything that a database on a server holds, by table: all columns as text, and bytes as they are.
    pub(crate) async fn contents(&self) -> Vec<(String, Vec<u8>)> {
        const COLUMNS: &str = "SELECT table_name || ' ' || column_name || ' ' || data_type \
             FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1";
        let mut contents = Vec::new();
        for line in self.texts(COLUMNS).await {
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let [table, column, kind] = words[..] else { panic!("{line}") };
            let mut connection = sqlx::PgConnection::connect(&self.url()).await.unwrap();
            let value = if kind == "bytea" {
                format!("\"{column}\"")
            } else {
                format!("convert_to(\"{column}\"::text, 'UTF8')")
            };
            let sql = format!("SELECT {value} FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
            let values: Vec<Vec<u8>> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            contents.push((table.to_owned(), values.join(&b'\n')));
        }
        contents
    }

    pub(crate) async fn at_server(&self, sql: &str) {
        let Self::Server { server, .. } = self else { return };
        let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn sqlite(path: &Path) -> sqlx::SqliteConnection {
    sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
}

pub(crate) fn remove_file(path: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let file = PathBuf::from(format!("{}{end}", path.display()));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
}
