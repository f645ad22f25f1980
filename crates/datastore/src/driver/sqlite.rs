//! SQLite: a file below a listed folder, opened for reading unless something is written.

mod fault;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use model::Row;
use serde_json::{Number, Value};
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Connection, Row as _, TypeInfo, ValueRef};

use self::fault::fault;
use super::{Change, Session, while_committing};
use crate::file::allowed_file;
use crate::page::PageSink;
use crate::select::{Output, Select};
use crate::table::{Column, ColumnKind, TableName};
use crate::{Boundary, DatabaseSettings, Fault, ReadLimits, SqlValue};

/// The way to a SQLite file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    path: PathBuf,
    boundary: Boundary,
    limits: ReadLimits,
}

/// Stops the statement that runs when the future that waits for it is dropped.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Sqlite {
    pub(crate) fn new(path: PathBuf, settings: &DatabaseSettings) -> Self {
        Self { path, boundary: settings.boundary.clone(), limits: settings.limits.clone() }
    }

    pub(crate) async fn test(&self) -> Result<(), Fault> {
        let (mut connection, _stop) = self.open(Session::Read).await?;
        // The header is read with the first statement that needs it.
        run(&mut connection, "SELECT COUNT(*) FROM sqlite_schema").await
    }

    pub(crate) async fn columns(&self, table: &TableName) -> Result<Vec<Column>, Fault> {
        let (mut connection, _stop) = self.open(Session::Read).await?;
        let columns = "SELECT name, type, pk, hidden, \"notnull\" FROM pragma_table_xinfo(?) ORDER BY cid";
        let rows = sqlx::query(columns).bind(&table.name).fetch_all(&mut connection).await;
        let rows = rows.map_err(|error| fault(&error))?;
        rows.iter().map(column).collect::<Result<_, _>>().map_err(|error| fault(&error))
    }

    pub(crate) async fn stream(&self, select: &Select, mut sink: PageSink) -> Result<(), Fault> {
        let (mut connection, _stop) = self.open(Session::Read).await?;
        run(&mut connection, "BEGIN").await?;
        {
            let arguments = arguments(&select.parameters)?;
            let query = sqlx::query_with(AssertSqlSafe(select.sql.clone()), arguments).persistent(false);
            let mut rows = query.fetch(&mut connection);
            while let Some(row) = rows.try_next().await.map_err(|error| fault(&error))? {
                let (row, bytes) = read(&row, &select.outputs)?;
                sink.push(row, bytes).await?;
            }
        }
        run(&mut connection, "COMMIT").await?;
        sink.finish().await;
        Ok(())
    }

    pub(crate) async fn execute(&self, change: &Change<'_>) -> Result<u64, Fault> {
        let (mut connection, _stop) = self.open(Session::Write).await?;
        run(&mut connection, "BEGIN IMMEDIATE").await?;
        let arguments = arguments(change.parameters)?;
        let query = sqlx::query_with(AssertSqlSafe(change.sql.to_owned()), arguments).persistent(false);
        let done = query.execute(&mut connection).await.map_err(|error| fault(&error))?;
        let affected = done.rows_affected();
        if affected > change.planned {
            run(&mut connection, "ROLLBACK").await?;
            return Err(Fault::KeyNotUnique { affected, planned: change.planned });
        }
        run(&mut connection, "COMMIT").await.map_err(while_committing)?;
        Ok(affected)
    }

    async fn open(&self, session: Session) -> Result<(SqliteConnection, StopOnDrop), Fault> {
        let file = allowed_file(&self.path, &self.boundary)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(false)
            .foreign_keys(true)
            .busy_timeout(self.limits.connect_timeout)
            .pragma("trusted_schema", "OFF")
            .read_only(session == Session::Read);
        let options = match session {
            Session::Read => options.pragma("query_only", "ON"),
            Session::Write => options,
        };
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(|error| fault(&error))?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let mut handle = connection.lock_handle().await.map_err(|error| fault(&error))?;
        handle.set_progress_handler(10_000, move || !seen.load(Ordering::Relaxed));
        drop(handle);
        Ok((connection, StopOnDrop(stop)))
    }
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), Fault> {
    sqlx::raw_sql(sql).execute(connection).await.map_err(|error| fault(&error))?;
    Ok(())
}

