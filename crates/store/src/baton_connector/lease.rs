use std::time::Duration;

use serde_json::json;

use super::schedule::SyncEnd;
use super::task::{BatonTask, BatonTaskState, LeasedBatonTask, columns, place, task};
use super::{BatonConnectorId, BatonTaskId};
use crate::sql::query;
use crate::store::{Tx, signed};
use crate::task::microseconds;
use crate::{Actor, AuditEvent, Store, StoreError};

/// Why a task failed that nobody brings to its end.
const SILENT: &str = "each process that had the task fell silent; look at the connector's own log";
/// What is said of a task that is not handed out again when nobody knows what came of it.
const UNHEARD: &str = "the process that had the task fell silent and may have done it; look in the \
                       application before you ask for it again";

/// Whether a task was handed out, is handed out once, and is not among those that whoever asks has already.
macro_rules! spent {
    ($once:literal, $known:literal) => {
        concat!(
            "(attempts > 0 AND ",
            $once,
            " LIKE '%,' || kind || ',%' AND REPLACE(",
            $known,
            ", ',' || id || ',', '') = ",
            $known,
            ")"
        )
    };
}

/// Who asks for a task, and what they can do.
#[derive(Debug, Clone, Copy)]
pub struct BatonAsk<'a> {
    /// The connector.
    pub connector: &'a BatonConnectorId,
    /// Which process of it.
    pub host: &'a str,
    /// Kinds that it knows: nothing else is handed to it (baton P-17).
    pub kinds: &'a [&'a str],
    /// Kinds that are handed out once: somebody who was silent may have done it (architecture law 3).
    pub once: &'a [&'a str],
    /// Tasks that it has, by its own account: those it may be given again, whatever their kind.
    pub known: &'a [BatonTaskId],
    /// Whether it would begin at once: what is handed out once is not kept in a line, where nobody hears whether it is
    /// still somebody's by the time it begins.
    pub is_idle: bool,
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
    /// (baton P-22, governance CON-3). A connector that is paused, or whose connection is switched off, gets none, and
    /// one whose connection is for reading only gets no changes.
    ///
    /// Beside it the tasks that are handed out once and have just failed, as nobody knows what came of them: whoever
    /// asks, and for whatever kinds, ends them, and they stay in the name of the process that had them.
    pub async fn baton_task_claim(
        &self,
        ask: BatonAsk<'_>,
    ) -> Result<(Option<LeasedBatonTask>, Vec<BatonTask>), StoreError> {
        // Whether the row is free is asked twice, each time in full: of two who chose the same, the second
        // finds it taken, and one that ended or was taken back meanwhile is not handed out once more. What is
        // handed out once was ended before; should it come back in between, it waits for the next who asks.
        const CLAIM: &str = concat!(
            "UPDATE baton_task SET state = 'leased', holder = $2, lease_until = $4, attempts = attempts + 1, ",
            "started_at = COALESCE(started_at, $3) WHERE id = (SELECT t.id FROM baton_task t ",
            "JOIN baton_connector c ON c.id = t.connector_id WHERE t.connector_id = $1 AND c.paused_at IS NULL ",
            // Nobody reads through a connection that is switched off, or changes anything through one that is for reading.
            "AND c.connection NOT IN (SELECT key FROM connection WHERE disabled = 1 OR (access = 'read' AND t.kind <> 'sync_full')) ",
            "AND ((t.state = 'queued' AND t.due_at <= $3) OR (t.state = 'leased' AND t.lease_until <= $3)) ",
            "AND $5 LIKE '%,' || t.kind || ',%' AND (t.attempts > 0 OR $8 = 1 OR $6 NOT LIKE '%,' || t.kind || ',%') ORDER BY t.due_at, t.id LIMIT 1) ",
            "AND cancel_at IS NULL AND ((state = 'queued' AND due_at <= $3) OR (state = 'leased' AND lease_until <= $3)) AND NOT ",
            spent!("$6", "$7"),
            " RETURNING ",
            columns!(),
            ", sealed"
        );
        let mut tx = self.begin().await?;
        let now = self.lease_now(tx.connection()).await?;
        let once = listed(ask.once.iter().copied());
        let known = listed(ask.known.iter().map(BatonTaskId::as_str));
        let unheard = self.baton_give_up(&mut tx, (ask, now), (&once, &known)).await?;
        let row = query(CLAIM)
            .bind(ask.connector.as_str())
            .bind(ask.host)
            .bind(now)
            .bind(now.saturating_add(microseconds(ask.lease)))
            .bind(listed(ask.kinds.iter().copied()))
            .bind(once)
            .bind(known)
            .bind(i64::from(ask.is_idle))
            .fetch_optional(tx.connection())
            .await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok((None, unheard)) };
        let task = task(&row)?;
        let payload = self
            .inner
            .keys
            .open(&place(task.id.as_str(), "payload"), &row.try_get::<Vec<u8>>(12)?)
            .map_err(|source| StoreError::Sealed { what: "a connector's task", source })?;
        Ok((Some(LeasedBatonTask { task, payload }), unheard))
    }

    /// Ends what lost its holder and is not handed out again. Gives of it what may have been done all the same.
    async fn baton_give_up(
        &self,
        tx: &mut Tx,
        (ask, now): (BatonAsk<'_>, i64),
        (once, known): (&str, &str),
    ) -> Result<Vec<BatonTask>, StoreError> {
        const CANCELLED: &str = concat!(
            "UPDATE baton_task SET state = 'cancelled', ended_at = $2 WHERE connector_id = $1 AND state = 'leased' ",
            "AND lease_until <= $2 AND cancel_at IS NOT NULL RETURNING ",
            columns!()
        );
        const FAILED: &str = concat!(
            "UPDATE baton_task SET state = 'failed', code = 4, error = $4, ended_at = $2 WHERE connector_id = $1 ",
            "AND state = 'leased' AND lease_until <= $2 AND attempts >= $3 RETURNING ",
            columns!()
        );
        const SPENT: &str = concat!(
            "UPDATE baton_task SET state = 'failed', code = 4, error = $3, ended_at = $2 WHERE connector_id = $1 ",
            "AND ((state = 'queued' AND due_at <= $2) OR (state = 'leased' AND lease_until <= $2)) AND ",
            spent!("$4", "$5"),
            " RETURNING ",
            columns!()
        );
        let connector = ask.connector.as_str();
        let mut ended = query(CANCELLED).bind(connector).bind(now).fetch_all(tx.connection()).await?;
        let failed = query(FAILED)
            .bind(connector)
            .bind(now)
            .bind(signed(ask.most_attempts))
            .bind(SILENT)
            .fetch_all(tx.connection())
            .await?;
        ended.extend(failed);
        let spent = query(SPENT)
            .bind(connector)
            .bind(now)
            .bind(UNHEARD)
            .bind(once)
            .bind(known)
            .fetch_all(tx.connection())
            .await?;
        let ended = ended.iter().map(task).collect::<Result<Vec<_>, _>>()?;
        let unheard = spent.iter().map(task).collect::<Result<Vec<_>, _>>()?;
        for task in ended.iter().chain(&unheard) {
            let (kind, state) = (task.kind.as_str(), task.state.as_str());
            let details = json!({"connector": connector, "kind": kind, "state": state, "code": task.code, "attempts": task.attempts});
            let event = AuditEvent::new(Actor::system(), "baton_task.finished", task.id.as_str());
            self.audit_enter_in(tx, &event.with(details)).await?;
            if kind == "sync_full" && task.state == BatonTaskState::Failed {
                let error = task.error.as_deref().unwrap_or_default();
                self.baton_sync_end_in(tx, ask.connector, SyncEnd::Failed(error)).await?;
            }
        }
        Ok(unheard)
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

/// `,one,two,`: a list as a statement looks for a text in it.
fn listed<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut list = ",".to_owned();
    for text in texts {
        list.push_str(text);
        list.push(',');
    }
    list
}
