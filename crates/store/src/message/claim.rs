//! Taking whichever message is due.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{MessageContent, MessageId, MessageKind, MessageTo};
use crate::sql::query;
use crate::store::{count, time, time_or_none};
use crate::task::microseconds;
use crate::{Store, StoreError};

/// A message that a sender took. `Debug` shows neither what it says nor to whom.
#[derive(Clone)]
pub struct ClaimedMessage {
    /// Its id.
    pub id: MessageId,
    /// Grows with every holder.
    pub(super) fence: i64,
    /// What it is about.
    pub kind: MessageKind,
    /// Whom it is for.
    pub to: MessageTo,
    /// What its text is made with.
    pub values: Map<String, Value>,
    /// Id or key of what it is about.
    pub about: Option<String>,
    /// How often it was taken, this time included. Over 1: it may have left already.
    pub attempt: u64,
    /// When it was put.
    pub created_at: Timestamp,
    /// Not to be sent any more after this.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for ClaimedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedMessage")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("about", &self.about)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Takes the next message that is due, for `lease` from now; one whose sender fell silent is due
    /// again when its lease ends. `None` if there is nothing to send.
    pub async fn message_claim(
        &self,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedMessage>, StoreError> {
        const ANY: &str =
            "SELECT 1 FROM message WHERE (state = 'waiting' AND due_at <= $1) OR state = 'sending' LIMIT 1";
        // Most looks find nothing, and need not keep the writers waiting.
        let any = query(ANY).bind(self.now()).fetch_optional(&self.inner.reader).await?;
        if any.is_none() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        let now = self.lease_now(tx.connection()).await?;
        let row = query(self.inner.dialect.message_claim())
            .bind(worker)
            .bind(now)
            .bind(now + microseconds(lease))
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let Some(row) = row else { return Ok(None) };
        tx.commit().await?;
        let id = MessageId(row.try_get(0)?);
        let kind: String = row.try_get(1)?;
        let sealed: Option<Vec<u8>> = row.try_get(3)?;
        let sealed = sealed.ok_or(StoreError::Damaged { what: "a message" })?;
        let MessageContent { to, values } = self.message_open(&id, &sealed)?;
        Ok(Some(ClaimedMessage {
            id,
            fence: row.try_get(4)?,
            kind: MessageKind::parse(&kind)?,
            to,
            values,
            about: row.try_get(2)?,
            attempt: count(row.try_get(5)?)?,
            created_at: time(row.try_get(6)?)?,
            expires_at: time_or_none(row.try_get(7)?)?,
        }))
    }
}
