//! The statement for many rows with new values in the same columns: the values go along as a table
//! of their own, one parameter however many rows there are (PostgreSQL: one a column).

use serde_json::Value;

use super::{Cell, Prepared, Target};
use crate::SqlValue;
use crate::dialect::{Dialect, Writer};
use crate::operation::Write;
use crate::table::{Column, ColumnKind};
use crate::value::Scalar;

/// The columns that all rows of a statement have.
struct Columns<'a> {
    key: Vec<&'a Column>,
    cells: Vec<&'a Column>,
}

impl Target<'_> {
    pub(super) fn batch(&self, rows: &[Prepared], writer: &mut Writer) -> String {
        let Some(first) = rows.first() else { return String::new() };
        let columns = Columns {
            key: first.key.iter().map(|cell| &cell.column).collect(),
            cells: first.cells.iter().map(|cell| &cell.column).collect(),
        };
        match self.dialect {
            Dialect::PostgreSql => self.postgres_batch(rows, &columns, writer),
            Dialect::MySql => self.mysql_batch(rows, &columns, writer),
            Dialect::Sqlite => self.sqlite_batch(rows, &columns, writer),
        }
    }

    fn postgres_batch(&self, rows: &[Prepared], columns: &Columns<'_>, writer: &mut Writer) -> String {
        let Columns { key, cells } = columns;
        let table = self.dialect.table(&self.table.name);
        let mut lists = Vec::new();
        for position in 0..key.len() + cells.len() {
            let values =
                rows.iter().map(|row| row.value(position).and_then(|value| value.clone().into_text()));
            let list = writer.bind(SqlValue::List(values.collect()));
            lists.push(format!("{list}::text[]"));
        }
        let names: Vec<String> = names(key, "k").chain(names(cells, "m")).collect();
        let source = format!("unnest({}) AS v({})", lists.join(", "), names.join(", "));
        let conditions = join(key, " AND ", |position, column| {
            let name = self.dialect.quote(&column.name);
            match column.kind {
                ColumnKind::Other => format!("t.{name}::text = v.k{position}"),
                _ => format!("t.{name} = v.k{position}::{}", column.declared),
            }
        });
        let conditions = match (key.as_slice(), lists.first()) {
            // Says nothing new, but lets the table be entered by its key: a join alone is planned as a scan
            // of the whole table.
            ([column], Some(list))
                if matches!(column.kind, ColumnKind::Integer { .. } | ColumnKind::Uuid) =>
            {
                let name = self.dialect.quote(&column.name);
                format!("{conditions} AND t.{name} = ANY({list}::{}[])", column.declared)
            }
            _ => conditions,
        };
        match self.write {
            Write::Delete => format!("DELETE FROM {table} AS t USING {source} WHERE {conditions}"),
            Write::Update => {
                let assignments = join(cells, ", ", |position, column| {
                    format!("{} = v.m{position}::{}", self.dialect.quote(&column.name), column.declared)
                });
                format!("UPDATE {table} AS t SET {assignments} FROM {source} WHERE {conditions}")
            }
        }
    }

    fn mysql_batch(&self, rows: &[Prepared], columns: &Columns<'_>, writer: &mut Writer) -> String {
        let Columns { key, cells } = columns;
        let table = self.dialect.table(&self.table.name);
        let list = writer.bind(SqlValue::Text(json_rows(rows)));
        let types = key.iter().map(|column| ("k", column)).chain(cells.iter().map(|column| ("m", column)));
        let columns: Vec<String> = types
            .enumerate()
            .map(|(position, (prefix, column))| {
                let number = if prefix == "k" { position } else { position - key.len() };
                let sql_type = mysql_type(&column.kind);
                format!("{prefix}{number} {sql_type} PATH '$[{position}]' ERROR ON ERROR")
            })
            .collect();
        let source = format!("JSON_TABLE({list}, '$[*]' COLUMNS ({})) AS v", columns.join(", "));
        let conditions = join(key, " AND ", |position, column| {
            format!("t.{} = {}", self.dialect.quote(&column.name), mysql_key(position, column))
        });
        // The short list leads, each of its rows is found by the key of the table.
        let joined = format!("{source} STRAIGHT_JOIN {table} AS t ON {conditions}");
        match self.write {
            Write::Delete => format!("DELETE t FROM {joined}"),
            Write::Update => {
                let assignments = join(cells, ", ", |position, column| {
                    let value = match column.kind {
                        ColumnKind::Bytes => format!("UNHEX(v.m{position})"),
                        _ => format!("v.m{position}"),
                    };
                    format!("t.{} = {value}", self.dialect.quote(&column.name))
                });
                format!("UPDATE {joined} SET {assignments}")
            }
        }
    }

    fn sqlite_batch(&self, rows: &[Prepared], columns: &Columns<'_>, writer: &mut Writer) -> String {
        let Columns { key, cells } = columns;
        let table = self.dialect.table(&self.table.name);
        let list = writer.bind(SqlValue::Text(json_rows(rows)));
        let extract = |position: usize, column: &Column| {
            let value = format!("json_extract(value, '$[{position}]')");
            if column.kind == ColumnKind::Bytes { format!("unhex({value})") } else { value }
        };
        let keys =
            join(key, ", ", |position, column| format!("{} AS k{position}", extract(position, column)));
        match self.write {
            Write::Delete => {
                let names = join(key, ", ", |_, column| self.dialect.quote(&column.name));
                format!("DELETE FROM {table} WHERE ({names}) IN (SELECT {keys} FROM json_each({list}))")
            }
            Write::Update => {
                let values = join(cells, ", ", |position, column| {
                    format!("{} AS m{position}", extract(key.len() + position, column))
                });
                let source = format!("(SELECT {keys}, {values} FROM json_each({list})) AS v");
                let assignments = join(cells, ", ", |position, column| {
                    format!("{} = v.m{position}", self.dialect.quote(&column.name))
                });
                let conditions = join(key, " AND ", |position, column| {
                    format!("t.{} = v.k{position}", self.dialect.quote(&column.name))
                });
                format!("UPDATE {table} AS t SET {assignments} FROM {source} WHERE {conditions}")
            }
        }
    }
}

