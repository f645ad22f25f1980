use model::{Outcome, RunId};
use serde_json::json;

use super::entry::entry;
use super::{Effect, EndedWrite, LedgerEnd, LedgerEntry, LedgerId};
use crate::sql::query;
use crate::store::Tx;
use crate::task::fenced;
use crate::words::outcome_text;
use crate::{Actor, AuditEvent, Store, StoreError, TaskLease};

/// What settled an unknown write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedBy {
    /// The target was read.
    Read,
    /// The file says that sending it twice is harmless.
    Repeat,
    /// A person decided.
    Person(Actor),
}

/// How an unknown write was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It took effect.
    Applied(Outcome, ResolvedBy),
    /// It did not; it may be tried again.
    NotApplied(ResolvedBy),
    /// Nobody can know, and it may be sent again without harm.
    Repeat,
}

impl Store {
    /// Finds writes of a run that have an intent and no outcome while nobody holds their task any
    /// more, marks them unknown, and lists all that are unknown.
    pub async fn ledger_unknown(&self, run: &RunId) -> Result<Vec<LedgerEntry>, StoreError> {
        const OPEN: &str =
            "SELECT id FROM ledger WHERE run_id = $1 AND state IN ('intent', 'unknown') LIMIT 1";
        const MARK: &str = "UPDATE ledger SET state = 'unknown', outcome = 'unknown' WHERE run_id = $1 AND state = 'intent' AND NOT EXISTS (SELECT 1 FROM task WHERE task.id = ledger.task_id AND task.fence = ledger.fence AND task.state = 'leased' AND task.lease_until > $2)";
        const LIST: &str = "SELECT id, run_id, plan_digest, operation, attempt, state, task_id, effect, outcome, detail, resolution, intent_at, outcome_at, fence FROM ledger WHERE run_id = $1 AND state = 'unknown' ORDER BY plan_digest, operation, attempt";
        // Most runs have none, and need not keep the writers waiting.
        if query(OPEN).bind(run.as_str()).fetch_optional(&self.inner.reader).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.begin().await?;
        let now = self.lease_now(tx.connection()).await?;
        query(MARK).bind(run.as_str()).bind(now).execute(tx.connection()).await?;
        let rows = query(LIST).bind(run.as_str()).fetch_all(tx.connection()).await?;
        tx.commit().await?;
        rows.iter().map(entry).collect()
    }

    /// Marks a write as unknown that was sent under `lease` and whose answer nobody waits for any more.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task, or sent it. [`StoreError::Conflict`] if its
    /// end is known.
    pub async fn ledger_give_up(&self, lease: &TaskLease, id: &LedgerId) -> Result<(), StoreError> {
        const OWN: &str = "SELECT id FROM ledger WHERE id = $1 AND task_id = $2 AND fence = $3";
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        let own = query(OWN)
            .bind(id.as_str())
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .fetch_optional(tx.connection())
            .await?;
        if own.is_none() {
            return Err(fenced(lease));
        }
        let detail = Some("interrupted".to_owned());
        let ended = EndedWrite { id: id.clone(), end: LedgerEnd::Unknown, detail, job: None };
        self.apply_end(&mut tx, &ended).await?;
        tx.commit().await
    }

    /// Settles an unknown write, once, by a person's word.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not unknown (any more).
    pub async fn ledger_resolve(&self, id: &LedgerId, resolution: &Resolution) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.resolve_in(&mut tx, id, resolution).await?;
        tx.commit().await
    }

    /// The same by whoever holds the task.
    ///
    /// # Errors
    /// As above, and [`StoreError::Fenced`] if somebody else has the task.
    pub async fn ledger_found_out(
        &self,
        lease: &TaskLease,
        id: &LedgerId,
        resolution: &Resolution,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        self.resolve_in(&mut tx, id, resolution).await?;
        tx.commit().await
    }

    async fn resolve_in(
        &self,
        tx: &mut Tx,
        id: &LedgerId,
        resolution: &Resolution,
    ) -> Result<(), StoreError> {
        const RESOLVE: &str = "UPDATE ledger SET state = 'resolved', effect = $2, outcome = $3, resolution = $4, resolved_by = $5, outcome_at = $6 WHERE id = $1 AND state = 'unknown'";
        const FIND: &str = "SELECT state FROM ledger WHERE id = $1";
        let (effect, outcome, by) = match resolution {
            Resolution::Applied(outcome, by) => (Some(Effect::Applied), *outcome, by),
            Resolution::NotApplied(by) => (Some(Effect::NotApplied), Outcome::Failed, by),
            Resolution::Repeat => (None, Outcome::Unknown, &ResolvedBy::Repeat),
        };
        let (how, who) = match by {
            ResolvedBy::Read => ("read", Actor::system()),
            ResolvedBy::Repeat => ("repeat", Actor::system()),
            ResolvedBy::Person(person) => ("person", person.clone()),
        };
        let resolved = query(RESOLVE)
            .bind(id.as_str())
            .bind(effect.map(Effect::as_str))
            .bind(outcome_text(outcome))
            .bind(how)
            .bind(who.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if resolved.rows_affected() == 0 {
            let row = query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await?;
            let row = row.ok_or_else(|| StoreError::NotFound { what: "ledger entry", id: id.to_string() })?;
            let needs = "only what is unknown can be settled";
            return Err(StoreError::Conflict {
                what: "ledger entry",
                id: id.to_string(),
                state: row.try_get(0)?,
                needs,
            });
        }
        let details =
            json!({"by": how, "effect": effect.map(Effect::as_str), "outcome": outcome_text(outcome)});
        let event = AuditEvent::new(who, "write.resolved", id.as_str()).with(details);
        self.audit_enter_in(tx, &event).await.map(|_| ())
    }
}
