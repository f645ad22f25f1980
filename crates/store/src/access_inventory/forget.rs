use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::sql::query;
use crate::{Actor, AuditEvent, Store, StoreError};

/// How long chunks stay that no part has: whoever reads a sync in may be about to need them.
pub(super) const GRACE: SignedDuration = SignedDuration::from_hours(24);
/// Most states of one pass, as its statement says.
const MOST_STATES: u64 = 500;
/// How often parts, and chunks, are deleted in one pass; each time a few, so that others write in between.
const ROUNDS: u32 = 256;

/// What went in one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InventoryForgotten {
    /// States.
    pub states: u64,
    /// Parts that no state has any more.
    pub parts: u64,
    /// Chunks that no part has any more.
    pub chunks: u64,
    /// Whether another pass would find more.
    pub has_more: bool,
}

impl Store {
    /// Destroys the states that were not in force any more at `before`, those that never were and were kept
    /// before, and the rows that nothing has any more. What is in force stays, and so does what was at
    /// `before`. One bounded pass; cut off at any point, the next one goes on.
    pub async fn inventory_forget(
        &self,
        before: Timestamp,
        actor: Actor,
    ) -> Result<InventoryForgotten, StoreError> {
        const STATES: &str = "DELETE FROM inventory_state WHERE id IN (SELECT s.id FROM inventory_state s WHERE (s.taken_at IS NOT NULL AND EXISTS (SELECT 1 FROM inventory_state n WHERE n.connection = s.connection AND n.taken_at > s.taken_at AND n.taken_at <= $1)) OR (s.taken_at IS NULL AND s.kept_at < $1) LIMIT 500)";
        // The time is said twice: on PostgreSQL somebody may keep the same once more before it is deleted.
        const PARTS: &str = "DELETE FROM inventory_part WHERE kept_at < $1 AND id IN (SELECT p.id FROM inventory_part p WHERE p.kept_at < $1 AND NOT EXISTS (SELECT 1 FROM inventory_state_part s WHERE s.part_id = p.id) ORDER BY p.kept_at, p.id LIMIT 8)";
        const CHUNKS: &str = "DELETE FROM inventory_chunk WHERE kept_at < $1 AND id IN (SELECT c.id FROM inventory_chunk c WHERE c.kept_at < $1 AND NOT EXISTS (SELECT 1 FROM inventory_part_chunk p WHERE p.chunk_id = c.id) ORDER BY c.kept_at, c.id LIMIT 32)";
        let mut tx = self.begin().await?;
        let states = query(STATES).bind(before.as_microsecond()).execute(tx.connection()).await?;
        let states = states.rows_affected();
        if states > 0 {
            let event = AuditEvent::new(actor, "inventory.forgotten", "inventory");
            self.audit_enter_in(&mut tx, &event.with(json!({"states": states}))).await?;
        }
        tx.commit().await?;
        let unneeded = self.now().saturating_sub(crate::task::microseconds(GRACE.unsigned_abs()));
        let (parts, more_parts) = self.delete_in_rounds(PARTS, self.now()).await?;
        let (chunks, more_chunks) = self.delete_in_rounds(CHUNKS, unneeded).await?;
        let has_more = states == MOST_STATES || more_parts || more_chunks;
        let gone = InventoryForgotten { states, parts, chunks, has_more };
        if gone.states + gone.parts + gone.chunks > 0 {
            self.scrub().await?;
        }
        Ok(gone)
    }

    /// Says a statement until nothing is left or it was said often enough: how much it deleted, and whether more
    /// may be left.
    async fn delete_in_rounds(
        &self,
        statement: &'static str,
        before: i64,
    ) -> Result<(u64, bool), StoreError> {
        let mut deleted = 0;
        for _ in 0..ROUNDS {
            let mut tx = self.begin_relaxed().await?;
            let more = query(statement).bind(before).execute(tx.connection()).await?.rows_affected();
            tx.commit().await?;
            if more == 0 {
                return Ok((deleted, false));
            }
            deleted += more;
        }
        Ok((deleted, true))
    }
}