impl Prepared {
    /// Key values first, new values after them.
    fn value(&self, position: usize) -> Option<&Scalar> {
        self.key.iter().chain(&self.cells).nth(position).map(|cell| &cell.value)
    }
}

/// The rows as one JSON text: a list of lists, key first.
fn json_rows(rows: &[Prepared]) -> String {
    let values = |cells: &[Cell]| cells.iter().map(|cell| cell.value.clone().into_json()).collect::<Vec<_>>();
    let rows = rows.iter().map(|row| Value::Array([values(&row.key), values(&row.cells)].concat()));
    Value::Array(rows.collect()).to_string()
}

fn names<'a>(columns: &'a [&Column], prefix: &'a str) -> impl Iterator<Item = String> + 'a {
    (0..columns.len()).map(move |position| format!("{prefix}{position}"))
}

fn join(columns: &[&Column], between: &str, write: impl Fn(usize, &Column) -> String) -> String {
    let parts: Vec<String> =
        columns.iter().enumerate().map(|(position, column)| write(position, column)).collect();
    parts.join(between)
}

fn mysql_type(kind: &ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Integer { least: 0, .. } | ColumnKind::Any => "BIGINT UNSIGNED",
        ColumnKind::Integer { .. } | ColumnKind::Boolean => "BIGINT",
        ColumnKind::Decimal => "DECIMAL(65,30)",
        ColumnKind::Float => "DOUBLE",
        ColumnKind::Text
        | ColumnKind::Uuid
        | ColumnKind::Date
        | ColumnKind::Time
        | ColumnKind::DateTime
        | ColumnKind::Instant
        | ColumnKind::Bytes
        | ColumnKind::Json
        | ColumnKind::Array(_)
        | ColumnKind::Other => "LONGTEXT CHARACTER SET utf8mb4",
    }
}

/// A key of the list in the form in which the table's index can find it.
fn mysql_key(position: usize, column: &Column) -> String {
    let value = format!("v.k{position}");
    match (&column.kind, &column.charset) {
        (ColumnKind::Bytes, _) => format!("UNHEX({value})"),
        (ColumnKind::Date, _) => format!("CAST({value} AS DATE)"),
        (ColumnKind::DateTime | ColumnKind::Instant, _) => format!("CAST({value} AS DATETIME(6))"),
        (_, Some((charset, collation))) if is_word(charset) && is_word(collation) => {
            format!("CONVERT({value} USING {charset}) COLLATE {collation}")
        }
        _ => value,
    }
}

/// The catalogue gives names of character sets; they stand in the text unquoted.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
