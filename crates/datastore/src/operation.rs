use egress::WritePermit;
use model::{CollectionAddress, ConnectionKey};
use serde::{Deserialize, Serialize};
use spec::Access;
use tracing::info;

use crate::driver::Change;
use crate::{Database, DatabaseError, Fault, SqlValue};

/// One change of a table, ready to be planned, shown and sent: one statement, one transaction
/// (architecture §13.2).
///
/// `Debug` shows the text of the statement, which holds names only, and no parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SqlOperation {
    /// The connection.
    pub connection: ConnectionKey,
    /// The collection whose rows change.
    pub collection: CollectionAddress,
    /// What is done to them.
    pub write: Write,
    /// The columns that are written; none for a deletion.
    pub columns: Vec<String>,
    /// How many rows are named by their full key.
    pub keys: u64,
    /// The statement.
    pub sql: String,
    /// Its parameters, in order.
    pub parameters: Vec<SqlValue>,
}

/// What a statement does to rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// New values in some columns.
    Update,
    /// The rows go.
    Delete,
}

impl Database {
    /// Sends one change in one transaction and gives the number of rows it met: fewer than
    /// [`SqlOperation::keys`] if some are gone by now.
    ///
    /// The permit is the proof that the ledger holds a durable intent for this change.
    ///
    /// # Errors
    /// [`Fault::CommitUnknown`] says that nobody knows whether it took effect; after every other
    /// error nothing did.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the outcome unknown, like [`Fault::CommitUnknown`].
    pub async fn execute(
        &self,
        operation: &SqlOperation,
        _permit: &WritePermit,
    ) -> Result<u64, DatabaseError> {
        self.execute_permitted(operation).await
    }

    /// The rest of [`Database::execute`], for tests of this crate: nobody there can have a permit.
    pub(crate) async fn execute_permitted(&self, operation: &SqlOperation) -> Result<u64, DatabaseError> {
        let collection = Some(&operation.collection);
        if self.access() != Access::Write || operation.connection != *self.connection() {
            return Err(self.error(collection, Fault::ReadOnly));
        }
        let change =
            Change { sql: &operation.sql, parameters: &operation.parameters, planned: operation.keys };
        // Connecting, the statement and its commit each have limits of their own; this one is for
        // a server that answers nothing at all.
        let limits = self.limits();
        let limit = limits.connect_timeout + limits.statement_timeout.saturating_mul(2);
        let done = tokio::time::timeout(limit, self.driver().execute(&change)).await;
        let rows =
            done.unwrap_or(Err(Fault::CommitUnknown)).map_err(|fault| self.error(collection, fault))?;
        info!(collection = %operation.collection, rows, keys = operation.keys, "rows changed");
        Ok(rows)
    }
}
