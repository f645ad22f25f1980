use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::PublicKey;
use crypto::merkle::{
    Hash, Range, consistency_proof, inclusion_proof, leaf_hash, verify_consistency, verify_inclusion,
};
use serde::{Deserialize, Serialize};

use super::tiles::Tiles;
use super::{AuditError, AuditId, Checkpoint};
use crate::sql::query;
use crate::store::count;
use crate::{Store, StoreError};

/// Proof that an entry stands in the log that a signed checkpoint speaks of; goes into certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditProof {
    /// The entry, canonical JSON.
    pub entry: String,
    /// Its number.
    pub number: u64,
    /// Hashes of the proof in base64.
    pub hashes: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Proof that the log of one checkpoint is the beginning of the log of a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Hashes of the proof.
    pub hashes: Vec<Hash>,
    /// The later checkpoint, signed.
    pub checkpoint: Vec<u8>,
}

impl AuditProof {
    /// Checks the proof with public keys only, and says at which checkpoint it holds.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<Checkpoint, AuditError> {
        let checkpoint = Checkpoint::open(self.checkpoint.as_bytes(), keys)?;
        let hashes: Option<Vec<Hash>> =
            self.hashes.iter().map(|hash| STANDARD.decode(hash).ok()?.try_into().ok()).collect();
        let leaf = leaf_hash(self.entry.as_bytes());
        let log = (checkpoint.size, checkpoint.root);
        if hashes.is_some_and(|hashes| verify_inclusion(leaf, self.number, log, &hashes)) {
            Ok(checkpoint)
        } else {
            Err(AuditError::NotIncluded { number: self.number })
        }
    }
}

impl ConsistencyProof {
    /// Checks that the log only grew since `old`, a checkpoint kept elsewhere.
    pub fn verify(&self, old: &Checkpoint, keys: &[PublicKey]) -> Result<Checkpoint, AuditError> {
        let new = Checkpoint::open(&self.checkpoint, keys)?;
        if verify_consistency((old.size, old.root), (new.size, new.root), &self.hashes) {
            Ok(new)
        } else {
            Err(AuditError::Rewritten { size: old.size })
        }
    }
}

impl Store {
    /// Proof that the entry stands in the log; `None` while it waits for its number.
    pub async fn audit_proof(&self, entry: &AuditId) -> Result<Option<AuditProof>, StoreError> {
        const FIND: &str = "SELECT number, body FROM audit_entry WHERE id = $1";
        let row = query(FIND).bind(entry.as_str()).fetch_optional(&self.inner.reader).await?;
        let row =
            row.ok_or_else(|| StoreError::NotFound { what: "audit entry", id: entry.as_str().to_owned() })?;
        let Some(number) = row.try_get::<Option<i64>>(0)? else { return Ok(None) };
        let number = count(number)?;
        let Some((checkpoint, size)) = self.newest().await? else { return Ok(None) };
        let hashes = self.hashes(inclusion_proof(number, size)).await?;
        let checkpoint =
            String::from_utf8(checkpoint).map_err(|_| StoreError::Damaged { what: "a checkpoint" })?;
        let hashes = hashes.iter().map(|hash| STANDARD.encode(hash)).collect();
        Ok(Some(AuditProof { entry: row.try_get(1)?, number, hashes, checkpoint }))
    }

    /// Proof that the log only grew since it had `size` entries; `None` if it was never that large.
    pub async fn audit_consistency(&self, size: u64) -> Result<Option<ConsistencyProof>, StoreError> {
        let Some((checkpoint, newest)) = self.newest().await?.filter(|(_, newest)| size <= *newest) else {
            return Ok(None);
        };
        let hashes = self.hashes(consistency_proof(size, newest)).await?;
        Ok(Some(ConsistencyProof { hashes, checkpoint }))
    }

    async fn newest(&self) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        const NEWEST: &str = "SELECT envelope, size FROM audit_checkpoint ORDER BY size DESC LIMIT 1";
        let row = query(NEWEST).fetch_optional(&self.inner.reader).await?;
        row.map(|row| Ok((row.try_get(0)?, count(row.try_get(1)?)?))).transpose()
    }

    async fn hashes(&self, ranges: Vec<Range>) -> Result<Vec<Hash>, StoreError> {
        let mut lent = self.inner.reader.acquire().await?;
        let mut tiles = Tiles::default();
        let mut hashes = Vec::with_capacity(ranges.len());
        for range in ranges {
            hashes.push(tiles.range(&mut lent.connection(), range).await?);
        }
        Ok(hashes)
    }
}
