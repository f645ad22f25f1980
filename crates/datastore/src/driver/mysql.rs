//! MySQL and MariaDB: rows are streamed from the socket as the server sends them.

mod fault;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use model::{ConnectionKey, Row};
use serde_json::{Number, Value};
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{Arguments, AssertSqlSafe, Connection, Row as _, ValueRef};

use self::fault::fault;
use super::{Change, Idle, Session, while_committing, while_connecting};
use crate::address::{ServerAddress, Tls};
use crate::page::PageSink;
use crate::select::{Output, Select};
use crate::server::{Dial, dials};
use crate::table::{Column, ColumnKind, TableName};
use crate::value::exact_number;
use crate::{Boundary, DatabaseSettings, Fault, ReadLimits, SqlValue};

/// The way to a MySQL database.
#[derive(Debug)]
pub(crate) struct MySql {
    address: ServerAddress,
    connection: ConnectionKey,
    boundary: Boundary,
    limits: ReadLimits,
    idle: Idle<MySqlConnection>,
}

const COLUMNS: &str = "\
SELECT CAST(COLUMN_NAME AS CHAR), CAST(DATA_TYPE AS CHAR), CAST(COLUMN_TYPE AS CHAR), \
       CAST(COALESCE(CHARACTER_SET_NAME, '') AS CHAR), CAST(COALESCE(COLLATION_NAME, '') AS CHAR), \
       CAST(COLUMN_KEY AS CHAR), CAST(EXTRA AS CHAR), CAST(IS_NULLABLE AS CHAR) \
FROM information_schema.COLUMNS \
WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

impl MySql {
    pub(crate) fn new(address: ServerAddress, settings: &DatabaseSettings) -> Self {
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
        run(&mut connection, "SELECT 1".to_owned()).await?;
        self.idle.give_back(Session::Read, connection);
        Ok(())
    }

    pub(crate) async fn columns(&self, table: &TableName) -> Result<Vec<Column>, Fault> {
        let mut connection = self.connection(Session::Read).await?;
        let query = sqlx::query(COLUMNS).persistent(false).bind(table.schema.clone()).bind(&table.name);
        let rows = query.fetch_all(&mut connection).await.map_err(|error| fault(&error))?;
        let columns: Result<Vec<Column>, sqlx::Error> = rows.iter().map(column).collect();
        self.idle.give_back(Session::Read, connection);
        columns.map_err(|error| fault(&error))
    }

    /// Whether the server has `JSON_TABLE`: MySQL 8, MariaDB 10.6.
    pub(crate) async fn has_json_table(&self) -> Result<bool, Fault> {
        let mut connection = self.connection(Session::Read).await?;
        let version: Result<String, _> =
            sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await;
        let version = version.map_err(|error| fault(&error))?;
        self.idle.give_back(Session::Read, connection);
        Ok(version_has_json_table(&version))
    }

