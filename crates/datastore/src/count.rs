//! How large a table is, as far as it matters.

use model::CollectionAddress;
use tokio::sync::mpsc;

use crate::dialect::Dialect;
use crate::page::PageSink;
use crate::select::{Output, Select};
use crate::table::{Column, ColumnKind};
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
        // A number of ours, not a value from outside.
        let most = most.min(i64::MAX.unsigned_abs());
        self.number_of(&format!("SELECT 1 FROM {} LIMIT {most}", self.driver().dialect().table(&table.name)))
            .await
    }

    /// How many rows `rows` gives, a SELECT without parameters.
    pub(crate) async fn number_of(&self, rows: &str) -> Result<u64, Fault> {
        let select = select(self.driver().dialect(), rows);
        let (sender, mut pages) = mpsc::channel(1);
        self.driver().stream(&select, PageSink::new(sender, self.limits())).await?;
        let page = pages.recv().await.unwrap_or_default().rows().unwrap_or_default();
        let counted = page.first().and_then(|row| row.get(NAME)).and_then(model::text_form);
        counted.and_then(|digits| digits.parse().ok()).ok_or(Fault::SchemaChanged)
    }
}

fn select(dialect: Dialect, rows: &str) -> Select {
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
    let sql = format!("SELECT COUNT(*) AS {name} FROM ({rows}) AS {name}");
    Select { sql, parameters: Vec::new(), outputs: vec![Output { column, is_json: false }] }
}
