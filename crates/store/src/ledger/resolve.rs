use model::{Outcome, RunId};
use serde_json::json;
use sqlx::Row as _;

use super::entry::entry;
use super::{Effect, LedgerEntry, LedgerId};
use crate::words::outcome_text;
use crate::{Actor, AuditEvent, Store, StoreError};

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
        const MARK: &str = "UPDATE ledger SET state = 'unknown', outcome = 'unknown' WHERE run_id = $1 AND state = 'intent' AND NOT EXISTS (SELECT 1 FROM task WHERE task.id = ledger.task_id AND task.fence = ledger.fence AND task.state = 'leased' AND task.lease_until > $2)";
        const LIST: &str = "SELECT id, run_id, plan_digest, operation, attempt, state, task_id, effect, outcome, detail, resolution, intent_at, outcome_at FROM ledger WHERE run_id = $1 AND state = 'unknown' ORDER BY plan_digest, operation, attempt";
        let mut tx = self.begin().await?;
        sqlx::query(MARK).bind(run.as_str()).bind(self.now()).execute(tx.connection()).await?;
        let rows = sqlx::query(LIST).bind(run.as_str()).fetch_all(tx.connection()).await?;
        tx.commit().await?;
        rows.iter().map(entry).collect()
    }

    /// Settles an unknown write, once.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not unknown (any more).
    pub async fn ledger_resolve(&self, id: &LedgerId, resolution: &Resolution) -> Result<(), StoreError> {
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
        let mut tx = self.begin().await?;
        let resolved = sqlx::query(RESOLVE)
            .bind(id.as_str())
            .bind(effect.map(Effect::as_str))
            .bind(outcome_text(outcome))
            .bind(how)
            .bind(who.as_str())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if resolved.rows_affected() == 0 {
            let row = sqlx::query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await?;
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
        self.audit_enter_in(&mut tx, &AuditEvent::new(who, "write.resolved", id.as_str()).with(details))
            .await?;
        tx.commit().await
    }
}
