//! The statement that reads a collection.

use graph::GraphCollection;

use crate::condition::{Place, Searched, holds_json};
use crate::dialect::{Dialect, Writer};
use crate::table::{Column, ColumnKind, Table};
use crate::{Fault, SqlValue};

/// A statement with its parameters and what its columns hold.
#[derive(Debug)]
pub(crate) struct Select {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<SqlValue>,
    pub(crate) outputs: Vec<Output>,
}

/// One column of the result.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) column: Column,
    /// Text is JSON and becomes what it says.
    pub(crate) is_json: bool,
}

impl Output {
    /// The columns called `names`, as the dataset sees them.
    pub(crate) fn list(
        names: &[String],
        collection: &GraphCollection,
        table: &Table,
    ) -> Result<Vec<Self>, Fault> {
        names
            .iter()
            .map(|name| {
                let column = table.column(name)?.clone();
                let declared = collection.find_field([name.as_str()]).is_some_and(holds_json);
                let is_text = matches!(column.kind, ColumnKind::Text | ColumnKind::Any);
                Ok(Self { is_json: column.kind == ColumnKind::Json || (declared && is_text), column })
            })
            .collect()
    }

    /// The column in the list of a SELECT, in a form that loses nothing on the wire.
    fn expression(&self, dialect: Dialect) -> String {
        let name = dialect.quote(&self.column.name);
        match dialect {
            Dialect::PostgreSql | Dialect::Sqlite => name,
            Dialect::MySql => match self.column.kind {
                ColumnKind::Decimal
                | ColumnKind::Date
                | ColumnKind::Time
                | ColumnKind::DateTime
                | ColumnKind::Instant
                | ColumnKind::Json
                | ColumnKind::Other => format!("CAST({name} AS CHAR)"),
                // BIT and YEAR.
                ColumnKind::Any => format!("CAST({name} AS UNSIGNED)"),
                ColumnKind::Boolean
                | ColumnKind::Integer { .. }
                | ColumnKind::Float
                | ColumnKind::Text
                | ColumnKind::Uuid
                | ColumnKind::Bytes
                | ColumnKind::Array(_) => name,
            },
        }
    }
}

impl Select {
    /// Reads `outputs` where one of `conditions` holds.
    pub(crate) fn new(
        dialect: Dialect,
        table: &Table,
        outputs: &[Output],
        conditions: &[(&Place, &[Searched])],
    ) -> Self {
        let mut writer = Writer::new(dialect);
        let columns: Vec<String> = outputs.iter().map(|output| output.expression(dialect)).collect();
        let conditions: Vec<String> =
            conditions.iter().map(|(place, values)| place.condition(values, &mut writer)).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            columns.join(", "),
            dialect.table(&table.name),
            conditions.join(" OR ")
        );
        Self { sql, parameters: writer.parameters, outputs: outputs.to_vec() }
    }
}
