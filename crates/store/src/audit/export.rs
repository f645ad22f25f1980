use serde_json::{Value, json};

use super::{AuditEntry, Checkpoint};
use crate::{Store, StoreError};

/// Entries and checkpoints read at once.
const BATCH: u32 = 1000;

/// The whole log as it is kept elsewhere, one JSON object a line: entries by number, then the signed
/// checkpoints. Memory holds a batch of it.
#[derive(Debug)]
pub struct AuditExport {
    store: Store,
    /// How many entries the newest checkpoint vouched for when the export began: what is signed meanwhile
    /// vouches for more of them than are exported.
    newest: u64,
    part: Part,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Entries { from: u64 },
    Checkpoints { after: u64 },
    End,
}

/// One line of an exported log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditLine {
    /// A numbered entry.
    Entry(AuditEntry),
    /// A signed checkpoint, exactly as it was signed.
    Checkpoint(String),
}

impl AuditExport {
    /// Begins with the first entry.
    pub async fn begin(store: Store) -> Result<Self, StoreError> {
        let newest = store.checkpoint_find().await?;
        let newest = newest.and_then(|newest| Checkpoint::stated_size(&newest)).unwrap_or(0);
        Ok(Self { store, newest, part: Part::Entries { from: 0 } })
    }

    /// The next lines, each with its end; `None` after the last.
    ///
    /// # Errors
    /// [`StoreError`], also for an entry that is no JSON; there is nothing after it.
    pub async fn lines(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        loop {
            let part = std::mem::replace(&mut self.part, Part::End);
            let text = match part {
                Part::End => return Ok(None),
                Part::Entries { from } => self.entries(from).await?,
                Part::Checkpoints { after } => self.checkpoints(after).await?,
            };
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
    }

    async fn entries(&mut self, from: u64) -> Result<Vec<u8>, StoreError> {
        let entries = self.store.audit_list(from, BATCH).await?;
        let mut text = Vec::new();
        for entry in &entries {
            // The body is canonical JSON, so that reading it back gives it to the byte.
            let body: Value = serde_json::from_str(&entry.body)
                .map_err(|_| StoreError::Damaged { what: "an entry of the audit log" })?;
            line(&mut text, &json!({ "number": entry.number, "entry": body }));
        }
        self.part = if entries.len() < BATCH as usize {
            Part::Checkpoints { after: 0 }
        } else {
            Part::Entries { from: from + u64::from(BATCH) }
        };
        Ok(text)
    }

    async fn checkpoints(&mut self, after: u64) -> Result<Vec<u8>, StoreError> {
        let found = self.store.checkpoint_list(after, BATCH).await?;
        let (mut text, mut last) = (Vec::new(), after);
        for envelope in &found {
            // Sizes grow; this reads them without trusting the signature.
            let size = Checkpoint::stated_size(envelope);
            if size.is_some_and(|size| size > self.newest) {
                return Ok(text);
            }
            line(&mut text, &json!({ "checkpoint": String::from_utf8_lossy(envelope) }));
            last = last.max(size.unwrap_or(u64::MAX));
        }
        if found.len() == BATCH as usize {
            self.part = Part::Checkpoints { after: last };
        }
        Ok(text)
    }
}

impl AuditLine {
    /// Reads a line of an exported log; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        if let Some(envelope) = value.get("checkpoint") {
            return Some(Self::Checkpoint(envelope.as_str()?.to_owned()));
        }
        let body = String::from_utf8(crypto::canonical_json(value.get("entry")?)).ok()?;
        Some(Self::Entry(AuditEntry { number: value.get("number")?.as_u64()?, body }))
    }

    /// How many entries a checkpoint states to vouch for, whoever signed it.
    pub fn stated_size(&self) -> Option<u64> {
        match self {
            Self::Entry(_) => None,
            Self::Checkpoint(envelope) => Checkpoint::stated_size(envelope.as_bytes()),
        }
    }
}

fn line(text: &mut Vec<u8>, value: &Value) {
    text.extend_from_slice(value.to_string().as_bytes());
    text.push(b'\n');
}
