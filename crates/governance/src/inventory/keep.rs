//! What was read comes into force, as far as it was read to its end; nothing half-read does (architecture §4).

mod error;
mod file;
mod merge;
mod sink;

use std::collections::HashSet;
use std::path::Path;

use futures::future::join;
use jiff::Timestamp;
use model::ConnectionKey;
use store::{
    Actor, InventoryKey, InventoryKind, InventoryKindStatus, InventoryOrigin, InventoryPart, InventoryState,
    InventoryStateId, NewInventoryState, SeenInventory, Store, StoreError,
};

use super::shrink::{Shrink, ShrinkGuard};
use crate::aside::aside;
use crate::file::FileTimes;
use crate::finish::{ReadSync, both_ends};
use crate::outlet::Inlet;
use crate::report::{KindReport, KindStatus, SyncReport};
use merge::{Base, Fresh, Merged, merge};
use sink::{Keeper, KeptRows, Teller};

pub use error::KeepError;
pub use file::keep_file;
pub(crate) use file::keep_reading;

/// How often it is begun anew when another sync came into force meanwhile.
const ATTEMPTS: u32 = 5;

/// Whose inventory rows become, and how far they are believed.
#[derive(Debug, Clone)]
pub struct KeepRequest<'a> {
    /// Where it is kept.
    pub store: &'a Store,
    /// The connection.
    pub connection: &'a ConnectionKey,
    /// Whether it is held back when much is gone.
    pub guard: ShrinkGuard,
    /// Who asked for it.
    pub actor: Actor,
}

/// What became of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What is in force now; or, if it is held back, what is not.
    pub state: InventoryStateId,
    /// Parts that are others than they were: kind and holder, which is empty for the kind itself. Nothing
    /// if all is as it was.
    pub changed: Vec<(String, String)>,
    /// Why it is held back until a person says something.
    pub held: Option<Shrink>,
    /// How many bytes had to be written for its rows: those that were there already need none.
    pub written_bytes: u64,
}

impl ReadSync {
    /// Makes what was read the inventory of the connection. To be called before [`ReadSync::close`], and
    /// again if it failed.
    ///
    /// # Errors
    /// [`KeepError`] if there is no result or it cannot be kept: then nothing of it is in force.
    pub async fn keep(&self, request: &KeepRequest<'_>) -> Result<(Kept, SyncReport), KeepError> {
        let keeper = self.keeper(request).await?;
        let (key, mut outlet) = (keeper.key().clone(), self.outlet());
        let inlet = outlet.inlet();
        let rows = aside(move || keep_rows(inlet, keeper));
        let (rows, report) = both_ends::<_, _, KeepError, _, _>(join(rows, self.hand_out(outlet)).await)?;
        Ok((self.take(request, (&key, rows), &report).await?, report))
    }

    /// The same, and writes the rows to a `.c1z` file at `target` too ([`ReadSync::write`]). What is held back
    /// from the inventory stands in the file.
    ///
    /// # Errors
    /// As [`ReadSync::keep`] and [`ReadSync::write`]. The file may be there, and the inventory what it was.
    pub async fn write_and_keep(
        &self,
        (target, times): (&Path, FileTimes),
        request: &KeepRequest<'_>,
    ) -> Result<(Kept, SyncReport), KeepError> {
        let keeper = self.keeper(request).await?;
        let run = self.file_run(times).await?;
        let (key, mut outlet) = (keeper.key().clone(), self.outlet());
        let inlet = outlet.inlet();
        let (rows, file) = (aside(move || keep_rows(inlet, keeper)), self.write_from((target, &run), outlet));
        let (rows, report) = both_ends::<_, _, KeepError, _, _>(join(rows, file).await)?;
        Ok((self.take(request, (&key, rows), &report).await?, report))
    }

    async fn keeper(&self, request: &KeepRequest<'_>) -> Result<Keeper, KeepError> {
        if let Some((_, why)) = self.unfinished() {
            return Err(KeepError::Unfinished { why });
        }
        let key = request.store.inventory_key_get(request.connection).await?;
        let known = known_chunks(request).await?;
        Ok(Keeper::new((request.store.clone(), key), known, Teller::Ourselves))
    }

    async fn take(
        &self,
        request: &KeepRequest<'_>,
        (key, rows): (&InventoryKey, KeptRows),
        report: &SyncReport,
    ) -> Result<Kept, KeepError> {
        let mut fresh = fresh((key, Teller::Ourselves), self.sync().started_at(), (rows, &report.kinds));
        // A kind that was read only for others has not all of its rows, also if it is wanted again by now.
        fresh.switch_off(&self.sync().kinds_left_out());
        take(request, (InventoryOrigin::Sync, Some(self.sync().id().as_str())), fresh).await
    }
}

