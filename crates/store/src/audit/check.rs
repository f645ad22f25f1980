use std::collections::BTreeMap;

use crypto::merkle::{Frontier, Hash, leaf_hash};
use crypto::{EnvelopeError, PublicKey};
use serde_json::Value;
use thiserror::Error;

use super::{AuditEntry, Checkpoint};
use crate::{Store, StoreError};

/// What a whole log was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditReport {
    /// Numbered entries, all of them as they were when they were signed.
    pub entries: u64,
    /// Checkpoints that agree with them.
    pub checkpoints: u64,
    /// Entries after the last checkpoint that was checked: nothing vouches for them yet.
    pub unsigned: u64,
}

/// Checks a whole log, entry by entry, against signed checkpoints. Needs no database: an exported log
/// and a public key are enough. Memory holds one hash per checkpoint.
#[derive(Debug, Default)]
pub struct LogCheck {
    frontier: Frontier,
    expected: BTreeMap<u64, Hash>,
    agreed: u64,
    last_agreed: u64,
}

impl LogCheck {
    /// Takes a checkpoint to compare with, before the entries. Two that contradict each other are an
    /// error already.
    pub fn expect(&mut self, checkpoint: &Checkpoint) -> Result<(), AuditError> {
        match self.expected.insert(checkpoint.size, checkpoint.root) {
            Some(other) if other != checkpoint.root => Err(AuditError::Rewritten { size: checkpoint.size }),
            Some(_) | None => Ok(()),
        }
    }

    /// Takes the next entry.
    pub fn entry(&mut self, entry: &AuditEntry) -> Result<(), AuditError> {
        if entry.number != self.frontier.size() {
            return Err(AuditError::Gap { number: self.frontier.size() });
        }
        let readable = serde_json::from_str::<Value>(&entry.body)
            .is_ok_and(|value| crypto::canonical_json(&value) == entry.body.as_bytes());
        if !readable {
            return Err(AuditError::Unreadable { number: entry.number });
        }
        self.frontier.push(leaf_hash(entry.body.as_bytes()));
        let size = self.frontier.size();
        if let Some(root) = self.expected.remove(&size) {
            if root != self.frontier.root() {
                return Err(AuditError::Rewritten { size });
            }
            self.agreed += 1;
            self.last_agreed = size;
        }
        Ok(())
    }

    /// After the last entry: every checkpoint must have been reached.
    pub fn finish(self) -> Result<AuditReport, AuditError> {
        let entries = self.frontier.size();
        if let Some((size, _)) = self.expected.last_key_value() {
            return Err(AuditError::Truncated { entries, size: *size });
        }
        Ok(AuditReport { entries, checkpoints: self.agreed, unsigned: entries - self.last_agreed })
    }
}

impl Store {
    /// Checks the whole log against its own checkpoints and `against`, checkpoints kept elsewhere,
    /// with the keys given; trusts nothing in the database.
    pub async fn audit_verify(
        &self,
        keys: &[PublicKey],
        against: &[Checkpoint],
    ) -> Result<AuditReport, AuditError> {
        const BATCH: u32 = 1000;
        let mut check = LogCheck::default();
        for checkpoint in against {
            check.expect(checkpoint)?;
        }
        let mut after = 0;
        loop {
            let envelopes = self.checkpoint_list(after, BATCH).await?;
            for envelope in &envelopes {
                let checkpoint = Checkpoint::open(envelope, keys)?;
                after = after.max(checkpoint.size);
                check.expect(&checkpoint)?;
            }
            if envelopes.len() < BATCH as usize {
                break;
            }
        }
        let mut from = 0;
        loop {
            let entries = self.audit_list(from, BATCH).await?;
            for entry in &entries {
                check.entry(entry)?;
            }
            from += entries.len() as u64;
            if entries.len() < BATCH as usize {
                return check.finish();
            }
        }
    }
}

/// A log or a proof that cannot be trusted.
#[derive(Debug, Error)]
pub enum AuditError {
    /// A number is missing or comes twice.
    #[error(
        "entry {number} of the audit log is missing; it was removed, or entries were put in another order"
    )]
    Gap {
        /// The number that should have come.
        number: u64,
    },
    /// An entry is not what is ever written.
    #[error("entry {number} of the audit log is not in its exact form; it was changed")]
    Unreadable {
        /// Its number.
        number: u64,
    },
    /// The entries are not those that were signed.
    #[error(
        "the first {size} entries of the audit log are not those that were signed; one of them was changed, removed or put in"
    )]
    Rewritten {
        /// Size of the checkpoint that disagrees.
        size: u64,
    },
    /// The log is shorter than it was.
    #[error(
        "the audit log has {entries} entries and had {size} when a checkpoint was signed; its end was cut off"
    )]
    Truncated {
        /// How many there are.
        entries: u64,
        /// How many there were.
        size: u64,
    },
    /// A proof that proves nothing.
    #[error("the proof does not show that entry {number} stands in the audit log")]
    NotIncluded {
        /// Number of the entry.
        number: u64,
    },
    /// A checkpoint that nobody trusted signed.
    #[error("a checkpoint cannot be trusted")]
    Checkpoint(#[from] EnvelopeError),
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