    pub(crate) async fn stream(&self, select: &Select, mut sink: PageSink) -> Result<(), Fault> {
        let mut connection = self.connection(Session::Read).await?;
        run(&mut connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY".to_owned()).await?;
        {
            let arguments = arguments(&select.parameters)?;
            let query = sqlx::query_with(AssertSqlSafe(select.sql.clone()), arguments).persistent(false);
            let mut rows = query.fetch(&mut connection);
            while let Some(row) = rows.try_next().await.map_err(|error| fault(&error))? {
                let (row, bytes) = read(&row, &select.outputs)?;
                sink.push(row, bytes).await?;
            }
        }
        run(&mut connection, "COMMIT".to_owned()).await?;
        self.idle.give_back(Session::Read, connection);
        sink.finish().await;
        Ok(())
    }

    pub(crate) async fn execute(&self, change: &Change<'_>) -> Result<u64, Fault> {
        let mut connection = self.connection(Session::Write).await?;
        run(&mut connection, "START TRANSACTION".to_owned()).await?;
        let arguments = arguments(change.parameters)?;
        let query = sqlx::query_with(AssertSqlSafe(change.sql.to_owned()), arguments).persistent(false);
        let done = query.execute(&mut connection).await.map_err(|error| fault(&error))?;
        // Rows found, changed or not: the driver asks the server to count so.
        let affected = done.rows_affected();
        if affected > change.planned {
            run(&mut connection, "ROLLBACK".to_owned()).await?;
            return Err(Fault::KeyNotUnique { affected, planned: change.planned });
        }
        run(&mut connection, "COMMIT".to_owned()).await.map_err(while_committing)?;
        self.idle.give_back(Session::Write, connection);
        Ok(affected)
    }

    async fn connection(&self, session: Session) -> Result<MySqlConnection, Fault> {
        if let Some(mut idle) = self.idle.take(session)
            && idle.ping().await.is_ok()
        {
            return Ok(idle);
        }
        let connecting = tokio::time::timeout(self.limits.connect_timeout, self.connect(session));
        connecting.await.unwrap_or(Err(Fault::Connect))
    }

    async fn connect(&self, session: Session) -> Result<MySqlConnection, Fault> {
        let mut last = Fault::Connect;
        for dial in dials(&self.address, &self.connection, &self.boundary).await? {
            match MySqlConnection::connect_with(&self.options(&dial)).await {
                Ok(mut connection) => {
                    self.prepare(&mut connection, session).await?;
                    return Ok(connection);
                }
                Err(error) => last = while_connecting(fault(&error)),
            }
        }
        Err(last)
    }

    fn options(&self, dial: &Dial) -> MySqlConnectOptions {
        let address = &self.address;
        let mut options = MySqlConnectOptions::new()
            .host(&dial.host)
            .port(address.port)
            .username(address.username.as_deref().unwrap_or("root"))
            .charset("utf8mb4")
            .timezone(Some("+00:00".to_owned()))
            .statement_cache_capacity(0)
            .ssl_mode(match dial.tls {
                Tls::Disable => MySqlSslMode::Disabled,
                Tls::Prefer => MySqlSslMode::Preferred,
                Tls::Require => MySqlSslMode::Required,
                Tls::VerifyCa => MySqlSslMode::VerifyCa,
                Tls::VerifyFull => MySqlSslMode::VerifyIdentity,
            });
        if let Some(password) = &address.password {
            options = options.password(password.expose());
        }
        if let Some(database) = &address.database {
            options = options.database(database);
        }
        if let Some(certificate) = &address.root_certificate {
            options = options.ssl_ca(certificate);
        }
        options
    }

    async fn prepare(&self, connection: &mut MySqlConnection, session: Session) -> Result<(), Fault> {
        // Without strict mode a value that does not fit would be cut, with a warning nobody sees.
        let strict = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')";
        run(connection, strict.to_owned()).await?;
        let seconds = self.limits.statement_timeout.as_secs().max(1);
        run(connection, format!("SET SESSION innodb_lock_wait_timeout = {seconds}")).await?;
        match session {
            Session::Read => {
                run(connection, "SET SESSION TRANSACTION READ ONLY".to_owned()).await?;
                // A statement here lasts until its last row is taken, so the server's own limit is
                // wide; each page has its own, shorter one (`reading`).
                let whole_s = seconds.saturating_mul(12);
                let limit_ms = seconds.saturating_mul(12_000);
                let limit =
                    if run(connection, format!("SET SESSION max_statement_time = {whole_s}")).await.is_ok() {
                        Ok(())
                    } else {
                        run(connection, format!("SET SESSION max_execution_time = {limit_ms}")).await
                    };
                limit?;
                run(connection, format!("SET SESSION net_write_timeout = {whole_s}")).await
            }
            Session::Write => Ok(()),
        }
    }
}

async fn run(connection: &mut MySqlConnection, sql: String) -> Result<(), Fault> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map_err(|error| fault(&error))?;
    Ok(())
}

fn version_has_json_table(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version_number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
    version_number >= if is_mariadb { (10, 6) } else { (8, 0) }
}

fn arguments(parameters: &[SqlValue]) -> Result<MySqlArguments, Fault> {
    let mut arguments = MySqlArguments::default();
    for parameter in parameters {
        let added = match parameter {
            SqlValue::Null => arguments.add(None::<String>),
            SqlValue::Integer(whole) => arguments.add(*whole),
            SqlValue::Unsigned(whole) => arguments.add(*whole),
            SqlValue::Float(float) => arguments.add(*float),
            SqlValue::Text(text) => arguments.add(text.as_str()),
            SqlValue::Bytes(bytes) => arguments.add(bytes.as_slice()),
            SqlValue::List(_) => return Err(Fault::Code { code: "parameter".to_owned() }),
        };
        added.map_err(|_| Fault::Code { code: "parameter".to_owned() })?;
    }
    Ok(arguments)
}

