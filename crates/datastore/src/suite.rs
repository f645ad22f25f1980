//! Tests against real databases: SQLite always, PostgreSQL and MariaDB where the environment names
//! a server (`TUTELA_TEST_POSTGRES`, `TUTELA_TEST_MYSQL`: URLs of an account that may create
//! databases). They stand inside the crate because a test outside could not send a write.

mod faults;
mod nested;
mod reading;
mod types;
mod writing;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use graph::{CollectedInputs, Graph, GraphDataset, Targets, Traversal, TraversalNode, ValuePath};
use model::{Identities, Row, SystemClock};
use serde_json::{Value, json};
use spec::dataset_file::Namespace;
use spec::{Access, CheckOptions, SourceFile, check_datasets};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;
use testkit::TestDatabase;

use crate::{
    Boundary, CallStats, Changes, Database, DatabaseError, DatabaseKind, DatabaseSettings, Fault, ReadLimits,
    Reading, SqlOperation,
};

/// The databases that the tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backend {
    PostgreSql,
    MySql,
    Sqlite,
}

/// A database of one test's own.
pub(super) struct Shop {
    pub(super) backend: Backend,
    url: String,
    folder: TempDir,
    pub(super) limits: ReadLimits,
    pub(super) namespace: Namespace,
    _database: Option<TestDatabase>,
}

/// Whatever of the three runs set-up statements.
pub(super) enum Admin {
    PostgreSql(sqlx::PgConnection),
    MySql(sqlx::MySqlConnection),
    Sqlite(sqlx::SqliteConnection),
}

/// A dataset and the way to its collections for a person of whom only an e-mail address is known.
pub(super) struct Plan {
    pub(super) traversal: Traversal,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The statements of changes that leave nothing out.
pub(super) fn operations(mut changes: Changes) -> Result<Vec<SqlOperation>, Fault> {
    match changes.refused.pop() {
        Some(refused) => Err(refused.fault),
        None => Ok(changes.planned.into_iter().map(|change| change.operation).collect()),
    }
}

impl Shop {
    /// A database of its own; `None`, with the reason printed, if there is no server for it here.
    pub(super) async fn open(backend: Backend) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut database = None;
        let url = match backend {
            Backend::Sqlite => {
                std::fs::write(folder.path().join("shop.db"), "").unwrap();
                "sqlite:shop.db".to_owned()
            }
            Backend::PostgreSql => database.insert(TestDatabase::create().await?).url(),
            Backend::MySql => server_url("TUTELA_TEST_MYSQL")?,
        };
        let limits = ReadLimits { retry_wait: Duration::from_millis(1), ..ReadLimits::default() };
        let namespace = Namespace::default();
        let mut shop = Self { backend, url, folder, limits, namespace, _database: database };
        if backend == Backend::MySql {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("tutela_{}_{number}", std::process::id());
            shop.run(&format!("DROP DATABASE IF EXISTS {name}")).await;
            shop.run(&format!("CREATE DATABASE {name}")).await;
            let mut url = url::Url::parse(&shop.url).unwrap();
            url.set_path(&name);
            shop.url = url.to_string();
        }
        Some(shop)
    }

