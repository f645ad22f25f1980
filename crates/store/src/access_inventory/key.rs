use std::fmt;
use std::sync::Arc;

use crypto::{HashKey, RunKey};
use model::ConnectionKey;

use super::chunk::SealedChunk;
use super::{InventoryChunkId, InventoryPartId};
use crate::page::{packed, unpack};
use crate::sql::query;
use crate::store::Tx;
use crate::{Store, StoreError};

/// What the rows of one connection's inventory are sealed with, and known by. Cheap to clone.
#[derive(Clone)]
pub struct InventoryKey {
    pub(super) connection: ConnectionKey,
    key: Arc<RunKey>,
    chunk_hash: Arc<HashKey>,
    part_hash: Arc<HashKey>,
    use_hash: Arc<HashKey>,
}

impl InventoryKey {
    /// The connection.
    pub fn connection(&self) -> &ConnectionKey {
        &self.connection
    }

    /// What rows in this form are known by.
    pub fn chunk_id(&self, rows: &[u8]) -> InventoryChunkId {
        InventoryChunkId::of(self.chunk_hash.keyed_hash(rows))
    }

    /// What a part of these chunks is known by.
    pub fn part_id(&self, (kind, holder): (&str, &str), chunks: &[InventoryChunkId]) -> InventoryPartId {
        let mut text = format!("{}:{kind}{}:{holder}|", kind.len(), holder.len());
        for chunk in chunks {
            text.push_str(chunk.as_str());
        }
        InventoryPartId::of(self.part_hash.keyed_hash(text.as_bytes()))
    }

    /// Packs and seals rows. Takes a processor for a while.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if they cannot be packed.
    pub fn seal(&self, id: InventoryChunkId, rows: &[u8]) -> Result<SealedChunk, StoreError> {
        let sealed = self.key.seal(&self.place(&id), &packed(rows)?);
        Ok(SealedChunk { id, connection: self.connection.clone(), sealed })
    }

    pub(super) fn open(&self, id: &InventoryChunkId, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let damaged = |_| StoreError::Damaged { what: "a part of the inventory" };
        unpack(&self.key.open(&self.place(id), sealed).map_err(damaged)?)
    }

    /// What a use of something is known by, and its sealed form.
    pub(crate) fn seal_use(&self, of_resource: bool, subject: &[u8]) -> (String, Vec<u8>) {
        let id = crypto::hex(&self.use_hash.keyed_hash(subject));
        let sealed = self.key.seal(&self.use_place((&id, of_resource)), subject);
        (id, sealed)
    }

    pub(crate) fn open_use(
        &self,
        (id, of_resource): (&str, bool),
        sealed: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let damaged = |_| StoreError::Damaged { what: "a use that events tell of" };
        self.key.open(&self.use_place((id, of_resource)), sealed).map_err(damaged)
    }

    fn new(connection: ConnectionKey, key: RunKey) -> Self {
        let (chunk, part) = (key.hash_key("inventory chunk"), key.hash_key("inventory part"));
        let used = key.hash_key("activity use");
        Self {
            connection,
            key: Arc::new(key),
            chunk_hash: Arc::new(chunk),
            part_hash: Arc::new(part),
            use_hash: Arc::new(used),
        }
    }

    /// The place that a use is bound to.
    fn use_place(&self, (id, of_resource): (&str, bool)) -> Vec<u8> {
        format!("activity|{}|{}|{id}", self.connection, i64::from(of_resource)).into_bytes()
    }

    /// The place that a chunk is bound to.
    fn place(&self, id: &InventoryChunkId) -> Vec<u8> {
        format!("inventory|{}|{}", self.connection, id.as_str()).into_bytes()
    }
}

impl fmt::Debug for InventoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InventoryKey({})", self.connection)
    }
}

impl Store {
    /// The key of a connection's inventory, if it has one.
    pub async fn inventory_key_find(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<InventoryKey>, StoreError> {
        const FIND: &str = "SELECT data_key FROM inventory WHERE connection = $1";
        let row = query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let wrapped: Vec<u8> = row.try_get(0)?;
        let key = RunKey::unwrap(&self.inner.keys, &place(connection.as_str()), &wrapped)
            .map_err(|source| StoreError::Sealed { what: "the data key of an inventory", source })?;
        Ok(Some(InventoryKey::new(connection.clone(), key)))
    }

    /// The same; made if there is none.
    pub async fn inventory_key_get(&self, connection: &ConnectionKey) -> Result<InventoryKey, StoreError> {
        if let Some(key) = self.inventory_key_find(connection).await? {
            return Ok(key);
        }
        let mut tx = self.begin().await?;
        self.inventory_make_in(&mut tx, connection).await?;
        tx.commit().await?;
        // Another process may have been first.
        let found = self.inventory_key_find(connection).await?;
        found.ok_or_else(|| StoreError::NotFound { what: "inventory", id: connection.to_string() })
    }

    /// Makes the inventory of a connection with its key, and nothing in it, if there is none.
    pub(super) async fn inventory_make_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO inventory (connection, data_key) VALUES ($1, $2) ON CONFLICT (connection) DO NOTHING";
        let wrapped = RunKey::random().wrap(&self.inner.keys, &place(connection.as_str()));
        query(INSERT).bind(connection.as_str()).bind(wrapped).execute(tx.connection()).await?;
        Ok(())
    }

    /// Brings the data keys of inventories under the current master key.
    pub(crate) async fn reseal_inventories(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        const LIST: &str = "SELECT connection, data_key FROM inventory";
        const PUT: &str = "UPDATE inventory SET data_key = $2 WHERE connection = $1";
        let mut changed = 0;
        for row in query(LIST).fetch_all(tx.connection()).await? {
            let (connection, wrapped): (String, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(new) = self.inner.keys.reseal(&place(&connection), &wrapped)? {
                query(PUT).bind(connection).bind(new).execute(tx.connection()).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

/// The place that the wrapped data key of an inventory is bound to.
fn place(connection: &str) -> Vec<u8> {
    format!("inventory|{connection}|data-key").into_bytes()
}
