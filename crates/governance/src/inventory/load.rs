//! Rows of the inventory, given to whoever wants them.

use model::ConnectionKey;
use store::{InventoryCounts, InventoryPart, Store, StoreError};
use thiserror::Error;
use tokio::runtime::Handle;

use super::history::State;
use super::part::{ReplayError, replay};
use crate::aside::aside;
use crate::sink::{SinkError, SyncSink};

/// Why rows cannot be given.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever wanted them.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// Gives all rows of a state to `sink`: of each kind its type, resources and entitlements, then all grants.
///
/// Grants are those that were reported; what follows from them is for whoever takes them to find. When a kind
/// is older than the rest, a row may name a resource or an entitlement that is not there any more.
///
/// # Errors
/// [`LoadError`] if rows went, meanwhile or because the state was held back and is not any more; if they are
/// damaged; or if `sink` fails.
pub async fn load<S: SyncSink + 'static>(store: &Store, state: &State, sink: S) -> Result<S, LoadError> {
    if !has_all_parts(state) {
        let (what, id) = ("part of the inventory", state.head.id.as_str().to_owned());
        return Err(StoreError::NotFound { what, id }.into());
    }
    let place = |kind: &str| state.head.kinds.iter().position(|known| known.kind == kind);
    let mut parts = state.parts.clone();
    parts.sort_by_key(|part| (!part.holder.is_empty(), place(&part.kind), place(&part.holder)));
    load_parts(store, &state.head.connection, &parts, sink).await
}

/// The same for some parts, in this order; of what is equal in two states nothing need be read.
///
/// # Errors
/// As [`load`].
pub async fn load_parts<S: SyncSink + 'static>(
    store: &Store,
    connection: &ConnectionKey,
    parts: &[InventoryPart],
    mut sink: S,
) -> Result<S, LoadError> {
    if parts.is_empty() {
        return Ok(sink);
    }
    let Some(key) = store.inventory_key_find(connection).await? else {
        return Err(StoreError::NotFound { what: "inventory", id: connection.to_string() }.into());
    };
    let (store, parts, runtime) = (store.clone(), parts.to_vec(), Handle::current());
    aside(move || {
        for part in &parts {
            let mut chunks = store.inventory_chunk_list(&key, part);
            while let Some(rows) = runtime.block_on(chunks.next())? {
                replay(&rows, &mut sink)?;
            }
        }
        Ok(sink)
    })
    .await
}

/// Whether the parts are as many rows as the state says: one whose parts went would else pass for an empty one.
fn has_all_parts(State { head, parts }: &State) -> bool {
    let rows = |of: fn(&InventoryCounts) -> u64| parts.iter().map(|part| of(&part.counts)).sum::<u64>();
    let found = InventoryCounts {
        resources: rows(|counts| counts.resources),
        entitlements: rows(|counts| counts.entitlements),
        grants: rows(|counts| counts.grants),
    };
    found == head.counts
}

impl From<ReplayError> for LoadError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Damaged => StoreError::Damaged { what: "a row of the inventory" }.into(),
            ReplayError::Sink(error) => error.into(),
        }
    }
}
