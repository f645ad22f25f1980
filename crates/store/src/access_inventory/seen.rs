use jiff::Timestamp;
use model::ConnectionKey;

use super::put::inventory_lock;
use super::{InventoryKind, InventoryPart, InventoryStateId, kinds_text};
use crate::sql::query;
use crate::{Store, StoreError};

/// A sync that found what was known.
#[derive(Debug)]
pub struct SeenInventory<'a> {
    /// The connection.
    pub connection: &'a ConnectionKey,
    /// What is in force, and stays.
    pub state: &'a InventoryStateId,
    /// When its newest rows were read.
    pub read_at: Timestamp,
    /// All kinds, with their new times.
    pub kinds: &'a [InventoryKind],
    /// The parts whose rows were read anew.
    pub parts: &'a [InventoryPart],
}

impl Store {
    /// Notes that what is in force was found again, and when. One that was held back is replaced: what was
    /// gone is there.
    ///
    /// `false` if something else came into force meanwhile: then nothing was noted.
    pub async fn inventory_state_seen(&self, seen: &SeenInventory<'_>) -> Result<bool, StoreError> {
        const STATE: &str = "UPDATE inventory_state SET seen_at = $2, read_at = $3, kinds = $4 WHERE id = $1";
        const PART: &str = "UPDATE inventory_state_part SET as_of = $4 WHERE state_id = $1 AND kind = $2 AND holder = $3 AND as_of <> $4";
        let mut tx = self.begin().await?;
        if !inventory_lock(&mut tx, seen.connection, Some(seen.state)).await? {
            return Ok(false);
        }
        self.held_replace(&mut tx, seen.connection).await?;
        query(STATE)
            .bind(seen.state.as_str())
            .bind(self.now())
            .bind(seen.read_at.as_microsecond())
            .bind(kinds_text(seen.kinds))
            .execute(tx.connection())
            .await?;
        for part in seen.parts {
            query(PART)
                .bind(seen.state.as_str())
                .bind(part.kind.as_str())
                .bind(part.holder.as_str())
                .bind(part.as_of.as_microsecond())
                .execute(tx.connection())
                .await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