fn arguments(parameters: &[SqlValue]) -> Result<SqliteArguments, Fault> {
    let mut arguments = SqliteArguments::default();
    for parameter in parameters {
        let added = match parameter {
            SqlValue::Null => arguments.add(None::<String>),
            SqlValue::Integer(whole) => arguments.add(*whole),
            // No column holds it; a text with the same digits is compared as SQLite compares.
            SqlValue::Unsigned(whole) => arguments.add(whole.to_string()),
            SqlValue::Float(float) => arguments.add(*float),
            SqlValue::Text(text) => arguments.add(text.clone()),
            SqlValue::Bytes(bytes) => arguments.add(bytes.clone()),
            SqlValue::List(_) => return Err(Fault::Code { code: "parameter".to_owned() }),
        };
        added.map_err(|_| Fault::Code { code: "parameter".to_owned() })?;
    }
    Ok(arguments)
}

fn read(row: &SqliteRow, outputs: &[Output]) -> Result<(Row, usize), Fault> {
    let mut values = Row::new();
    let mut bytes = 0;
    for (position, output) in outputs.iter().enumerate() {
        let (value, size) = decode(row, position, output).map_err(|_| Fault::BadValue {
            column: output.column.name.clone(),
            declared: output.column.declared.clone(),
        })?;
        bytes += size + output.column.name.len() + 4;
        values.insert(output.column.name.clone(), value);
    }
    Ok((values, bytes))
}

/// The value by what is stored, whatever the column says, and about how large it is.
fn decode(row: &SqliteRow, position: usize, output: &Output) -> Result<(Value, usize), sqlx::Error> {
    let raw = row.try_get_raw(position)?;
    if raw.is_null() {
        return Ok((Value::Null, 0));
    }
    let stored = raw.type_info().name().to_owned();
    let is_boolean = output.column.kind == ColumnKind::Boolean;
    Ok(match stored.as_str() {
        "INTEGER" => match row.try_get_unchecked::<i64, _>(position)? {
            flag @ (0 | 1) if is_boolean => (Value::from(flag == 1), 1),
            whole => (Value::from(whole), 8),
        },
        "REAL" => {
            let float = row.try_get_unchecked::<f64, _>(position)?;
            (Number::from_f64(float).map_or_else(|| Value::from(float.to_string()), Value::Number), 8)
        }
        "BLOB" => {
            let found = row.try_get_unchecked::<Vec<u8>, _>(position)?;
            (Value::from(STANDARD.encode(&found)), found.len())
        }
        _ => {
            let text = row.try_get_unchecked::<String, _>(position)?;
            let size = text.len();
            let parsed = if output.is_json { serde_json::from_str(&text).ok() } else { None };
            (parsed.unwrap_or_else(|| Value::from(text)), size)
        }
    })
}

fn column(row: &SqliteRow) -> Result<Column, sqlx::Error> {
    let declared: String = row.try_get(1)?;
    Ok(Column {
        name: row.try_get(0)?,
        kind: kind(&declared),
        declared: if declared.is_empty() { "any".to_owned() } else { declared },
        charset: None,
        in_key: row.try_get::<i64, _>(2)? > 0,
        not_null: row.try_get::<i64, _>(4)? > 0,
        generated: row.try_get::<i64, _>(3)? > 1,
    })
}

/// By SQLite's own rules of affinity, with three names that people mean something by.
fn kind(declared: &str) -> ColumnKind {
    let declared = declared.to_ascii_uppercase();
    let has = |name: &str| declared.contains(name);
    if declared.starts_with("JSON") {
        ColumnKind::Json
    } else if declared.starts_with("BOOL") {
        ColumnKind::Boolean
    } else if has("INT") {
        ColumnKind::integer(64, true)
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        ColumnKind::Text
    } else if has("BLOB") {
        ColumnKind::Bytes
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        ColumnKind::Float
    } else {
        ColumnKind::Any
    }
}
