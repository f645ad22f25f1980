//! PostgreSQL: parameters go as text with a cast, rows come as text from a server-side cursor, so
//! that every type, known or not, keeps its exact value.

mod decode;
mod fault;

use std::time::Duration;

use futures::TryStreamExt;
use model::ConnectionKey;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{Arguments, AssertSqlSafe, Connection, Row as _, ValueRef};

use self::decode::write;
use self::fault::fault;
use super::{Change, Idle, Session, while_committing, while_connecting};
use crate::address::{ServerAddress, Tls};
use crate::dialect::Dialect;
use crate::page::PageSink;
use crate::select::{Output, Select};
use crate::server::{Dial, dials};
use crate::table::{Column, ColumnKind, TableName};
use crate::{Boundary, DatabaseSettings, Fault, ReadLimits, SqlValue};

/// The way to a PostgreSQL database.
#[derive(Debug)]
pub(crate) struct PostgreSql {
    address: ServerAddress,
    connection: ConnectionKey,
    boundary: Boundary,
    limits: ReadLimits,
    idle: Idle<PgConnection>,
}

/// One row per column of a table; domains are followed to the type below them.
const COLUMNS: &str = "\
SELECT a.attname::text, format_type(a.atttypid, -1), COALESCE(b.typname, t.typname)::text, \
       COALESCE(e.typname::text, ''), a.attgenerated <> '' OR a.attidentity = 'a', \
       COALESCE(a.attnum = ANY (i.indkey), FALSE), a.attnotnull \
FROM pg_catalog.pg_attribute a \
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype \
LEFT JOIN pg_catalog.pg_type e \
  ON e.oid = COALESCE(b.typelem, t.typelem) AND COALESCE(b.typcategory, t.typcategory) = 'A' \
LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped \
ORDER BY a.attnum";

impl PostgreSql {
    pub(crate) fn new(mut address: ServerAddress, settings: &DatabaseSettings) -> Self {
        if let Some(database) = &settings.namespace.database {
            address.database = Some(database.clone());
        }
        Self {
            address,
            connection: settings.connection.clone(),
            boundary: settings.boundary.clone(),
            limits: settings.limits.clone(),
            idle: Idle::new(),
        }
    }

    pub(crate) async fn test(&self) -> Result<(), Fault> {
        let mut connection = self.connection(Session::Read).await?;
        sqlx::raw_sql("SELECT 1").execute(&mut connection).await.map_err(|error| fault(&error))?;
        self.idle.give_back(Session::Read, connection);
        Ok(())
    }

    pub(crate) async fn columns(&self, table: &TableName) -> Result<Vec<Column>, Fault> {
        let mut connection = self.connection(Session::Read).await?;
        let name = Dialect::PostgreSql.table(table);
        let rows = sqlx::query(COLUMNS).persistent(false).bind(name).fetch_all(&mut connection).await;
        let columns: Result<Vec<Column>, sqlx::Error> =
            rows.map_err(|error| fault(&error))?.iter().map(column).collect();
        self.idle.give_back(Session::Read, connection);
        columns.map_err(|error| fault(&error))
    }

    pub(crate) async fn stream(&self, select: &Select, mut sink: PageSink) -> Result<(), Fault> {
        let mut connection = self.connection(Session::Read).await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL cursor_tuple_fraction = 1";
        sqlx::raw_sql(begin).execute(&mut connection).await.map_err(|error| fault(&error))?;
        let declare = format!("DECLARE tutela NO SCROLL CURSOR FOR {}", select.sql);
        execute(&mut connection, declare, &select.parameters).await?;
        let columns: Vec<RowColumn<'_>> = RowColumn::list(&select.outputs);
        let mut line = Vec::new();
        let fetch = format!("FETCH FORWARD {} FROM tutela", sink.page_rows());
        loop {
            let mut fetched = 0;
            {
                let mut rows = sqlx::raw_sql(AssertSqlSafe(fetch.clone())).fetch(&mut connection);
                while let Some(row) = rows.try_next().await.map_err(|error| fault(&error))? {
                    line.clear();
                    write_row(&mut line, &row, &columns)?;
                    fetched += 1;
                    sink.push_line(&line).await?;
                }
            }
            if fetched < sink.page_rows() {
                break;
            }
        }
        sqlx::raw_sql("COMMIT").execute(&mut connection).await.map_err(|error| fault(&error))?;
        self.idle.give_back(Session::Read, connection);
        sink.finish().await;
        Ok(())
    }

