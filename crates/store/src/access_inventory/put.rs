use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::json;

use super::{
    InventoryChunkId, InventoryCounts, InventoryKind, InventoryOrigin, InventoryPart, InventoryStanding,
    InventoryStateId, kinds_text,
};
use crate::sql::{query, query_made};
use crate::store::{Tx, signed};
use crate::values::{parts, values};
use crate::{Actor, AuditEvent, Store, StoreError};

/// A state to be kept.
#[derive(Debug)]
pub struct NewInventoryState<'a> {
    /// The connection; it has its key.
    pub connection: &'a ConnectionKey,
    /// What was in force when it was made up.
    pub base: Option<&'a InventoryStateId>,
    /// Where its rows came from.
    pub origin: InventoryOrigin,
    /// Id of the run, or of the sync of the file.
    pub source: Option<&'a str>,
    /// When its newest rows were read.
    pub read_at: Timestamp,
    /// All kinds.
    pub kinds: &'a [InventoryKind],
    /// All parts.
    pub parts: &'a [NewInventoryPart],
    /// How many of them are others than in `base`.
    pub changed: u64,
    /// Why it does not come into force, if it does not.
    pub held: Option<&'a str>,
    /// Who asked for it.
    pub actor: Actor,
}

/// A part of such a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInventoryPart {
    /// The part.
    pub part: InventoryPart,
    /// Its chunks, which are kept; none if another state has the part already.
    pub chunks: Option<Vec<InventoryChunkId>>,
}

impl Store {
    /// Keeps a state; it comes into force at once, unless it is held back. One that was held back before is
    /// replaced. Nothing of it is there before all of it is.
    ///
    /// `None` if something else came into force after `base`: then nothing was kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the connection was removed and is not there anew.
    pub async fn inventory_state_put(
        &self,
        new: &NewInventoryState<'_>,
    ) -> Result<Option<InventoryStateId>, StoreError> {
        let mut tx = self.begin().await?;
        let Some(id) = self.inventory_state_put_in(&mut tx, new).await? else { return Ok(None) };
        model::kill_point!("sync.before_state");
        tx.commit().await?;
        model::kill_point!("sync.state");
        Ok(Some(id))
    }

    /// The same as part of a larger change.
    pub(super) async fn inventory_state_put_in(
        &self,
        tx: &mut Tx,
        new: &NewInventoryState<'_>,
    ) -> Result<Option<InventoryStateId>, StoreError> {
        if !inventory_lock(tx, new.connection, new.base).await? {
            return Ok(None);
        }
        if new.origin != InventoryOrigin::Removal {
            check_there(tx, new).await?;
        }
        self.held_replace(tx, new.connection).await?;
        let id = InventoryStateId::new(&*self.inner.ids);
        let taken_at = match new.held {
            Some(_) => None,
            None => Some(self.take_at(tx, new.connection).await?),
        };
        self.state_insert(tx, (&id, taken_at), new).await?;
        for part in new.parts {
            self.part_insert(tx, new.connection, part).await?;
        }
        for some in parts(new.parts) {
            state_parts_insert(tx, &id, some).await?;
        }
        if new.held.is_none() {
            in_force(tx, new.connection, &id).await?;
        }
        let action = if new.held.is_some() { "inventory.held" } else { "inventory.taken" };
        let counts = total(new.parts);
        let event = AuditEvent::new(new.actor.clone(), action, id.as_str()).with(json!({
            "connection": new.connection.as_str(),
            "origin": new.origin.as_str(),
            "source": new.source,
            "changed": new.changed,
            "resources": counts.resources,
            "entitlements": counts.entitlements,
            "grants": counts.grants,
            "reason": new.held,
        }));
        self.audit_enter_in(tx, &event).await?;
        Ok(Some(id))
    }