fn read(row: &MySqlRow, outputs: &[Output]) -> Result<(Row, usize), Fault> {
    let mut values = Row::new();
    let mut bytes = 0;
    for (position, output) in outputs.iter().enumerate() {
        let is_null = row.try_get_raw(position).map_err(|error| fault(&error))?.is_null();
        let (value, size) = if is_null {
            (Value::Null, 0)
        } else {
            decode(row, position, output).map_err(|_| Fault::BadValue {
                column: output.column.name.clone(),
                declared: output.column.declared.clone(),
            })?
        };
        bytes += size + output.column.name.len() + 4;
        values.insert(output.column.name.clone(), value);
    }
    Ok((values, bytes))
}

/// The value and about how large it is.
fn decode(row: &MySqlRow, position: usize, output: &Output) -> Result<(Value, usize), sqlx::Error> {
    let number_size = 8;
    Ok(match &output.column.kind {
        ColumnKind::Integer { least: 0, .. } | ColumnKind::Any => {
            (Value::from(row.try_get_unchecked::<u64, _>(position)?), number_size)
        }
        ColumnKind::Integer { .. } | ColumnKind::Boolean => {
            (Value::from(row.try_get_unchecked::<i64, _>(position)?), number_size)
        }
        // The shortest digits that give the same 32 bits again.
        ColumnKind::Float if output.column.declared.starts_with("float") => {
            (exact_number(&row.try_get_unchecked::<f32, _>(position)?.to_string()), number_size)
        }
        ColumnKind::Float => {
            let float = row.try_get_unchecked::<f64, _>(position)?;
            (Number::from_f64(float).map_or(Value::Null, Value::Number), number_size)
        }
        ColumnKind::Bytes => {
            let found = row.try_get_unchecked::<&[u8], _>(position)?;
            (Value::from(STANDARD.encode(found)), found.len())
        }
        kind @ (ColumnKind::Decimal
        | ColumnKind::Text
        | ColumnKind::Uuid
        | ColumnKind::Date
        | ColumnKind::Time
        | ColumnKind::DateTime
        | ColumnKind::Instant
        | ColumnKind::Json
        | ColumnKind::Array(_)
        | ColumnKind::Other) => {
            let text = row.try_get_unchecked::<&str, _>(position)?;
            let value = match kind {
                _ if output.is_json => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
                ColumnKind::Decimal => exact_number(text),
                ColumnKind::DateTime => Value::from(text.replacen(' ', "T", 1)),
                ColumnKind::Instant => Value::from(format!("{}Z", text.replacen(' ', "T", 1))),
                _ => Value::from(text),
            };
            (value, text.len())
        }
    })
}

fn column(row: &MySqlRow) -> Result<Column, sqlx::Error> {
    let text = |position: usize| row.try_get_unchecked::<String, _>(position);
    let (data_type, declared, extra) = (text(1)?, text(2)?, text(6)?);
    let (charset, collation) = (text(3)?, text(4)?);
    Ok(Column {
        name: text(0)?,
        kind: kind(&data_type, &declared),
        declared,
        charset: (!charset.is_empty()).then_some((charset, collation)),
        in_key: text(5)? == "PRI",
        not_null: text(7)? == "NO",
        generated: extra.to_ascii_uppercase().contains("GENERATED")
            && !extra.to_ascii_uppercase().contains("DEFAULT_GENERATED"),
    })
}

fn kind(data_type: &str, declared: &str) -> ColumnKind {
    let signed = !declared.contains("unsigned");
    match data_type {
        "tinyint" => ColumnKind::integer(8, signed),
        "smallint" => ColumnKind::integer(16, signed),
        "mediumint" => ColumnKind::integer(24, signed),
        "int" => ColumnKind::integer(32, signed),
        "bigint" => ColumnKind::integer(64, signed),
        "decimal" => ColumnKind::Decimal,
        "float" | "double" => ColumnKind::Float,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => ColumnKind::Text,
        "date" => ColumnKind::Date,
        "datetime" => ColumnKind::DateTime,
        "timestamp" => ColumnKind::Instant,
        "year" | "bit" => ColumnKind::Any,
        "json" => ColumnKind::Json,
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "geometry" | "point"
        | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
        | "geometrycollection" => ColumnKind::Bytes,
        // `time` too: it is a span of up to 838 hours and has a sign. Enums, sets, MariaDB's own.
        _ => ColumnKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("10.11.19-MariaDB-0+deb12u1", true)]
    #[case("10.5.8-MariaDB", false)]
    #[case("8.0.36", true)]
    #[case("5.7.44-log", false)]
    #[case("strange", false)]
    fn batches_need_json_table(#[case] version: &str, #[case] expected: bool) {
        assert_eq!(version_has_json_table(version), expected);
    }
}
