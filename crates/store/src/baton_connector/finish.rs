use jiff::Timestamp;
use serde_json::json;

use super::schedule::SyncEnd;
use super::task::{BatonTask, columns, place, task};
use super::{BatonConnectorId, BatonTaskId};
use crate::sql::query;
use crate::{Actor, AuditEvent, Store, StoreError};

/// What the holder of a task says about its end.
#[derive(Debug, Clone, Copy)]
pub struct FinishedBatonTask<'a> {
    /// The task.
    pub id: &'a BatonTaskId,
    /// The connector that says so.
    pub connector: &'a BatonConnectorId,
    /// Which process of it.
    pub host: &'a str,
    /// How it ended.
    pub end: BatonTaskEnd<'a>,
}

/// How a task ended.
#[derive(Debug, Clone, Copy)]
pub enum BatonTaskEnd<'a> {
    /// It is done; the connector answered this, which is sealed.
    Done(&'a [u8]),
    /// It is not done.
    Failed {
        /// The status.
        code: i64,
        /// Why.
        error: &'a str,
    },
    /// It is not done, and is tried again from this time on.
    Again {
        /// The status.
        code: i64,
        /// Why.
        error: &'a str,
        /// When.
        due_at: Timestamp,
    },
}

/// What came of a report that a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatonTaskEnded {
    /// It is noted.
    Noted,
    /// The task had ended before; nothing changed.
    Already,
    /// The task is in other hands by now, or waits for some; nothing changed.
    Lost,
    /// The connector has no such task.
    Unknown,
}

impl Store {
    /// Notes how a task ended, if its holder says so.
    pub async fn baton_task_finish(
        &self,
        finished: FinishedBatonTask<'_>,
    ) -> Result<BatonTaskEnded, StoreError> {
        const FINISH: &str = "UPDATE baton_task SET state = CASE WHEN cancel_at IS NOT NULL AND $4 <> 'done' THEN 'cancelled' ELSE $4 END, code = $5, error = $6, result = $7, due_at = COALESCE($8, due_at), ended_at = CASE WHEN $4 = 'queued' AND cancel_at IS NULL THEN NULL ELSE $9 END WHERE id = $1 AND connector_id = $2 AND holder = $3 AND state = 'leased' RETURNING state, kind, attempts";
        const STATE: &str = "SELECT state FROM baton_task WHERE id = $1 AND connector_id = $2";
        let FinishedBatonTask { id, connector, host, end } = finished;
        let (state, code, error, result, due_at) = match end {
            BatonTaskEnd::Done(result) => {
                let sealed = self.inner.keys.seal(&place(id.as_str(), "result"), result);
                ("done", 0, None, Some(sealed), None)
            }
            BatonTaskEnd::Failed { code, error } => ("failed", code, Some(error), None, None),
            BatonTaskEnd::Again { code, error, due_at } => {
                ("queued", code, Some(error), None, Some(due_at.as_microsecond()))
            }
        };
        let mut tx = self.begin().await?;
        let row = query(FINISH)
            .bind(id.as_str())
            .bind(connector.as_str())
            .bind(host)
            .bind(state)
            .bind(code)
            .bind(error)
            .bind(result)
            .bind(due_at)
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        if let Some(row) = row {
            let (state, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let attempts: i64 = row.try_get(2)?;
            let details = json!({"connector": connector.as_str(), "kind": kind, "state": state, "code": code, "attempts": attempts});
            let event =
                AuditEvent::new(Actor::client(connector.as_str()), "baton_task.finished", id.as_str());
            self.audit_enter_in(&mut tx, &event.with(details)).await?;
            let end = match state.as_str() {
                "done" => Some(SyncEnd::Done(id)),
                "failed" => Some(SyncEnd::Failed(error.unwrap_or_default())),
                _ => None,
            };
            if let Some(end) = end.filter(|_| kind == "sync_full") {
                self.baton_sync_end_in(&mut tx, connector, end).await?;
            }
            tx.commit().await?;
            return Ok(BatonTaskEnded::Noted);
        }
        let row = query(STATE).bind(id.as_str()).bind(connector.as_str());
        let Some(row) = row.fetch_optional(tx.connection()).await? else {
            return Ok(BatonTaskEnded::Unknown);
        };
        let state: String = row.try_get(0)?;
        Ok(match state.as_str() {
            "queued" | "leased" => BatonTaskEnded::Lost,
            _ => BatonTaskEnded::Already,
        })
    }

    /// Takes a task back: one that waits is over at once, one that is held is told so with its next sign
    /// of life. `None` if there is no such task; one that is over stays as it is.
    pub async fn baton_task_cancel(
        &self,
        id: &BatonTaskId,
        actor: Actor,
    ) -> Result<Option<BatonTask>, StoreError> {
        const CANCEL: &str = "UPDATE baton_task SET cancel_at = $2, ended_at = CASE WHEN state = 'queued' THEN $2 ELSE ended_at END, state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END WHERE id = $1 AND state IN ('queued', 'leased') AND cancel_at IS NULL";
        const FIND: &str = concat!("SELECT ", columns!(), " FROM baton_task WHERE id = $1");
        let mut tx = self.begin().await?;
        let changed = query(CANCEL).bind(id.as_str()).bind(self.now()).execute(tx.connection()).await?;
        if changed.rows_affected() > 0 {
            self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "baton_task.cancelled", id.as_str()))
                .await?;
        }
        let row = query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await?;
        tx.commit().await?;
        row.as_ref().map(task).transpose()
    }
}
