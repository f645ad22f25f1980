use model::CollectionAddress;
use store::StoreError;
use thiserror::Error;

use crate::SpoolError;

/// Why rows cannot be kept or read back. Concerns this machine or the state database, never the
/// application.
#[derive(Debug, Error)]
pub enum RowsError {
    /// The folder for rows.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The state database.
    #[error("cannot keep or read rows of `{collection}` in the state database")]
    Store {
        /// Whose rows.
        collection: CollectionAddress,
        /// What the store said.
        #[source]
        source: StoreError,
    },
}
