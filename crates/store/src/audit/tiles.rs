use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crypto::merkle::{Frontier, Hash, Node, Range, root};

use crate::StoreError;
use crate::sql::{Connection, query};
use crate::store::signed;

/// Hashes in one full tile: eight heights of the tree.
const WIDTH: u64 = 256;
const HEIGHT: u32 = 8;

/// The hashes of the log, 256 to a row: level 0 holds those of entries, level 1 the roots of full
/// tiles of level 0, and so on. A proof about a million entries touches three rows.
#[derive(Debug, Default)]
pub(crate) struct Tiles {
    loaded: BTreeMap<(u32, u64), Vec<Hash>>,
    changed: Vec<(u32, u64)>,
}

impl Tiles {
    /// The root of a range, from the tiles it touches.
    pub(crate) async fn range(
        &mut self,
        connection: &mut Connection<'_>,
        range: Range,
    ) -> Result<Hash, StoreError> {
        let mut hashes = Vec::new();
        for node in range.nodes() {
            hashes.push(self.node(connection, node).await?);
        }
        range.root_of(&hashes).ok_or(DAMAGED)
    }

    /// The right edge of the log with `size` entries.
    pub(crate) async fn frontier(
        &mut self,
        connection: &mut Connection<'_>,
        size: u64,
    ) -> Result<Frontier, StoreError> {
        let mut peaks = Vec::new();
        for node in (Range { start: 0, end: size }).nodes() {
            peaks.push(self.node(connection, node).await?);
        }
        Frontier::from_peaks(size, peaks).ok_or(DAMAGED)
    }

    /// Adds the hash of entry `number`, which must be the next.
    pub(crate) async fn push(
        &mut self,
        connection: &mut Connection<'_>,
        number: u64,
        leaf: Hash,
    ) -> Result<(), StoreError> {
        let (mut level, mut index, mut hash) = (0, number, leaf);
        loop {
            let (tile, offset) = (index / WIDTH, index % WIDTH);
            let hashes = self.load(connection, (level, tile)).await?;
            if hashes.len() as u64 != offset {
                return Err(DAMAGED);
            }
            hashes.push(hash);
            let full = (offset == WIDTH - 1).then(|| root(hashes));
            if !self.changed.contains(&(level, tile)) {
                self.changed.push((level, tile));
            }
            let Some(full) = full else { return Ok(()) };
            (level, index, hash) = (level + 1, tile, full);
        }
    }

    /// Writes the tiles that grew.
    pub(crate) async fn save(&mut self, connection: &mut Connection<'_>) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO audit_tile (level, tile, hashes) VALUES ($1, $2, $3) ON CONFLICT (level, tile) DO UPDATE SET hashes = excluded.hashes";
        for place in std::mem::take(&mut self.changed) {
            let hashes = self.loaded.get(&place).map(|hashes| hashes.concat()).unwrap_or_default();
            query(PUT)
                .bind(i64::from(place.0))
                .bind(signed(place.1))
                .bind(hashes)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    async fn node(&mut self, connection: &mut Connection<'_>, node: Node) -> Result<Hash, StoreError> {
        let (level, inside) = (node.level / HEIGHT, node.level % HEIGHT);
        let first = node.index << inside;
        let hashes = self.load(connection, (level, first / WIDTH)).await?;
        let start = (first % WIDTH) as usize;
        hashes.get(start..start + (1 << inside)).map(root).ok_or(DAMAGED)
    }

    async fn load(
        &mut self,
        connection: &mut Connection<'_>,
        place: (u32, u64),
    ) -> Result<&mut Vec<Hash>, StoreError> {
        const FIND: &str = "SELECT hashes FROM audit_tile WHERE level = $1 AND tile = $2";
        match self.loaded.entry(place) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(free) => {
                let row = query(FIND)
                    .bind(i64::from(place.0))
                    .bind(signed(place.1))
                    .fetch_optional(connection)
                    .await?;
                let bytes: Vec<u8> = row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
                let (hashes, rest) = bytes.as_chunks::<32>();
                if !rest.is_empty() {
                    return Err(DAMAGED);
                }
                Ok(free.insert(hashes.to_vec()))
            }
        }
    }
}

const DAMAGED: StoreError = StoreError::Damaged { what: "the tree of the audit log" };