    pub(crate) async fn execute(&self, change: &Change<'_>) -> Result<u64, Fault> {
        let mut connection = self.connection(Session::Write).await?;
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.map_err(|error| fault(&error))?;
        let affected = execute(&mut connection, change.sql.to_owned(), change.parameters).await?;
        if affected > change.planned {
            sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.map_err(|error| fault(&error))?;
            return Err(Fault::KeyNotUnique { affected, planned: change.planned });
        }
        let committed = sqlx::raw_sql("COMMIT").execute(&mut connection).await;
        committed.map_err(|error| while_committing(fault(&error)))?;
        self.idle.give_back(Session::Write, connection);
        Ok(affected)
    }

    async fn connection(&self, session: Session) -> Result<PgConnection, Fault> {
        if let Some(mut idle) = self.idle.take(session)
            && idle.ping().await.is_ok()
        {
            return Ok(idle);
        }
        let connecting = tokio::time::timeout(self.limits.connect_timeout, self.connect(session));
        connecting.await.unwrap_or(Err(Fault::Connect))
    }

    async fn connect(&self, session: Session) -> Result<PgConnection, Fault> {
        let mut last = Fault::Connect;
        for dial in dials(&self.address, &self.connection, &self.boundary).await? {
            match PgConnection::connect_with(&self.options(&dial)).await {
                Ok(mut connection) => {
                    let prepare = self.session_text(session);
                    let prepared = sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await;
                    prepared.map_err(|error| fault(&error))?;
                    return Ok(connection);
                }
                Err(error) => last = while_connecting(fault(&error)),
            }
        }
        Err(last)
    }

    fn options(&self, dial: &Dial) -> PgConnectOptions {
        let address = &self.address;
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&dial.host)
            .port(address.port)
            .username(address.username.as_deref().unwrap_or("postgres"))
            .password(address.password.as_ref().map_or("", |password| password.expose()))
            .application_name("tutela")
            .statement_cache_capacity(0)
            .ssl_mode(match dial.tls {
                Tls::Disable => PgSslMode::Disable,
                Tls::Prefer => PgSslMode::Prefer,
                Tls::Require => PgSslMode::Require,
                Tls::VerifyCa => PgSslMode::VerifyCa,
                Tls::VerifyFull => PgSslMode::VerifyFull,
            });
        let database = address.database.as_deref().or(address.username.as_deref());
        options = options.database(database.unwrap_or("postgres"));
        if let Some(certificate) = &address.root_certificate {
            options = options.ssl_root_cert(certificate);
        }
        options
    }

    /// Settings of a session, sent as one text.
    fn session_text(&self, session: Session) -> String {
        let timeout_ms = milliseconds(self.limits.statement_timeout);
        let mut text = format!(
            "SET statement_timeout = {timeout_ms}; SET lock_timeout = {timeout_ms}; \
             SET idle_in_transaction_session_timeout = {}; \
             SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; \
             SET bytea_output = 'hex'; SET extra_float_digits = 3; SET standard_conforming_strings = on",
            timeout_ms.saturating_mul(4)
        );
        if session == Session::Read {
            text.push_str("; SET default_transaction_read_only = on");
        }
        if let Some(schema) = &self.address.schema {
            text.push_str("; SET search_path = ");
            text.push_str(&Dialect::PostgreSql.quote(schema));
        }
        text
    }
}

