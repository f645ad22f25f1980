//! The inventory of a state that was kept.

use store::{InventoryKind, InventoryKindStatus, Store};
use thiserror::Error;

use super::{Inventory, InventoryBuilder, KindStanding, KindState};
use crate::aside::aside;
use crate::inventory::{InventoryError, LoadError, State, load};

/// Why a state cannot be asked.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Its rows cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// No inventory can be made of them.
    #[error(transparent)]
    Rows(#[from] InventoryError),
}

impl Inventory {
    /// Everything that a state has, in memory.
    ///
    /// # Errors
    /// [`OpenError`] if rows went meanwhile or are damaged, or are too many.
    pub async fn open(store: &Store, state: &State) -> Result<Self, OpenError> {
        let mut builder = InventoryBuilder::new();
        for kind in &state.head.kinds {
            builder.kind_state(kind.into());
        }
        let builder = load(store, state, builder).await?;
        let as_of = state.head.seen_at;
        Ok(aside(move || builder.finish(as_of)).await?)
    }
}

impl From<&InventoryKind> for KindState {
    fn from(kind: &InventoryKind) -> Self {
        Self {
            kind: kind.kind.clone(),
            status: match kind.status {
                InventoryKindStatus::Complete => KindStanding::Complete,
                InventoryKindStatus::Incomplete => KindStanding::Incomplete,
                InventoryKindStatus::Unavailable => KindStanding::Unavailable,
                InventoryKindStatus::Removed => KindStanding::Removed,
            },
            as_of: kind.as_of,
            reason: kind.reason.clone(),
        }
    }
}
