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
    Spool(Box<SpoolError>),
    /// The state database.
    #[error("cannot keep or read rows of `{collection}` in the state database")]
    Store {
        /// Whose rows.
        collection: Box<CollectionAddress>,
        /// What the store said.
        #[source]
        source: Box<StoreError>,
    },
}

impl RowsError {
    pub(crate) fn of_store(collection: &CollectionAddress, source: StoreError) -> Self {
        Self::Store { collection: Box::new(collection.clone()), source: Box::new(source) }
    }
}

impl From<SpoolError> for RowsError {
    fn from(error: SpoolError) -> Self {
        Self::Spool(Box::new(error))
    }
}