    async fn state_insert(
        &self,
        tx: &mut Tx,
        (id, taken_at): (&InventoryStateId, Option<i64>),
        new: &NewInventoryState<'_>,
    ) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO inventory_state (id, connection, standing, origin, source, read_at, kept_at, taken_at, seen_at, changed, resources, entitlements, grants, reason, kinds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $9, $10, $11, $12, $13, $14)";
        let standing = if taken_at.is_some() { InventoryStanding::Taken } else { InventoryStanding::Held };
        let counts = total(new.parts);
        query(INSERT)
            .bind(id.as_str())
            .bind(new.connection.as_str())
            .bind(standing.as_str())
            .bind(new.origin.as_str())
            .bind(new.source)
            .bind(new.read_at.as_microsecond())
            .bind(self.now())
            .bind(taken_at)
            .bind(signed(new.changed))
            .bind(signed(counts.resources))
            .bind(signed(counts.entitlements))
            .bind(signed(counts.grants))
            .bind(new.held)
            .bind(kinds_text(new.kinds))
            .execute(tx.connection())
            .await?;
        Ok(())
    }

    async fn part_insert(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
        new: &NewInventoryPart,
    ) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO inventory_part (id, connection, kind, holder, resources, entitlements, grants, kept_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET kept_at = excluded.kept_at";
        let NewInventoryPart { part, chunks: Some(chunks) } = new else { return Ok(()) };
        // One that an older state has is held, so that it does not go just now.
        query(INSERT)
            .bind(part.id.as_str())
            .bind(connection.as_str())
            .bind(part.kind.as_str())
            .bind(part.holder.as_str())
            .bind(signed(part.counts.resources))
            .bind(signed(part.counts.entitlements))
            .bind(signed(part.counts.grants))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        let numbered: Vec<(i64, &InventoryChunkId)> = (0..).zip(chunks).collect();
        for some in parts(&numbered) {
            let values = values::<3>(some.len());
            let put = format!(
                "INSERT INTO inventory_part_chunk (part_id, number, chunk_id) VALUES {values} ON CONFLICT (part_id, number) DO NOTHING"
            );
            let mut query = query_made(put);
            for (number, chunk) in some {
                query = query.bind(part.id.as_str()).bind(*number).bind(chunk.as_str());
            }
            query.execute(tx.connection()).await?;
        }
        Ok(())
    }

    /// The time at which a state of a connection comes into force now: later than that of the one before,
    /// whatever the clock says.
    pub(super) async fn take_at(&self, tx: &mut Tx, connection: &ConnectionKey) -> Result<i64, StoreError> {
        const LAST: &str = "SELECT MAX(taken_at) FROM inventory_state WHERE connection = $1";
        let row = query(LAST).bind(connection.as_str()).fetch_one(tx.connection()).await?;
        let last: Option<i64> = row.try_get(0)?;
        Ok(last.map_or(i64::MIN, |last| last + 1).max(self.now()))
    }

    /// What was held back before is not waited for any more.
    pub(super) async fn held_replace(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<bool, StoreError> {
        super::decide::end_held(tx, connection, InventoryStanding::Replaced)
            .await
            .map(|ended| ended.is_some())
    }
}

/// Keeps everybody else from changing what is in force, if `base` is.
pub(super) async fn inventory_lock(
    tx: &mut Tx,
    connection: &ConnectionKey,
    base: Option<&InventoryStateId>,
) -> Result<bool, StoreError> {
    const LOCK: &str =
        "UPDATE inventory SET state_id = state_id WHERE connection = $1 AND COALESCE(state_id, '') = $2";
    let base = base.map(InventoryStateId::as_str).unwrap_or_default();
    let locked = query(LOCK).bind(connection.as_str()).bind(base).execute(tx.connection()).await?;
    Ok(locked.rows_affected() > 0)
}

/// Fails if the connection was removed while somebody was reading it: what they found must not come into force, for
/// nothing would ever follow it.
async fn check_there(tx: &mut Tx, new: &NewInventoryState<'_>) -> Result<(), StoreError> {
    const GONE: &str = "SELECT 1 FROM inventory_state s WHERE s.id = $1 AND s.origin = 'removal' AND NOT EXISTS (SELECT 1 FROM connection c WHERE c.key = s.connection)";
    let Some(base) = new.base else { return Ok(()) };
    match query(GONE).bind(base.as_str()).fetch_optional(tx.connection()).await? {
        Some(_) => Err(StoreError::NotFound { what: "connection", id: new.connection.to_string() }),
        None => Ok(()),
    }
}

/// Puts a state in force.
pub(super) async fn in_force(
    tx: &mut Tx,
    connection: &ConnectionKey,
    id: &InventoryStateId,
) -> Result<(), StoreError> {
    const PUT: &str = "UPDATE inventory SET state_id = $2 WHERE connection = $1";
    query(PUT).bind(connection.as_str()).bind(id.as_str()).execute(tx.connection()).await?;
    Ok(())
}

async fn state_parts_insert(
    tx: &mut Tx,
    id: &InventoryStateId,
    new: &[NewInventoryPart],
) -> Result<(), StoreError> {
    let values = values::<5>(new.len());
    let put =
        format!("INSERT INTO inventory_state_part (state_id, kind, holder, part_id, as_of) VALUES {values}");
    let mut query = query_made(put);
    for NewInventoryPart { part, .. } in new {
        query = query
            .bind(id.as_str())
            .bind(part.kind.as_str())
            .bind(part.holder.as_str())
            .bind(part.id.as_str())
            .bind(part.as_of.as_microsecond());
    }
    query.execute(tx.connection()).await?;
    Ok(())
}

fn total(new: &[NewInventoryPart]) -> InventoryCounts {
    new.iter().fold(InventoryCounts::default(), |sum, new| InventoryCounts {
        resources: sum.resources + new.part.counts.resources,
        entitlements: sum.entitlements + new.part.counts.entitlements,
        grants: sum.grants + new.part.counts.grants,
    })
}
