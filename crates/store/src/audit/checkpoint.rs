use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::merkle::Hash;
use crypto::{Envelope, EnvelopeError, PublicKey, SigningKey, canonical_json};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sql::query;
use crate::store::signed;
use crate::{Store, StoreError};

/// Media type of a signed checkpoint.
pub const CHECKPOINT_TYPE: &str = "application/vnd.tutela.checkpoint+json";
const FORMAT: &str = "tutela.checkpoint/1";

/// The state of the audit log at one moment: whoever keeps one notices later if an entry before it
/// was changed, removed or put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How many entries the log had.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// When it was made.
    pub made_at: Timestamp,
}

impl Checkpoint {
    pub(crate) fn sign(&self, key: &SigningKey) -> Envelope {
        let payload = json!({
            "format": FORMAT,
            "size": self.size,
            "root": STANDARD.encode(self.root),
            "made_at": self.made_at.to_string(),
        });
        Envelope::sign(CHECKPOINT_TYPE, &canonical_json(&payload), key)
    }

    /// Reads a checkpoint that one of `keys` signed; needs no database and no network.
    pub fn open(envelope: &[u8], keys: &[PublicKey]) -> Result<Self, EnvelopeError> {
        let payload = Envelope::parse(envelope)?.verify(CHECKPOINT_TYPE, keys)?;
        Self::read(&payload).ok_or(EnvelopeError::NotAnEnvelope)
    }

    /// How many entries the log had, as an envelope states it, whoever signed that; to sort and to compare
    /// lengths by, and nothing else.
    pub fn stated_size(envelope: &[u8]) -> Option<u64> {
        let envelope: Value = serde_json::from_slice(envelope).ok()?;
        let payload = STANDARD.decode(envelope.get("payload")?.as_str()?).ok()?;
        serde_json::from_slice::<Value>(&payload).ok()?.get("size")?.as_u64()
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let payload: Value = serde_json::from_slice(payload).ok()?;
        let text = |key: &str| payload.get(key)?.as_str();
        if text("format")? != FORMAT {
            return None;
        }
        Some(Self {
            size: payload.get("size")?.as_u64()?,
            root: STANDARD.decode(text("root")?).ok()?.try_into().ok()?,
            made_at: text("made_at")?.parse().ok()?,
        })
    }
}

impl Store {
    /// The newest signed checkpoint, as it is sent out of the installation.
    pub async fn checkpoint_find(&self) -> Result<Option<Vec<u8>>, StoreError> {
        const NEWEST: &str = "SELECT envelope FROM audit_checkpoint ORDER BY size DESC LIMIT 1";
        let row = query(NEWEST).fetch_optional(&self.inner.reader).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Signed checkpoints of more than `after` entries, smallest first, at most `limit`.
    pub async fn checkpoint_list(&self, after: u64, limit: u32) -> Result<Vec<Vec<u8>>, StoreError> {
        const LIST: &str = "SELECT envelope FROM audit_checkpoint WHERE size > $1 ORDER BY size LIMIT $2";
        let rows =
            query(LIST).bind(signed(after)).bind(i64::from(limit)).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
