use std::time::Duration;

use jiff::Timestamp;
use model::{ConnectionKey, RunId};
use serde_json::json;

use super::claim::{SyncLease, fenced};
use super::{PauseCategory, tell};
use crate::sql::query;
use crate::store::{Tx, count, time_or_none};
use crate::{Actor, AuditEvent, MessageKind, Store, StoreError};

/// After how many failures in a row owners are told (governance CON-20).
const TOLD_AFTER: u64 = 3;

/// How soon a sync that failed is tried again; twice as long after each further failure.
const RETRY: Duration = Duration::from_hours(1);
/// The longest wait after a failure.
const LONGEST_RETRY: Duration = Duration::from_hours(24);

/// How long after the last of so many failures in a row a sync is tried again, unless its time comes sooner.
pub fn sync_retry(failures: u64) -> Duration {
    let doubled = u32::try_from(failures.saturating_sub(1).min(5)).unwrap_or(0);
    RETRY.saturating_mul(2_u32.saturating_pow(doubled)).min(LONGEST_RETRY)
}

/// How a sync ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncResult {
    /// What it found is the inventory now, as far as it is complete.
    Taken,
    /// It lost so much that a person has to look at it first; the reason in a sentence.
    Held(String),
    /// It gave nothing; the reason in a sentence, without values.
    Failed(String),
}

/// What is noted of a sync that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncSettled {
    /// Its run, if it came so far.
    pub run: Option<RunId>,
    /// How it ended.
    pub result: SyncResult,
    /// When the next one is due, unless somebody planned or asked for one while this one ran.
    pub next_at: Timestamp,
}

impl Store {
    /// Notes how a sync ended and gives the connection out of hand, in one change with the messages to its
    /// owners: the third failure in a row after a success is told once, and a sync that is held stops the others.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has them.
    pub async fn connection_sync_settle(
        &self,
        lease: &SyncLease,
        settled: &SyncSettled,
    ) -> Result<(), StoreError> {
        // One that was asked for meanwhile follows at once, and one that was planned meanwhile, by another schedule than
        // that of this sync, comes when it was planned.
        const SETTLE: &str = "UPDATE connection_sync SET lease_from = NULL, lease_until = NULL, attempts = 0, ended_at = $3, last_run = COALESCE($4, last_run), last_error = $5, last_success_at = CASE WHEN $6 = 1 THEN $3 ELSE last_success_at END, failures = CASE WHEN $6 = 1 THEN 0 WHEN $5 IS NULL THEN failures ELSE failures + 1 END, next_at = CASE WHEN asked_at IS NOT NULL THEN asked_at WHEN next_at > started_at THEN next_at ELSE $7 END WHERE connection = $1 AND fence = $2 AND lease_until IS NOT NULL RETURNING failures, last_success_at";
        let (error, is_taken) = match &settled.result {
            SyncResult::Taken => (None, true),
            SyncResult::Held(_) => (None, false),
            SyncResult::Failed(error) => (Some(error.as_str()), false),
        };
        let mut tx = self.begin().await?;
        let row = query(SETTLE)
            .bind(lease.connection.as_str())
            .bind(lease.fence)
            .bind(self.now())
            .bind(settled.run.as_ref().map(RunId::as_str))
            .bind(error)
            .bind(i64::from(is_taken))
            .bind(settled.next_at.as_microsecond())
            .fetch_optional(tx.connection())
            .await?;
        let row = row.ok_or_else(|| fenced(lease))?;
        let (failures, success) = (count(row.try_get(0)?)?, time_or_none(row.try_get(1)?)?);
        match &settled.result {
            SyncResult::Failed(error) => {
                self.sync_failing_tell(&mut tx, &lease.connection, (failures, success, error)).await?;
            }
            SyncResult::Taken => {}
            SyncResult::Held(reason) => {
                let category = PauseCategory::Anomaly;
                if self.sync_pause_in(&mut tx, &lease.connection, (reason, category)).await? {
                    let event =
                        AuditEvent::new(Actor::system(), "access_sync.paused", lease.connection.as_str());
                    let event = event.with(json!({"category": category.as_str()}));
                    self.audit_enter_in(&mut tx, &event).await?;
                }
                let run = settled.run.as_ref().map_or("", RunId::as_str);
                let once = format!("sync_held|{}|{run}", lease.connection);
                let about = tell::About { kind: MessageKind::SyncHeld, connection: &lease.connection };
                self.owners_tell(&mut tx, about, (&[("reason", json!(reason))], &once)).await?;
            }
        }
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// Tells the owners of a connection when its syncs fail: at the third failure in a row after a success, once
    /// (governance CON-20).
    pub(crate) async fn sync_failing_tell(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
        (failures, success, error): (u64, Option<Timestamp>, &str),
    ) -> Result<(), StoreError> {
        let Some(success) = success.filter(|_| failures == TOLD_AFTER) else { return Ok(()) };
        let once = format!("sync_failing|{connection}|{}", success.as_microsecond());
        let about = tell::About { kind: MessageKind::SyncFailing, connection };
        let values = [("reason", json!(error)), ("failures", json!(failures))];
        self.owners_tell(tx, about, (&values, &once)).await
    }
}
