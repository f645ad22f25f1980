use crypto::merkle::leaf_hash;

use super::tiles::Tiles;
use super::{AuditEntry, Checkpoint};
use crate::lease::lease_check;
use crate::sql::query;
use crate::store::{count, signed};
use crate::{NamedLease, Store, StoreError};

/// The lease under which entries are numbered.
pub const AUDIT_LEASE: &str = "audit-sequencer";

impl Store {
    /// Numbers up to `limit` waiting entries, extends the tree and signs a checkpoint, in one
    /// transaction; to be called about once a second by the holder of [`AUDIT_LEASE`]. `None` if
    /// nothing waits.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else holds the lease: nothing is numbered then.
    pub async fn audit_sequence(
        &self,
        lease: &NamedLease,
        limit: u32,
    ) -> Result<Option<Checkpoint>, StoreError> {
        Ok(self.audit_number(lease, limit).await?.map(|(checkpoint, _)| checkpoint))
    }

    /// The same until nothing waits that waited before, `limit` entries in each transaction.
    ///
    /// # Errors
    /// As above; what was numbered before stays.
    pub async fn audit_sequence_all(
        &self,
        lease: &NamedLease,
        limit: u32,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let mut last = None;
        while let Some((checkpoint, entries)) = self.audit_number(lease, limit).await? {
            last = Some(checkpoint);
            if entries < limit as usize {
                break;
            }
        }
        Ok(last)
    }

    /// One transaction of it; gives how many entries got their number, too.
    async fn audit_number(
        &self,
        lease: &NamedLease,
        limit: u32,
    ) -> Result<Option<(Checkpoint, usize)>, StoreError> {
        const SIZE: &str = "SELECT COALESCE(MAX(number) + 1, 0) FROM audit_entry";
        const NUMBER: &str = "UPDATE audit_entry SET number = chosen.number FROM (SELECT id, $1 + ROW_NUMBER() OVER (ORDER BY id) - 1 AS number FROM audit_entry WHERE number IS NULL ORDER BY id LIMIT $2) AS chosen WHERE audit_entry.id = chosen.id RETURNING audit_entry.number, audit_entry.body";
        const PUT: &str = "INSERT INTO audit_checkpoint (size, made_at, envelope) VALUES ($1, $2, $3)";
        let mut tx = self.begin().await?;
        lease_check(&mut tx, lease).await?;
        let size = count(query(SIZE).fetch_one(tx.connection()).await?.try_get(0)?)?;
        let rows = query(NUMBER).bind(signed(size)).bind(i64::from(limit)).fetch_all(tx.connection()).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            entries.push(AuditEntry { number: count(row.try_get(0)?)?, body: row.try_get(1)? });
        }
        entries.sort_by_key(|entry| entry.number);
        let mut tiles = Tiles::default();
        let mut frontier = tiles.frontier(&mut tx.connection(), size).await?;
        for entry in &entries {
            let leaf = leaf_hash(entry.body.as_bytes());
            tiles.push(&mut tx.connection(), entry.number, leaf).await?;
            frontier.push(leaf);
        }
        tiles.save(&mut tx.connection()).await?;
        let made_at = self.inner.clock.now();
        let checkpoint = Checkpoint { size: frontier.size(), root: frontier.root(), made_at };
        query(PUT)
            .bind(signed(checkpoint.size))
            .bind(made_at.as_microsecond())
            .bind(checkpoint.sign(&self.inner.signing_key).to_bytes())
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        Ok(Some((checkpoint, entries.len())))
    }
}