fn milliseconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX).max(1)
}

async fn execute(connection: &mut PgConnection, sql: String, parameters: &[SqlValue]) -> Result<u64, Fault> {
    let mut arguments = PgArguments::default();
    for parameter in parameters {
        let added = match parameter {
            SqlValue::Null => arguments.add(None::<String>),
            SqlValue::Integer(whole) => arguments.add(*whole),
            SqlValue::Unsigned(whole) => arguments.add(whole.to_string()),
            SqlValue::Float(float) => arguments.add(*float),
            SqlValue::Text(text) => arguments.add(text.as_str()),
            SqlValue::Bytes(bytes) => arguments.add(bytes.as_slice()),
            SqlValue::List(list) => arguments.add(list.as_slice()),
        };
        added.map_err(|_| Fault::Code { code: "parameter".to_owned() })?;
    }
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false);
    let done = query.execute(connection).await.map_err(|error| fault(&error))?;
    Ok(done.rows_affected())
}

/// A column of the result, and what stands before its values in the text of a row.
struct RowColumn<'a> {
    output: &'a Output,
    /// `{"id":` or `,"name":`.
    before: String,
}

impl<'a> RowColumn<'a> {
    fn list(outputs: &'a [Output]) -> Vec<Self> {
        let before = |position, name: &str| {
            let name = serde_json::Value::from(name);
            format!("{}{name}:", if position == 0 { '{' } else { ',' })
        };
        let columns = outputs.iter().enumerate();
        columns
            .map(|(position, output)| Self { output, before: before(position, &output.column.name) })
            .collect()
    }
}

/// Writes the row as JSON. Nobody may ever ask for its values, and text is what it is kept as.
fn write_row(line: &mut Vec<u8>, row: &PgRow, columns: &[RowColumn<'_>]) -> Result<(), Fault> {
    for (position, RowColumn { output, before }) in columns.iter().enumerate() {
        line.extend_from_slice(before.as_bytes());
        let raw = row.try_get_raw(position).map_err(|error| fault(&error))?;
        if raw.is_null() {
            line.extend_from_slice(b"null");
            continue;
        }
        let unreadable = || Fault::BadValue {
            column: output.column.name.clone(),
            declared: output.column.declared.clone(),
        };
        let text = raw.as_str().map_err(|_| unreadable())?;
        write(line, text, &output.column.kind, output.is_json).ok_or_else(unreadable)?;
    }
    line.extend_from_slice(if columns.is_empty() { b"{}" } else { b"}" });
    Ok(())
}

fn column(row: &PgRow) -> Result<Column, sqlx::Error> {
    let (base, element): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let kind = if element.is_empty() { kind(&base) } else { ColumnKind::Array(Box::new(kind(&element))) };
    Ok(Column {
        name: row.try_get(0)?,
        kind,
        declared: row.try_get(1)?,
        charset: None,
        generated: row.try_get(4)?,
        in_key: row.try_get(5)?,
        not_null: row.try_get(6)?,
    })
}

fn kind(name: &str) -> ColumnKind {
    match name {
        "bool" => ColumnKind::Boolean,
        "int2" => ColumnKind::integer(16, true),
        "int4" => ColumnKind::integer(32, true),
        "int8" => ColumnKind::integer(64, true),
        "oid" => ColumnKind::integer(32, false),
        "numeric" => ColumnKind::Decimal,
        "float4" | "float8" => ColumnKind::Float,
        "text" | "varchar" | "bpchar" | "name" | "citext" => ColumnKind::Text,
        "uuid" => ColumnKind::Uuid,
        "date" => ColumnKind::Date,
        "time" => ColumnKind::Time,
        "timestamp" => ColumnKind::DateTime,
        "timestamptz" => ColumnKind::Instant,
        "bytea" => ColumnKind::Bytes,
        "json" | "jsonb" => ColumnKind::Json,
        _ => ColumnKind::Other,
    }
}
