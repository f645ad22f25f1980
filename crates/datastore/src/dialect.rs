use crate::SqlValue;
use crate::table::TableName;

/// How a database writes what all of them mean. Everything that differs in the text of statements
/// is in the matches on this enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    PostgreSql,
    MySql,
    Sqlite,
}

impl Dialect {
    /// An identifier, quoted whatever it is (privacy-requests Q-10b).
    pub(crate) fn quote(self, name: &str) -> String {
        match self {
            Self::PostgreSql => format!("\"{}\"", name.replace('"', "\"\"")),
            // SQLite takes an unknown name in double quotes for a text; in backticks it is an error.
            Self::MySql | Self::Sqlite => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// A table with its schema.
    pub(crate) fn table(self, table: &TableName) -> String {
        match &table.schema {
            Some(schema) => format!("{}.{}", self.quote(schema), self.quote(&table.name)),
            None => self.quote(&table.name),
        }
    }
}

/// A statement that is being written: its text and its parameters.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) dialect: Dialect,
    pub(crate) parameters: Vec<SqlValue>,
}

impl Writer {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, parameters: Vec::new() }
    }

    /// Takes a parameter and gives what stands for it. Values never enter the text.
    pub(crate) fn bind(&mut self, value: SqlValue) -> String {
        self.parameters.push(value);
        match self.dialect {
            Dialect::PostgreSql => format!("${}", self.parameters.len()),
            Dialect::MySql | Dialect::Sqlite => "?".to_owned(),
        }
    }

    /// Takes several parameters: `?, ?, ?`.
    pub(crate) fn bind_all(&mut self, values: impl IntoIterator<Item = SqlValue>) -> String {
        let placeholders: Vec<String> = values.into_iter().map(|value| self.bind(value)).collect();
        placeholders.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: privacy-requests Q-10b
    #[test]
    fn every_identifier_is_quoted_and_cannot_leave_its_quotes() {
        let table = TableName { schema: Some("my\"schema".into()), name: "order".into() };

        assert_eq!(Dialect::PostgreSql.table(&table), "\"my\"\"schema\".\"order\"");
        assert_eq!(Dialect::MySql.quote("a`; DROP TABLE x"), "`a``; DROP TABLE x`");
        assert_eq!(Dialect::Sqlite.quote("select"), "`select`");
    }
}
