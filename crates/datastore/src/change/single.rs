//! The statement for one row, which may also change what is below a column.

use std::collections::BTreeMap;

use graph::Segment;
use serde_json::json;

use super::{Cell, Inner, Prepared, Target};
use crate::SqlValue;
use crate::dialect::{Dialect, Writer};
use crate::operation::Write;
use crate::table::{Column, ColumnKind};
use crate::value::Scalar;

impl Target<'_> {
    pub(super) fn single(&self, row: &Prepared, writer: &mut Writer) -> String {
        let table = self.dialect.table(&self.table.name);
        let start = match self.write {
            Write::Delete => format!("DELETE FROM {table}"),
            Write::Update => {
                let mut assignments: Vec<String> = row
                    .cells
                    .iter()
                    .map(|cell| {
                        let value = bound(&cell.column, cell.value.clone(), writer);
                        format!("{} = {value}", self.dialect.quote(&cell.column.name))
                    })
                    .collect();
                let mut columns: BTreeMap<&str, Vec<&Inner>> = BTreeMap::new();
                for inner in &row.inner {
                    columns.entry(&inner.column.name).or_default().push(inner);
                }
                for inner in columns.values() {
                    assignments.extend(self.inner(inner, writer));
                }
                format!("UPDATE {table} SET {}", assignments.join(", "))
            }
        };
        let conditions: Vec<String> = row.key.iter().map(|cell| self.equals(cell, writer)).collect();
        format!("{start} WHERE {}", conditions.join(" AND "))
    }

    fn equals(&self, cell: &Cell, writer: &mut Writer) -> String {
        let name = self.dialect.quote(&cell.column.name);
        if self.dialect == Dialect::PostgreSql && cell.column.kind == ColumnKind::Other {
            let text = cell.value.clone().into_text().map_or(SqlValue::Null, SqlValue::Text);
            return format!("{name}::text = {}::text", writer.bind(text));
        }
        format!("{name} = {}", bound(&cell.column, cell.value.clone(), writer))
    }

    /// The assignments for values below one column.
    fn inner(&self, values: &[&Inner], writer: &mut Writer) -> Vec<String> {
        let Some(first) = values.first() else { return Vec::new() };
        let column = &first.column;
        let name = self.dialect.quote(&column.name);
        if let ColumnKind::Array(element) = &column.kind {
            return values.iter().map(|inner| element_assignment(&name, inner, element, writer)).collect();
        }
        match self.dialect {
            Dialect::PostgreSql => {
                let mut document = format!("{name}::jsonb");
                for inner in values {
                    let path = inner.below.iter().map(|segment| Some(step(segment))).collect();
                    let path = writer.bind(SqlValue::List(path));
                    let value = writer.bind(SqlValue::Text(inner.value.to_string()));
                    document = format!("jsonb_set({document}, {path}::text[], {value}::text::jsonb, FALSE)");
                }
                let declared = &column.declared;
                vec![format!("{name} = ({document})::text::{declared}")]
            }
            Dialect::MySql | Dialect::Sqlite => {
                let pairs: Vec<String> = values
                    .iter()
                    .map(|inner| {
                        let path = writer.bind(SqlValue::Text(json_path(&inner.below)));
                        let value = writer.bind(SqlValue::Text(inner.value.to_string()));
                        let value = match self.dialect {
                            Dialect::Sqlite => format!("json({value})"),
                            // What a function gives counts as JSON in MySQL and in MariaDB.
                            Dialect::MySql | Dialect::PostgreSql => format!("JSON_EXTRACT({value}, '$')"),
                        };
                        format!("{path}, {value}")
                    })
                    .collect();
                vec![format!("{name} = json_replace({name}, {})", pairs.join(", "))]
            }
        }
    }
}

/// An element of an array of PostgreSQL's own; positions count from 1 there.
fn element_assignment(name: &str, inner: &Inner, element: &ColumnKind, writer: &mut Writer) -> String {
    let positions: String = inner
        .below
        .iter()
        .map(|segment| match segment {
            Segment::Position(position) => format!("[{}]", position + 1),
            Segment::Key(_) => String::new(),
        })
        .collect();
    let text = Scalar::of(&inner.value, element).and_then(Scalar::into_text);
    let value = writer.bind(text.map_or(SqlValue::Null, SqlValue::Text));
    let declared = inner.column.declared.trim_end_matches("[]");
    format!("{name}{positions} = {value}::text::{declared}")
}

/// A parameter for `column`.
fn bound(column: &Column, value: Scalar, writer: &mut Writer) -> String {
    match writer.dialect {
        Dialect::PostgreSql => {
            let text = value.into_text().map_or(SqlValue::Null, SqlValue::Text);
            format!("{}::text::{}", writer.bind(text), column.declared)
        }
        Dialect::MySql => {
            let placeholder = writer.bind(value.into_parameter());
            if column.kind == ColumnKind::Decimal {
                format!("CAST({placeholder} AS DECIMAL(65,30))")
            } else {
                placeholder
            }
        }
        Dialect::Sqlite => writer.bind(value.into_parameter()),
    }
}

fn step(segment: &Segment) -> String {
    match segment {
        Segment::Key(name) => name.clone(),
        Segment::Position(position) => position.to_string(),
    }
}

/// `$."address"[0]."city"`.
fn json_path(below: &[Segment]) -> String {
    let steps = below.iter().map(|segment| match segment {
        Segment::Key(name) => format!(".{}", json!(name)),
        Segment::Position(position) => format!("[{position}]"),
    });
    format!("${}", steps.collect::<Vec<_>>().concat())
}
