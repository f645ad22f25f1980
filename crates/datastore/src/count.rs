//! How large a table is, as far as it matters.

use model::CollectionAddress;
use tokio::sync::mpsc;

use crate::dialect::Dialect;
use crate::page::PageSink;
use crate::select::{Output, Select};
use crate::table::{Column, ColumnKind, TableName};
use crate::{Database, DatabaseError, Fault};

const NAME: &str = "counted";

impl Database {
    /// The number of rows of the whole table, counted up to `most`: a larger table gives `most`, so
    /// that the question stays cheap whatever its size.
    ///
    /// # Errors
    /// Why the table cannot be counted.
    pub async fn count_rows(&self, collection: &CollectionAddress, most: u64) -> Result<u64, DatabaseError> {
        let limit = self.limits().statement_timeout;
        let counted = tokio::time::timeout(limit, self.count(collection, most)).await;
        counted.unwrap_or(Err(Fault::Timeout)).map_err(|fault| self.error(Some(collection), fault))
    }

    async fn count(&self, collection: &CollectionAddress, most: u64) -> Result<u64, Fault> {
        let table = self.table(collection).await?;
        let select = select(self.driver().dialect(), &table.name, most);
        let (sender, mut pages) = mpsc::channel(1);
        self.driver().stream(&select, PageSink::new(sender, self.limits())).await?;
        let page = pages.recv().await.unwrap_or_default().rows().unwrap_or_default();
        let counted = page.first().and_then(|row| row.get(NAME)).and_then(model::text_form);
        counted.and_then(|digits| digits.parse().ok()).ok_or(Fault::SchemaChanged)
    }
}

fn select(dialect: Dialect, table: &TableName, most: u64) -> Select {
    let name = dialect.quote(NAME);
    let kind = match dialect {
        Dialect::PostgreSql | Dialect::MySql => ColumnKind::integer(64, true),
        Dialect::Sqlite => ColumnKind::Any,
    };
    let column = Column {
        name: NAME.to_owned(),
        kind,
        declared: "bigint".to_owned(),
        charset: None,
        in_key: false,
        not_null: false,
        generated: true,
    };
    // A number of ours, not a value from outside.
    let sql = format!(
        "SELECT COUNT(*) AS {name} FROM (SELECT 1 FROM {} LIMIT {}) AS {name}",
        dialect.table(table),
        most.min(i64::MAX.unsigned_abs())
    );
    Select { sql, parameters: Vec::new(), outputs: vec![Output { column, is_json: false }] }
}