/// Keeps all rows; nothing if they broke off before their end.
fn keep_rows(inlet: Inlet, keeper: Keeper) -> Result<Option<KeptRows>, KeepError> {
    inlet.give_to(keeper)?.map(Keeper::finish).transpose()
}

/// The chunks of what is in force: they need not be kept again.
async fn known_chunks(request: &KeepRequest<'_>) -> Result<HashSet<store::InventoryChunkId>, StoreError> {
    let mut known = HashSet::new();
    if let Some(state) = request.store.inventory_state_now(request.connection).await? {
        for part in request.store.inventory_part_list(&state.id).await? {
            known.extend(request.store.inventory_chunk_ids(&part.id).await?);
        }
    }
    Ok(known)
}

/// What was read, with the ids of its parts.
fn fresh(
    (key, teller): (&InventoryKey, Teller),
    read_at: Timestamp,
    (rows, reports): (KeptRows, &[KindReport]),
) -> Fresh {
    let mut kinds: Vec<InventoryKind> = reports.iter().map(kind).collect();
    for named in &rows.kinds {
        if !kinds.iter().any(|known| known.kind == *named) {
            let status = InventoryKindStatus::Complete;
            kinds.push(InventoryKind { kind: named.clone(), status, as_of: None, reason: None });
        }
    }
    let parts = rows.parts.into_iter().map(|kept| {
        let id = key.part_id((&kept.kind, &kept.holder), &kept.chunks);
        let part =
            InventoryPart { id, kind: kept.kind, holder: kept.holder, as_of: read_at, counts: kept.counts };
        (part, kept.chunks)
    });
    Fresh {
        teller,
        read_at,
        kinds,
        parts: parts.collect(),
        unsteady: rows.unsteady,
        written_bytes: rows.written_bytes,
    }
}

fn kind(report: &KindReport) -> InventoryKind {
    InventoryKind {
        kind: report.kind.clone(),
        status: match report.status {
            KindStatus::Complete => InventoryKindStatus::Complete,
            KindStatus::Incomplete => InventoryKindStatus::Incomplete,
            KindStatus::Unavailable => InventoryKindStatus::Unavailable,
        },
        as_of: None,
        reason: report.reason.clone(),
    }
}

/// Puts it in force, or holds it back, or notes that it is what is in force already.
async fn take(
    request: &KeepRequest<'_>,
    told: (InventoryOrigin, Option<&str>),
    mut fresh: Fresh,
) -> Result<Kept, KeepError> {
    fresh.switch_off(&request.store.connection_kinds_off(request.connection).await?);
    for _ in 0..ATTEMPTS {
        let state = request.store.inventory_state_now(request.connection).await?;
        let parts = match &state {
            Some(state) => request.store.inventory_part_list(&state.id).await?,
            None => Vec::new(),
        };
        let base = match &state {
            Some(state) => Base { kinds: &state.kinds, parts: &parts },
            None => Base::default(),
        };
        let merged = merge(base, &fresh);
        if let Some(kept) = put(request, (told, fresh.read_at), (state.as_ref(), merged)).await? {
            return Ok(Kept { written_bytes: fresh.written_bytes, ..kept });
        }
    }
    Err(KeepError::Overtaken { connection: request.connection.clone() })
}

/// Nothing if something else came into force meanwhile.
async fn put(
    request: &KeepRequest<'_>,
    ((origin, source), read_at): ((InventoryOrigin, Option<&str>), Timestamp),
    (base, merged): (Option<&InventoryState>, Merged),
) -> Result<Option<Kept>, KeepError> {
    let Merged { kinds, parts, changed, says_same, measured } = merged;
    if let Some(base) = base.filter(|_| changed.is_empty() && says_same) {
        let again: Vec<InventoryPart> = parts.into_iter().map(|new| new.part).collect();
        let seen = SeenInventory {
            connection: request.connection,
            state: &base.id,
            read_at,
            kinds: &kinds,
            parts: &again,
        };
        let is_noted = request.store.inventory_state_seen(&seen).await?;
        return Ok(is_noted.then(|| Kept { state: base.id.clone(), changed, held: None, written_bytes: 0 }));
    }
    let held = request.guard.judge(measured);
    let why = held.as_ref().map(Shrink::to_string);
    let new = NewInventoryState {
        connection: request.connection,
        base: base.map(|base| &base.id),
        origin,
        source,
        read_at,
        kinds: &kinds,
        parts: &parts,
        changed: changed.len() as u64,
        held: why.as_deref(),
        actor: request.actor.clone(),
    };
    let state = request.store.inventory_state_put(&new).await?;
    Ok(state.map(|state| Kept { state, changed, held, written_bytes: 0 }))
}

#[cfg(test)]
mod tests;