    pub(super) async fn admin(&self) -> Admin {
        match self.backend {
            Backend::PostgreSql => Admin::PostgreSql(sqlx::PgConnection::connect(&self.url).await.unwrap()),
            Backend::MySql => Admin::MySql(sqlx::MySqlConnection::connect(&self.url).await.unwrap()),
            Backend::Sqlite => {
                let url = format!("sqlite:{}", self.file().display());
                Admin::Sqlite(sqlx::SqliteConnection::connect(&url).await.unwrap())
            }
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    /// Runs statements as somebody who may do everything.
    pub(super) async fn run(&self, sql: &str) {
        self.admin().await.run(sql).await;
    }

    /// The first column of the first row, as text.
    pub(super) async fn text(&self, sql: &str) -> String {
        let query = AssertSqlSafe(sql.to_owned());
        let found: Option<String> = match self.admin().await {
            Admin::PostgreSql(mut admin) => sqlx::query_scalar(query).fetch_one(&mut admin).await.unwrap(),
            Admin::MySql(mut admin) => sqlx::query_scalar(query).fetch_one(&mut admin).await.unwrap(),
            Admin::Sqlite(mut admin) => sqlx::query_scalar(query).fetch_one(&mut admin).await.unwrap(),
        };
        found.unwrap_or_else(|| "NULL".to_owned())
    }

    pub(super) fn settings(&self, access: Access) -> DatabaseSettings {
        DatabaseSettings {
            connection: "shop".parse().unwrap(),
            kind: match self.backend {
                Backend::PostgreSql => DatabaseKind::PostgreSql,
                Backend::MySql => DatabaseKind::MySql,
                Backend::Sqlite => DatabaseKind::Sqlite,
            },
            secrets: vec![("url".to_owned(), json!(self.url))],
            access,
            namespace: self.namespace.clone(),
            boundary: Boundary {
                allow: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
                folders: vec![self.folder.path().to_owned()],
                base: self.folder.path().to_owned(),
                ..Boundary::default()
            },
            limits: self.limits.clone(),
        }
    }

    pub(super) fn database(&self, access: Access) -> Database {
        Database::new(&self.settings(access), Arc::new(SystemClock)).unwrap()
    }

    /// Reads a collection of `plan` to its end.
    pub(super) async fn rows(&self, plan: &Plan, collection: &str, inputs: &[(&str, Value)]) -> Vec<Row> {
        let reading = self.reading(plan, collection, inputs).await.unwrap();
        read_all(&reading).await.unwrap()
    }

    pub(super) async fn reading(
        &self,
        plan: &Plan,
        collection: &str,
        inputs: &[(&str, Value)],
    ) -> Result<Reading, DatabaseError> {
        let database = self.database(Access::Read);
        database.read(&plan.traversal, plan.node(collection), &inputs_of(inputs)).await
    }
}

impl Admin {
    pub(super) async fn run(&mut self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::PostgreSql(admin) => drop(admin.execute(sql).await.unwrap()),
            Self::MySql(admin) => drop(admin.execute(sql).await.unwrap()),
            Self::Sqlite(admin) => drop(admin.execute(sql).await.unwrap()),
        }
    }
}

impl Plan {
    /// Checks a dataset called `shop`, given by its collections.
    pub(super) fn new(collections: &str) -> Self {
        let text = format!("dataset:\n- fides_key: shop\n  name: Shop\n  collections:\n{collections}");
        let checked = check_datasets(&SourceFile::new("shop.yml", text), &CheckOptions::default());
        let datasets = checked.value.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
        let datasets: Vec<_> = datasets.iter().map(GraphDataset::from_dataset).collect();
        let mut identities = Identities::default();
        identities.insert("email", json!("ana@example.com")).unwrap();
        let traversal = Graph::build(&datasets).unwrap().traverse(&identities, Targets::Everything).unwrap();
        Self { traversal }
    }

    pub(super) fn node(&self, collection: &str) -> &TraversalNode {
        self.traversal.find(&format!("shop:{collection}").parse().unwrap()).unwrap()
    }
}

pub(super) fn inputs_of(inputs: &[(&str, Value)]) -> CollectedInputs {
    let flat = inputs.iter().map(|(path, values)| {
        let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
        ((*path).to_owned(), values)
    });
    CollectedInputs { flat: flat.collect(), groups: Vec::new() }
}

pub(super) async fn read_all(reading: &Reading) -> Result<Vec<Row>, DatabaseError> {
    let mut rows = Vec::new();
    for unit in 0..reading.units() {
        let mut reader = reading.open(unit);
        while let Some(page) = reader.next_page().await? {
            rows.extend(page.rows);
        }
        assert!(reader.completeness().is_complete());
        assert_eq!(reader.stats(), CallStats { requests: 1, ..CallStats::default() });
    }
    Ok(rows)
}

/// A path written `["address", 0, "city"]`.
pub(super) fn path(segments: Value) -> ValuePath {
    serde_json::from_value(segments).unwrap()
}

fn server_url(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        let needed = std::env::var_os("CI").is_some();
        assert!(!needed, "`{variable}` is not set; start the tests through `cargo xtask test`");
        println!("skipped: `{variable}` names no server; `cargo xtask test` starts one");
    }
    found
}
