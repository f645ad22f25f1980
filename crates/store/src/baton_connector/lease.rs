use std::time::Duration;

use super::task::{LeasedBatonTask, columns, place, task};
use super::{BatonConnectorId, BatonTaskId};
use crate::sql::query;
use crate::store::{Tx, signed};
use crate::task::microseconds;
use crate::{Store, StoreError};

/// Who asks for a task, and what they can do.
#[derive(Debug, Clone, Copy)]
pub struct BatonAsk<'a> {
    /// The connector.
    pub connector: &'a BatonConnectorId,
    /// Which process of it.
    pub host: &'a str,
    /// Kinds that it knows: nothing else is handed to it (baton P-17).
    pub kinds: &'a [&'a str],
    /// How long it may be silent.
    pub lease: Duration,
    /// How often one task is handed out.
    pub most_attempts: u64,
}

/// What a sign of life brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatonHeartbeat {
    /// Go on.
    Held,
    /// Somebody took the task back.
    Cancelled,
    /// The task is somebody else's, or over.
    Lost,
}

impl Store {
    /// Hands the next task to a process: one that waits, or one whose holder has been silent for too long
    /// (baton P-22, governance CON-3). A connector that is paused gets none.
    pub async fn baton_task_claim(&self, ask: BatonAsk<'_>) -> Result<Option<LeasedBatonTask>, StoreError> {
        // Whether the row is free is asked twice: of two who chose the same, the second finds it taken.
        const CLAIM: &str = concat!(
            "UPDATE baton_task SET state = 'leased', holder = $2, lease_until = $4, attempts = attempts + 1, ",
            "started_at = COALESCE(started_at, $3) WHERE id = (SELECT t.id FROM baton_task t ",
            "JOIN baton_connector c ON c.id = t.connector_id WHERE t.connector_id = $1 AND c.paused_at IS NULL ",
            "AND ((t.state = 'queued' AND t.due_at <= $3) OR (t.state = 'leased' AND t.lease_until <= $3)) ",
            "AND $5 LIKE '%,' || t.kind || ',%' ORDER BY t.due_at, t.id LIMIT 1) ",
            "AND (state = 'queued' OR lease_until <= $3) RETURNING ",
            columns!(),
            ", sealed"
        );
        let mut tx = self.begin().await?;
        let now = self.lease_now(tx.connection()).await?;
        self.baton_give_up(&mut tx, (ask, now)).await?;
        let kinds = format!(",{},", ask.kinds.join(","));
        let row = query(CLAIM)
            .bind(ask.connector.as_str())
            .bind(ask.host)
            .bind(now)
            .bind(now.saturating_add(microseconds(ask.lease)))
            .bind(kinds)
            .fetch_optional(tx.connection())
            .await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let task = task(&row)?;
        let payload = self
            .inner
            .keys
            .open(&place(task.id.as_str(), "payload"), &row.try_get::<Vec<u8>>(12)?)
            .map_err(|source| StoreError::Sealed { what: "a connector's task", source })?;
        Ok(Some(LeasedBatonTask { task, payload }))
    }

    /// Ends what lost its holder and is not handed out again.
    async fn baton_give_up(&self, tx: &mut Tx, (ask, now): (BatonAsk<'_>, i64)) -> Result<(), StoreError> {
        const CANCELLED: &str = "UPDATE baton_task SET state = 'cancelled', ended_at = $2 WHERE connector_id = $1 AND state = 'leased' AND lease_until <= $2 AND cancel_at IS NOT NULL";
        const FAILED: &str = "UPDATE baton_task SET state = 'failed', code = 4, error = $4, ended_at = $2 WHERE connector_id = $1 AND state = 'leased' AND lease_until <= $2 AND attempts >= $3";
        let connector = ask.connector.as_str();
        query(CANCELLED).bind(connector).bind(now).execute(tx.connection()).await?;
        query(FAILED)
            .bind(connector)
            .bind(now)
            .bind(signed(ask.most_attempts))
            .bind("each process that had the task fell silent; look at the connector's own log")
            .execute(tx.connection())
            .await?;
        Ok(())
    }

    /// Notes that the holder of a task lives.
    pub async fn baton_task_heartbeat(
        &self,
        ask: BatonAsk<'_>,
        id: &BatonTaskId,
    ) -> Result<BatonHeartbeat, StoreError> {
        const BEAT: &str = "UPDATE baton_task SET lease_until = $4 WHERE id = $1 AND connector_id = $2 AND holder = $3 AND state = 'leased' RETURNING cancel_at";
        let mut tx = self.begin_relaxed().await?;
        let now = self.lease_now(tx.connection()).await?;
        let row = query(BEAT)
            .bind(id.as_str())
            .bind(ask.connector.as_str())
            .bind(ask.host)
            .bind(now.saturating_add(microseconds(ask.lease)))
            .fetch_optional(tx.connection())
            .await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(BatonHeartbeat::Lost) };
        let is_cancelled = row.try_get::<Option<i64>>(0)?.is_some();
        Ok(if is_cancelled { BatonHeartbeat::Cancelled } else { BatonHeartbeat::Held })
    }
}
