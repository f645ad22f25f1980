//! What datasets and applications have in common: documents that are kept as they were written.

use jiff::Timestamp;

use crate::StoreError;
use crate::sql::Row;
use crate::store::time;

/// A document as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its key.
    pub key: String,
    /// Its name for people; empty if it has none.
    pub name: String,
    /// The document itself, JSON.
    pub body: String,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When it was put last.
    pub updated_at: Timestamp,
}

/// Which documents may be there already when one is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    /// None of this key.
    Create,
    /// One of this key.
    Update,
    /// Either.
    Upsert,
}

/// What putting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was none of this key.
    Inserted,
    /// There was one, and it was replaced.
    Updated,
}

impl PutMode {
    /// Refuses what the mode does not allow.
    pub(crate) fn check(self, what: &'static str, key: &str, is_there: bool) -> Result<Put, StoreError> {
        match (self, is_there) {
            (Self::Create, true) => Err(StoreError::Conflict {
                what,
                id: key.to_owned(),
                state: "there already".to_owned(),
                needs: "take another key, or update it",
            }),
            (Self::Update, false) => Err(StoreError::NotFound { what, id: key.to_owned() }),
            (Self::Create | Self::Upsert, false) => Ok(Put::Inserted),
            (Self::Update | Self::Upsert, true) => Ok(Put::Updated),
        }
    }
}

/// The first five columns of a row.
pub(crate) fn document(row: &Row) -> Result<Document, StoreError> {
    Ok(Document {
        key: row.try_get(0)?,
        name: row.try_get(1)?,
        body: row.try_get(2)?,
        created_at: time(row.try_get(3)?)?,
        updated_at: time(row.try_get(4)?)?,
    })
}
