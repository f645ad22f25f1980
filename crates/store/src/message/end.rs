//! What becomes of a message that a sender took.

use jiff::Timestamp;

use super::{ClaimedMessage, MessageId, MessageKind, MessageTo, NewMessage};
use crate::sql::query;
use crate::store::{Tx, count};
use crate::{Store, StoreError};

impl Store {
    /// The message left; what it said is destroyed.
    pub async fn message_sent(&self, message: &ClaimedMessage) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.message_end(&mut tx, message, ("sent", None)).await?;
        tx.commit().await
    }

    /// The message will not leave, for the reason `failure`, a fixed word; what it said is destroyed.
    pub async fn message_give_up(&self, message: &ClaimedMessage, failure: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.message_end(&mut tx, message, ("failed", Some(failure))).await?;
        tx.commit().await
    }

    /// The message did not leave this time, for the reason `failure`, a fixed word; it is due again
    /// at `at`.
    pub async fn message_retry(
        &self,
        message: &ClaimedMessage,
        at: Timestamp,
        failure: &str,
    ) -> Result<(), StoreError> {
        const RETRY: &str = "UPDATE message SET state = 'waiting', due_at = $3, failure = $4, worker = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'sending'";
        let mut tx = self.begin().await?;
        let changed = query(RETRY)
            .bind(message.id.as_str())
            .bind(message.fence)
            .bind(at.as_microsecond())
            .bind(failure)
            .execute(tx.connection())
            .await?;
        if changed.rows_affected() == 0 {
            return Err(fenced(&message.id));
        }
        tx.commit().await
    }

    /// The message becomes one for each of `ways`. If it tells of a failure, and it is the one after
    /// which certain people are told ([`Store::failure_notice_put`]), there is one for each of these too.
    /// Without any way a message to a person is given up; of those to the staff that is no failure.
    ///
    /// Returns how many messages there are now in its place.
    pub async fn message_route(
        &self,
        message: &ClaimedMessage,
        ways: &[MessageTo],
    ) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let mut made = Vec::new();
        for (position, to) in ways.iter().enumerate() {
            made.push(next(message, to.clone(), &position.to_string()));
        }
        if message.kind == MessageKind::Failed
            && message.to == MessageTo::Staff
            && let Some((addresses, failures)) = self.failure_notice_count(&mut tx).await?
        {
            for (position, address) in addresses.into_iter().enumerate() {
                let to = MessageTo::Mailbox(address);
                made.push(next(message, to, &format!("notice{position}")).with("failures", failures));
            }
        }
        for new in &made {
            self.message_put_in(&mut tx, new).await?;
        }
        let end = match (&message.to, made.is_empty()) {
            // Nobody has to listen.
            (_, false) | (MessageTo::Staff, true) => ("sent", None),
            (
                MessageTo::Person(_)
                | MessageTo::Mailbox(_)
                | MessageTo::Telephone(_)
                | MessageTo::Webhook { .. },
                true,
            ) => ("failed", Some("no_channel")),
        };
        self.message_end(&mut tx, message, end).await?;
        tx.commit().await?;
        self.wake();
        Ok(made.len())
    }

    /// Removes messages that were over before `before`, and gives up those that are of no use any more.
    /// Says how many were removed.
    pub async fn message_sweep(&self, before: Timestamp) -> Result<u64, StoreError> {
        const LATE: &str = "UPDATE message SET state = 'failed', sealed = NULL, failure = 'expired', ended_at = $1 WHERE state = 'waiting' AND expires_at <= $1";
        const SWEEP: &str = "DELETE FROM message WHERE ended_at < $1";
        let mut tx = self.begin().await?;
        query(LATE).bind(self.now()).execute(tx.connection()).await?;
        let swept = query(SWEEP).bind(before.as_microsecond()).execute(tx.connection()).await?;
        tx.commit().await?;
        Ok(swept.rows_affected())
    }

    async fn message_end(
        &self,
        tx: &mut Tx,
        message: &ClaimedMessage,
        (state, failure): (&str, Option<&str>),
    ) -> Result<(), StoreError> {
        const END: &str = "UPDATE message SET state = $3, sealed = NULL, failure = $4, ended_at = $5, worker = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'sending'";
        let changed = query(END)
            .bind(message.id.as_str())
            .bind(message.fence)
            .bind(state)
            .bind(failure)
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if changed.rows_affected() == 0 { Err(fenced(&message.id)) } else { Ok(()) }
    }

    /// Counts one more failure; if it is the one after which people are told, who they are and how many
    /// failures there were, and counting begins anew.
    async fn failure_notice_count(&self, tx: &mut Tx) -> Result<Option<(Vec<String>, u64)>, StoreError> {
        const COUNT: &str = "UPDATE failure_notice SET failures = failures + 1 WHERE id = 1 RETURNING failures, after, sealed";
        const RESET: &str = "UPDATE failure_notice SET failures = 0 WHERE id = 1";
        let Some(row) = query(COUNT).fetch_optional(tx.connection()).await? else { return Ok(None) };
        let (failures, after) = (count(row.try_get(0)?)?, count(row.try_get(1)?)?);
        if failures < after {
            return Ok(None);
        }
        query(RESET).execute(tx.connection()).await?;
        let sealed: Vec<u8> = row.try_get(2)?;
        Ok(Some((self.failure_notice_addresses(&sealed)?, failures)))
    }
}

/// The same message on one of its ways.
fn next(message: &ClaimedMessage, to: MessageTo, way: &str) -> NewMessage {
    NewMessage {
        kind: message.kind,
        to,
        values: message.values.clone(),
        about: message.about.clone(),
        once: Some(format!("{}|{way}", message.id)),
        due_at: None,
        expires_at: message.expires_at,
    }
}

fn fenced(id: &MessageId) -> StoreError {
    StoreError::Fenced { what: format!("message {id}") }
}
