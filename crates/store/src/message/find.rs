//! Looking at messages, without what they say.

use jiff::Timestamp;

use super::{MessageChannel, MessageId, MessageKind, MessageState};
use crate::sql::{Row, query};
use crate::store::{count, signed, time, time_or_none};
use crate::{Listed, Store, StoreError, Window};

/// Which messages are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageFilter<'a> {
    /// Those about this id or key.
    pub about: Option<&'a str>,
    /// Those of this kind.
    pub kind: Option<MessageKind>,
    /// Those that are this far.
    pub state: Option<MessageState>,
}

/// A message as it is kept, without what it says and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its id.
    pub id: MessageId,
    /// What it is about.
    pub kind: MessageKind,
    /// Which way it goes.
    pub channel: MessageChannel,
    /// Id or key of what it is about.
    pub about: Option<String>,
    /// How far it is.
    pub state: MessageState,
    /// How often it was tried.
    pub attempts: u64,
    /// Class of the last failure.
    pub failure: Option<String>,
    /// When it is due, or was.
    pub due_at: Timestamp,
    /// When it was put.
    pub created_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl Store {
    /// Messages, the newest first.
    pub async fn message_list(
        &self,
        filter: MessageFilter<'_>,
        window: Window,
    ) -> Result<Listed<StoredMessage>, StoreError> {
        const LIST: &str = "SELECT id, kind, channel, about, state, attempts, failure, due_at, created_at, ended_at FROM message WHERE (CAST($1 AS TEXT) IS NULL OR about = $1) AND (CAST($2 AS TEXT) IS NULL OR kind = $2) AND (CAST($3 AS TEXT) IS NULL OR state = $3) ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $4";
        const COUNT: &str = "SELECT COUNT(*) FROM message WHERE (CAST($1 AS TEXT) IS NULL OR about = $1) AND (CAST($2 AS TEXT) IS NULL OR kind = $2) AND (CAST($3 AS TEXT) IS NULL OR state = $3)";
        let (kind, state) = (filter.kind.map(MessageKind::as_str), filter.state.map(MessageState::as_str));
        let reader = &self.inner.reader;
        let rows = query(LIST)
            .bind(filter.about)
            .bind(kind)
            .bind(state)
            .bind(signed(window.offset))
            .bind(i64::from(window.limit))
            .fetch_all(reader)
            .await?;
        let total = query(COUNT).bind(filter.about).bind(kind).bind(state).fetch_one(reader).await?;
        let items = rows.iter().map(stored).collect::<Result<_, _>>()?;
        Ok(Listed { items, total: count(total.try_get(0)?)? })
    }
}

fn stored(row: &Row) -> Result<StoredMessage, StoreError> {
    let (kind, channel, state): (String, String, String) =
        (row.try_get(1)?, row.try_get(2)?, row.try_get(4)?);
    Ok(StoredMessage {
        id: MessageId(row.try_get(0)?),
        kind: MessageKind::parse(&kind)?,
        channel: MessageChannel::parse(&channel)?,
        about: row.try_get(3)?,
        state: MessageState::parse(&state)?,
        attempts: count(row.try_get(5)?)?,
        failure: row.try_get(6)?,
        due_at: time(row.try_get(7)?)?,
        created_at: time(row.try_get(8)?)?,
        ended_at: time_or_none(row.try_get(9)?)?,
    })
}
