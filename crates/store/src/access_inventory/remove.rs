use model::ConnectionKey;

use super::{InventoryKind, InventoryKindStatus, InventoryOrigin, NewInventoryState, state, states};
use crate::sql::query;
use crate::store::{Tx, count};
use crate::{Actor, Store, StoreError};

impl Store {
    /// The connection is gone: nothing of its inventory is in force from now on, so that its history goes with time
    /// (governance CON-28).
    pub(crate) async fn inventory_remove_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        const LOCK: &str = "UPDATE inventory SET state_id = state_id WHERE connection = $1";
        const IS_READ: &str =
            "SELECT 1 FROM connection_sync WHERE connection = $1 AND lease_until IS NOT NULL";
        const NOW: &str = states!("WHERE id = (SELECT state_id FROM inventory WHERE connection = $1)");
        const PARTS: &str = "SELECT COUNT(*) FROM inventory_state_part WHERE state_id = (SELECT state_id FROM inventory WHERE connection = $1)";
        let locked = query(LOCK).bind(connection.as_str()).execute(tx.connection()).await?;
        if locked.rows_affected() == 0 {
            let is_read = query(IS_READ).bind(connection.as_str()).fetch_optional(tx.connection()).await?;
            if is_read.is_none() {
                return Ok(());
            }
            // Whoever is at its first sync finds that it was removed, when they come to keep what they read.
            self.inventory_make_in(tx, connection).await?;
        }
        self.activity_remove_in(tx, connection).await?;
        let row = query(NOW).bind(connection.as_str()).fetch_optional(tx.connection()).await?;
        let before = row.as_ref().map(state).transpose()?;
        let parts = query(PARTS).bind(connection.as_str()).fetch_one(tx.connection()).await?;
        let now = self.inner.clock.now();
        // One of which nothing was ever shown has left nothing.
        let known = before.iter().flat_map(|before| &before.kinds).filter(|kind| kind.as_of.is_some());
        let kinds: Vec<InventoryKind> = known
            .map(|kind| InventoryKind {
                kind: kind.kind.clone(),
                status: InventoryKindStatus::Removed,
                as_of: kind.as_of,
                reason: None,
            })
            .collect();
        // Also where nothing is in force yet: somebody may be about to keep the first.
        let new = NewInventoryState {
            connection,
            base: before.as_ref().map(|before| &before.id),
            origin: InventoryOrigin::Removal,
            source: None,
            read_at: now,
            kinds: &kinds,
            parts: &[],
            changed: count(parts.try_get(0)?)?,
            held: None,
            actor: actor.clone(),
        };
        self.inventory_state_put_in(tx, &new).await?;
        Ok(())
    }
}
