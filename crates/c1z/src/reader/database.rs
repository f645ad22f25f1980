use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use tempfile::TempDir;

use super::ReadError;
use super::unpack::Unpacked;
use crate::layout::Table;

/// Steps of SQLite's machine between two looks at the budget.
const STEPS: i32 = 10_000;
/// Steps that each query has, beside one for each byte of the file: a look at every row takes fewer.
const STEPS_AT_LEAST: u64 = 20_000_000;
/// The most that one value may have.
const MOST_VALUE_BYTES: i32 = 64 << 20;

/// A table and a run.
type RowsOfRun = (&'static str, String);

/// A foreign database, opened so that it can only be read.
#[derive(Debug)]
pub(crate) struct Database {
    connection: Connection,
    bytes: u64,
    steps_left: Arc<AtomicU64>,
    columns: HashMap<&'static str, Vec<String>>,
    /// Row numbers by id, for tables without an index to look them up.
    pub(super) places: RefCell<HashMap<RowsOfRun, HashMap<String, i64>>>,
    indexed: RefCell<HashMap<&'static str, bool>>,
    /// Removed when the reader goes; on Unix its file is gone already.
    _folder: Option<TempDir>,
}

impl Database {
    /// Opens an unpacked database and checks its tables.
    pub(super) fn open(unpacked: Unpacked) -> Result<Self, ReadError> {
        let opening = |source| ReadError::Database { what: "opening", source };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(unpacked.path(), flags).map_err(opening)?;
        let steps_left = Arc::new(AtomicU64::new(0));
        harden(&connection, &steps_left).map_err(opening)?;
        let mut database = Self {
            connection,
            bytes: unpacked.bytes,
            steps_left,
            columns: HashMap::new(),
            places: RefCell::default(),
            indexed: RefCell::default(),
            _folder: None,
        };
        database.refill();
        for table in
            [Table::ResourceTypes, Table::Resources, Table::Entitlements, Table::Grants, Table::SyncRuns]
        {
            let columns = database.check(table)?;
            database.columns.insert(table.name(), columns);
        }
        // SQLite holds the file open now. Its name goes, so that a process that is killed leaves nothing behind.
        #[cfg(unix)]
        drop(unpacked.folder);
        #[cfg(not(unix))]
        {
            database._folder = Some(unpacked.folder);
        }
        Ok(database)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Length of the database.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the next query its steps.
    pub(super) fn refill(&self) {
        self.steps_left.store(STEPS_AT_LEAST + self.bytes, Ordering::Relaxed);
    }

    /// Whether a table has a column that not all writers make (baton DB-6).
    pub(crate) fn has(&self, table: Table, column: &str) -> bool {
        self.columns.get(table.name()).is_some_and(|columns| columns.iter().any(|known| known == column))
    }

    /// Whether a table has an index by which ids are found in their run.
    pub(super) fn is_indexed(&self, table: Table) -> Result<bool, ReadError> {
        if let Some(known) = self.indexed.borrow().get(table.name()) {
            return Ok(*known);
        }
        let failed = |source| ReadError::Database { what: "its indexes", source };
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT id FROM main.{} WHERE external_id = $1 AND sync_id = $2",
            table.name()
        );
        self.refill();
        let plan: String =
            self.connection.query_row(&sql, ["", ""], |row| row.get("detail")).map_err(failed)?;
        let indexed = plan.starts_with("SEARCH") && plan.contains("external_id=?");
        self.indexed.borrow_mut().insert(table.name(), indexed);
        Ok(indexed)
    }

    /// The columns of a table that has to be a table, with rows of its own under their numbers.
    fn check(&self, table: Table) -> Result<Vec<String>, ReadError> {
        let name = table.name();
        let failed = |source| ReadError::Database { what: "its schema", source };
        let found: Option<(String, String)> = self
            .connection
            .query_row(
                "SELECT type, coalesce(sql, '') FROM sqlite_schema WHERE name = $1 COLLATE NOCASE",
                [name],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(failed)?;
        let not_table = |found| ReadError::NotTable { table: name, found };
        let (kind, sql) = found.ok_or_else(|| not_table("missing"))?;
        match kind.as_str() {
            "table" if !is_virtual(&sql) => {}
            "table" => return Err(not_table("a virtual table")),
            "view" => return Err(not_table("a view")),
            _ => return Err(not_table("something else")),
        }
        let mut columns = Vec::new();
        let mut statement = self
            .connection
            // The statement, not the function of that name: a foreign file may have a table called like it.
            .prepare(&format!("PRAGMA main.table_xinfo({name})"))
            .map_err(failed)?;
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, String>("name")?,
                row.get::<_, String>("type")?,
                row.get::<_, i64>("pk")?,
                row.get::<_, i64>("hidden")?,
            ))
        });
        for row in rows.map_err(failed)? {
            let (column, declared, key, hidden) = row.map_err(failed)?;
            let column = column.to_ascii_lowercase();
            if hidden != 0 {
                return Err(not_table("a table with computed columns"));
            }
            if column == "id" && !(key == 1 && declared.eq_ignore_ascii_case("integer")) {
                return Err(ReadError::Column {
                    table: name,
                    column: "id",
                    found: "not the number of its rows",
                });
            }
            columns.push(column);
        }
        for column in wanted(table) {
            if !columns.iter().any(|known| known == column) {
                return Err(ReadError::Column { table: name, column, found: "missing" });
            }
        }
        Ok(columns)
    }
}

/// The columns that every writer makes (baton DB-1, X-5).
fn wanted(table: Table) -> &'static [&'static str] {
    match table {
        Table::ResourceTypes => &["id", "external_id", "data", "sync_id"],
        Table::Resources => &["id", "resource_type_id", "external_id", "data", "sync_id"],
        Table::Entitlements => &["id", "resource_type_id", "resource_id", "external_id", "data", "sync_id"],
        Table::Grants => &[
            "id",
            "resource_type_id",
            "resource_id",
            "entitlement_id",
            "principal_resource_type_id",
            "principal_resource_id",
            "external_id",
            "data",
            "sync_id",
        ],
        Table::Assets => &["id", "external_id", "content_type", "data", "sync_id"],
        Table::SyncRuns => &["id", "sync_id", "started_at", "ended_at", "sync_token"],
    }
}

fn is_virtual(sql: &str) -> bool {
    sql.split_ascii_whitespace().nth(1).is_some_and(|word| word.eq_ignore_ascii_case("virtual"))
}

/// Takes from a connection everything but reading plain rows.
fn harden(connection: &Connection, steps_left: &Arc<AtomicU64>) -> Result<(), rusqlite::Error> {
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ] {
        connection.set_db_config(config, on)?;
    }
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, MOST_VALUE_BYTES),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
        (Limit::SQLITE_LIMIT_COLUMN, 100),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 50),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 3),
        (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 8),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, most)?;
    }
    let left = Arc::clone(steps_left);
    left.store(STEPS_AT_LEAST, Ordering::Relaxed);
    let spend = move || {
        let steps = u64::from(STEPS.unsigned_abs());
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(steps)).is_err()
    };
    connection.progress_handler(STEPS, Some(spend))?;
    connection.execute_batch(
        "PRAGMA query_only = 1; PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0; \
         PRAGMA cache_size = -16384; PRAGMA locking_mode = exclusive;",
    )
}
