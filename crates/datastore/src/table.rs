//! What the database itself says about a table.

use std::fmt;

use crate::Fault;

/// A table with its schema, unquoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "`{schema}.{}`", self.name),
            None => write!(f, "`{}`", self.name),
        }
    }
}

/// The columns and the key of a table, read from the catalogue before it is used.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: TableName,
    /// In the table's order.
    pub(crate) columns: Vec<Column>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnKind,
    /// The type in the database's own words; in PostgreSQL fit for a cast.
    pub(crate) declared: String,
    /// Character set and collation, MySQL only.
    pub(crate) charset: Option<(String, String)>,
    /// Part of the table's primary key.
    pub(crate) in_key: bool,
    /// It takes no null.
    pub(crate) not_null: bool,
    /// The database computes it: not written.
    pub(crate) generated: bool,
}

/// What a column holds, as far as values have to be treated differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Boolean,
    /// Whole numbers from `least` to `most`.
    Integer {
        least: i128,
        most: i128,
    },
    Decimal,
    Float,
    Text,
    Uuid,
    Date,
    Time,
    /// Date and time without zone.
    DateTime,
    /// An instant.
    Instant,
    Bytes,
    Json,
    /// PostgreSQL's arrays, of any number of dimensions.
    Array(Box<ColumnKind>),
    /// SQLite: whatever a row has.
    Any,
    /// Shown and compared by its text.
    Other,
}

impl ColumnKind {
    pub(crate) fn integer(bits: u32, signed: bool) -> Self {
        if signed {
            Self::Integer { least: -(1i128 << (bits - 1)), most: (1i128 << (bits - 1)) - 1 }
        } else {
            Self::Integer { least: 0, most: (1i128 << bits) - 1 }
        }
    }
}

/// The name most like `wanted`, if one is like it at all.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let wanted = wanted.to_lowercase();
    names
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name.to_owned())
}

impl Table {
    /// The column called `name`.
    pub(crate) fn column(&self, name: &str) -> Result<&Column, Fault> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| Fault::NoColumn {
            table: self.name.to_string(),
            column: name.to_owned(),
            nearest: nearest(name, self.columns.iter().map(|column| column.name.as_str())),
        })
    }

    /// The names of the key's columns.
    pub(crate) fn key(&self) -> Vec<String> {
        self.columns.iter().filter(|column| column.in_key).map(|column| column.name.clone()).collect()
    }
}
