//! The audit log: entries enter with the change they tell of, and are numbered and signed afterwards.

mod check;
mod checkpoint;
mod export;
mod proof;
mod sequencer;
mod tiles;

pub use check::{AuditError, AuditReport, LogCheck};
pub use checkpoint::{CHECKPOINT_TYPE, Checkpoint};
pub use export::{AuditExport, AuditLine};
pub use proof::{AuditProof, ConsistencyProof};
pub use sequencer::AUDIT_LEASE;

use serde_json::{Value, json};

use crate::sql::query;
use crate::store::{Tx, count, signed};
use crate::{Actor, Store, StoreError};

/// Something that happened, as the audit log tells it: ids, counts and keyed hashes; never personal
/// data, never secrets.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    actor: Actor,
    action: &'static str,
    object: String,
    details: Value,
}

impl AuditEvent {
    /// `actor` did `action` (`run.created`) to the thing with the id `object`.
    pub fn new(actor: Actor, action: &'static str, object: &str) -> Self {
        Self { actor, action, object: object.to_owned(), details: json!({}) }
    }

    /// Adds what else an auditor needs, as an object.
    #[must_use]
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// Id of an entry, `aud_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AuditId(String);

impl AuditId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A numbered entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 0 without gaps.
    pub number: u64,
    /// Its content, canonical JSON; what the tree's leaf is made of.
    pub body: String,
}

impl Store {
    /// Enters events on their own, all or none; for things that change nothing else here.
    pub async fn audit_enter(&self, events: &[AuditEvent]) -> Result<Vec<AuditId>, StoreError> {
        let mut tx = self.begin().await?;
        let mut ids = Vec::with_capacity(events.len());
        for event in events {
            ids.push(self.audit_enter_in(&mut tx, event).await?);
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// Enters an event in the transaction of the change it tells of.
    pub(crate) async fn audit_enter_in(
        &self,
        tx: &mut Tx,
        event: &AuditEvent,
    ) -> Result<AuditId, StoreError> {
        const ENTER: &str = "INSERT INTO audit_entry (id, number, body) VALUES ($1, NULL, $2)";
        let id = format!("aud_{}", self.inner.ids.next_uuid());
        let body = crypto::canonical_json(&json!({
            "id": id,
            "at": self.inner.clock.now().to_string(),
            "actor": event.actor.as_str(),
            "action": event.action,
            "object": event.object,
            "details": event.details,
        }));
        let body = String::from_utf8(body).map_err(|_| StoreError::Damaged { what: "an audit entry" })?;
        query(ENTER).bind(id.as_str()).bind(body).execute(tx.connection()).await?;
        tx.is_change |= crate::revision::is_change(event.action);
        Ok(AuditId(id))
    }

    /// Numbered entries from number `from` on, at most `limit`.
    pub async fn audit_list(&self, from: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        const LIST: &str = "SELECT number, body FROM audit_entry WHERE number >= $1 ORDER BY number LIMIT $2";
        let rows =
            query(LIST).bind(signed(from)).bind(i64::from(limit)).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| Ok(AuditEntry { number: count(row.try_get(0)?)?, body: row.try_get(1)? }))
            .collect()
    }

    /// How many entries have their number.
    pub async fn audit_size(&self) -> Result<u64, StoreError> {
        const SIZE: &str = "SELECT COALESCE(MAX(number) + 1, 0) FROM audit_entry";
        count(query(SIZE).fetch_one(&self.inner.reader).await?.try_get(0)?)
    }

    /// How many entries wait for their number.
    pub async fn audit_waiting(&self) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM audit_entry WHERE number IS NULL";
        count(query(COUNT).fetch_one(&self.inner.reader).await?.try_get(0)?)
    }
}
