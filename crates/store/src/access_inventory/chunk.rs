use std::collections::VecDeque;

use model::ConnectionKey;

use super::forget::GRACE;
use super::{InventoryChunkId, InventoryKey, InventoryPart};
use crate::sql::{query, query_made};
use crate::task::microseconds;
use crate::values::{parts, values};
use crate::{Store, StoreError};

/// How many chunks are read at once.
const AHEAD: i64 = 8;

/// Rows in the form in which they are kept.
pub struct SealedChunk {
    pub(super) id: InventoryChunkId,
    pub(super) connection: ConnectionKey,
    pub(super) sealed: Vec<u8>,
}

impl SealedChunk {
    /// What it is known by.
    pub fn id(&self) -> &InventoryChunkId {
        &self.id
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        self.sealed.len()
    }
}

impl std::fmt::Debug for SealedChunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedChunk")
            .field("id", &self.id)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Reads the chunks of one part, in their order; memory holds a few.
///
/// Its end is an answer only if all chunks were there: some that are missing or others are an error.
#[derive(Debug)]
pub struct InventoryCursor {
    store: Store,
    key: InventoryKey,
    part: InventoryPart,
    ahead: VecDeque<(InventoryChunkId, Vec<u8>)>,
    seen: Vec<InventoryChunkId>,
    is_last: bool,
}

impl Store {
    /// Keeps chunks; those that are there already stay, and count as kept anew. Nothing has them yet: a state that
    /// names their parts does, and until then they go with time.
    ///
    /// A power failure may undo the last of them; the commit of a state puts them on the safe side.
    pub async fn inventory_chunk_put(&self, chunks: &[SealedChunk]) -> Result<(), StoreError> {
        if chunks.is_empty() {
            return Ok(());
        }
        let now = self.now();
        // Large rows are not written again for nothing: what was kept lately stays long enough.
        let lately = now.saturating_sub(microseconds(GRACE.unsigned_abs() / 2));
        // One order for all processes, so that none waits for another that waits for it.
        let mut ordered: Vec<&SealedChunk> = chunks.iter().collect();
        ordered.sort_by(|one, two| one.id.cmp(&two.id));
        ordered.dedup_by(|one, two| one.id == two.id);
        let mut tx = self.begin_local().await?;
        for part in parts(&ordered) {
            let values = values::<4>(part.len());
            let place = part.len() * 4 + 1;
            let put = format!(
                "INSERT INTO inventory_chunk (id, connection, kept_at, sealed) VALUES {values} ON CONFLICT (id) DO UPDATE SET kept_at = excluded.kept_at WHERE inventory_chunk.kept_at < ${place}"
            );
            let mut query = query_made(put);
            for chunk in part {
                query = query
                    .bind(chunk.id.as_str())
                    .bind(chunk.connection.as_str())
                    .bind(now)
                    .bind(chunk.sealed.as_slice());
            }
            query.bind(lately).execute(tx.connection()).await?;
        }
        tx.commit().await
    }

    /// The rows of a part, piece by piece, in the form in which they were given.
    pub fn inventory_chunk_list(&self, key: &InventoryKey, part: &InventoryPart) -> InventoryCursor {
        InventoryCursor {
            store: self.clone(),
            key: key.clone(),
            part: part.clone(),
            ahead: VecDeque::new(),
            seen: Vec::new(),
            is_last: false,
        }
    }

    /// The ids of a part's chunks, in their order.
    pub async fn inventory_chunk_ids(
        &self,
        part: &super::InventoryPartId,
    ) -> Result<Vec<InventoryChunkId>, StoreError> {
        const LIST: &str = "SELECT chunk_id FROM inventory_part_chunk WHERE part_id = $1 ORDER BY number";
        let rows = query(LIST).bind(part.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(InventoryChunkId::kept(row.try_get(0)?))).collect()
    }
}

impl InventoryCursor {
    /// The next piece, or `None` after the last.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the part went meanwhile, [`StoreError::Damaged`] if a piece was changed,
    /// moved or taken out.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.ahead.is_empty() && !self.is_last {
            self.read_ahead().await?;
        }
        let Some((id, sealed)) = self.ahead.pop_front() else {
            self.check().await?;
            return Ok(None);
        };
        let rows = self.key.open(&id, &sealed)?;
        self.seen.push(id);
        Ok(Some(rows))
    }

    async fn read_ahead(&mut self) -> Result<(), StoreError> {
        const NEXT: &str = "SELECT p.chunk_id, c.sealed FROM inventory_part_chunk p JOIN inventory_chunk c ON c.id = p.chunk_id WHERE p.part_id = $1 AND p.number >= $2 ORDER BY p.number LIMIT $3";
        let rows = query(NEXT)
            .bind(self.part.id.as_str())
            .bind(crate::store::signed(self.seen.len() as u64))
            .bind(AHEAD)
            .fetch_all(&self.store.inner.reader)
            .await?;
        self.is_last = (rows.len() as u64) < AHEAD.unsigned_abs();
        for row in &rows {
            self.ahead.push_back((InventoryChunkId::kept(row.try_get(0)?), row.try_get(1)?));
        }
        Ok(())
    }

    /// Whether those were all chunks of the part, now that none follows.
    async fn check(&self) -> Result<(), StoreError> {
        const FIND: &str = "SELECT 1 FROM inventory_part WHERE id = $1";
        if self.key.part_id((&self.part.kind, &self.part.holder), &self.seen) == self.part.id {
            return Ok(());
        }
        let id = self.part.id.as_str();
        match query(FIND).bind(id).fetch_optional(&self.store.inner.reader).await? {
            Some(_) => Err(StoreError::Damaged { what: "a part of the inventory" }),
            None => Err(StoreError::NotFound { what: "part of the inventory", id: id.to_owned() }),
        }
    }
}
