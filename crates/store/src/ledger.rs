//! The write-ahead ledger: intent before a write, outcome after it (architecture law 3, §13.2).

mod attempt;
mod entry;
mod queue;
mod resolve;

use attempt::attempts;
pub use attempt::{EndedWrite, Intent, LedgerEnd, NewIntent};
pub use entry::LedgerEntry;
pub(crate) use queue::LedgerQueue;
pub use resolve::{Resolution, ResolvedBy};

use std::fmt;
use std::str::FromStr;

use model::Outcome;
use serde_json::json;

use crate::sql::query;
use crate::store::Tx;
use crate::words::{outcome_text, text_enum};
use crate::{Actor, AuditEvent, RunState, Store, StoreError};

text_enum! {
    /// How far one attempt at one operation is.
    LedgerState "the state of a ledger entry" {
        /// In an approved or unapproved plan; nothing was sent.
        Planned = "planned",
        /// About to be sent, or sent without an outcome yet.
        Intent = "intent",
        /// Its end is known.
        Outcome = "outcome",
        /// Nobody knows whether it took effect.
        Unknown = "unknown",
        /// What was unknown was found out or decided.
        Resolved = "resolved",
    }
}

text_enum! {
    /// Whether an attempt changed anything on the other side.
    Effect "the effect of a ledger entry" {
        /// It did, or the other side took it.
        Applied = "applied",
        /// It certainly did not; trying again sends nothing twice.
        NotApplied = "not_applied",
    }
}

/// Id of one ledger entry, `led_` + UUID v7.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LedgerId(String);

impl LedgerId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LedgerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LedgerId {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("led_") {
            return Ok(Self(text.to_owned()));
        }
        Err(StoreError::NotFound { what: "ledger entry", id: text.to_owned() })
    }
}

/// How often the ledger made others wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerCounts {
    /// Intents and outcomes.
    pub writes: u64,
    /// Durable commits that they shared.
    pub commits: u64,
}

/// One change of the ledger, waiting for its commit.
#[derive(Debug, Clone)]
pub(crate) enum LedgerWrite {
    Intent { id: LedgerId, new: NewIntent },
    End(EndedWrite),
}

impl Store {
    /// Records that a write is about to be sent. Durable when it returns; intents of many callers
    /// share one commit.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task. [`StoreError::Conflict`] if the plan is
    /// not approved, or if an attempt before may have taken effect: never a blind second send.
    pub async fn ledger_intent(&self, new: NewIntent) -> Result<Intent, StoreError> {
        let (intent, write) = self.intent(new);
        self.ledger_write(vec![write]).await?.pop().unwrap_or(Err(LOST))?;
        Ok(intent)
    }

    /// Records how an attempt ended. Durable when it returns. Accepted from a worker that lost its
    /// task too: it alone knows what was answered.
    ///
    /// `detail` is a fixed word (`http_204`), never text from outside.
    pub async fn ledger_outcome(
        &self,
        id: &LedgerId,
        end: LedgerEnd,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        let detail = detail.map(str::to_owned);
        self.ledger_end(&EndedWrite { id: id.clone(), end, detail, job: None }).await
    }

    /// The same, and the job that the write started is followed, in one commit.
    pub async fn ledger_end(&self, ended: &EndedWrite) -> Result<(), StoreError> {
        self.ledger_write(vec![LedgerWrite::End(ended.clone())]).await?.pop().unwrap_or(Err(LOST))
    }

    /// Records how one attempt ended and that the next is about to be sent, in one commit: a worker
    /// that sends one write after the other waits for the disk once per write.
    ///
    /// # Errors
    /// As [`Store::ledger_intent`]; the end of the attempt before is recorded all the same, unless the
    /// store itself refuses.
    pub async fn ledger_advance(&self, ended: &EndedWrite, new: NewIntent) -> Result<Intent, StoreError> {
        let (intent, write) = self.intent(new);
        for result in self.ledger_write(vec![LedgerWrite::End(ended.clone()), write]).await? {
            result?;
        }
        Ok(intent)
    }

    fn intent(&self, new: NewIntent) -> (Intent, LedgerWrite) {
        let id = LedgerId(format!("led_{}", self.inner.ids.next_uuid()));
        let intent = Intent {
            id: id.clone(),
            plan: new.plan.clone(),
            operation: new.operation,
            attempt: new.attempt,
            fence: new.lease.fence,
        };
        (intent, LedgerWrite::Intent { id, new })
    }

    /// Makes one change in a shared transaction. The inner result is this change's own; an outer
    /// error undoes the transaction of all.
    async fn ledger_apply(
        &self,
        tx: &mut Tx,
        write: &LedgerWrite,
    ) -> Result<Result<(), StoreError>, StoreError> {
        let own = match write {
            LedgerWrite::Intent { id, new } => self.apply_intent(tx, id, new).await,
            LedgerWrite::End(ended) => self.apply_end(tx, ended).await,
        };
        match own {
            Ok(()) => Ok(Ok(())),
            Err(
                error @ (StoreError::Fenced { .. }
                | StoreError::Conflict { .. }
                | StoreError::NotFound { .. }),
            ) => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }

    async fn apply_intent(&self, tx: &mut Tx, id: &LedgerId, new: &NewIntent) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO ledger (id, plan_digest, operation, attempt, run_id, state, task_id, fence, intent_at) VALUES ($1, $2, $3, $4, $5, 'intent', $6, $7, $8) ON CONFLICT (plan_digest, operation, attempt) DO UPDATE SET id = excluded.id, state = 'intent', task_id = excluded.task_id, fence = excluded.fence, intent_at = excluded.intent_at WHERE ledger.state = 'planned'";
        self.fence_check(tx, &new.lease).await?;
        self.plan_check(tx, new).await?;
        let before = attempts(tx, new).await?;
        if !before.iter().any(|attempt| attempt.number == 1) {
            let id = format!("{} of {}", new.operation, new.plan);
            return Err(StoreError::NotFound { what: "operation", id });
        }
        if let Some(own) = before.iter().find(|attempt| attempt.number == i64::from(new.attempt)) {
            if own.id == id.as_str() {
                // Our own intent, committed by a leader whose answer was lost.
                return Ok(());
            }
            if own.state != LedgerState::Planned {
                return Err(
                    new.conflict(own.state.as_str(), "this attempt was made; look at its outcome first")
                );
            }
        }
        let may_repeat = before
            .iter()
            .filter(|attempt| attempt.number < i64::from(new.attempt))
            .all(|attempt| attempt.had_no_effect);
        let known = before.iter().filter(|attempt| attempt.number < i64::from(new.attempt)).count();
        if !may_repeat || known + 1 != new.attempt as usize {
            let needs =
                "an attempt before it may have taken effect; settle that first (`tutela privacy resolve`)";
            return Err(new.conflict("not to be tried again", needs));
        }
        let put = query(PUT)
            .bind(id.as_str())
            .bind(new.plan.as_str())
            .bind(i64::from(new.operation))
            .bind(i64::from(new.attempt))
            .bind(new.lease.run.as_str())
            .bind(new.lease.task.as_str())
            .bind(new.lease.fence)
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        if put.rows_affected() == 0 {
            return Err(new.conflict("intent", "this attempt was made; look at its outcome first"));
        }
        Ok(())
    }

    async fn plan_check(&self, tx: &mut Tx, new: &NewIntent) -> Result<(), StoreError> {
        const PLAN: &str = "SELECT p.approved_at, r.state FROM plan p JOIN run r ON r.id = p.run_id WHERE p.digest = $1 AND p.run_id = $2";
        let row = query(PLAN)
            .bind(new.plan.as_str())
            .bind(new.lease.run.as_str())
            .fetch_optional(tx.connection())
            .await?;
        let row = row.ok_or_else(|| StoreError::NotFound { what: "plan", id: new.plan.to_string() })?;
        if row.try_get::<Option<i64>>(0)?.is_none() {
            return Err(StoreError::Conflict {
                what: "plan",
                id: new.plan.to_string(),
                state: "not approved".to_owned(),
                needs: "approve its digest first",
            });
        }
        let state = RunState::parse(row.try_get(1)?)?;
        if matches!(state, RunState::Cancelled | RunState::Finished) {
            let needs = "nothing of it is sent any more";
            let (id, state) = (new.lease.run.to_string(), state.as_str().to_owned());
            return Err(StoreError::Conflict { what: "run", id, state, needs });
        }
        Ok(())
    }

    async fn apply_end(&self, tx: &mut Tx, ended: &EndedWrite) -> Result<(), StoreError> {
        const END: &str = "UPDATE ledger SET state = $2, effect = $3, outcome = $4, detail = $5, outcome_at = $6 WHERE id = $1 AND state IN ('intent', 'unknown') RETURNING plan_digest, operation, attempt";
        const FIND: &str = "SELECT state, effect, outcome FROM ledger WHERE id = $1";
        let EndedWrite { id, end, detail, job } = ended;
        let (state, effect, outcome) = match end {
            LedgerEnd::Applied(outcome) => (LedgerState::Outcome, Some(Effect::Applied), *outcome),
            LedgerEnd::NotApplied(outcome) => (LedgerState::Outcome, Some(Effect::NotApplied), *outcome),
            LedgerEnd::Unknown => (LedgerState::Unknown, None, Outcome::Unknown),
        };
        let changed = query(END)
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(effect.map(Effect::as_str))
            .bind(outcome_text(outcome))
            .bind(detail.as_deref())
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let Some(changed) = changed else {
            let row = query(FIND).bind(id.as_str()).fetch_optional(tx.connection()).await?;
            let row = row.ok_or_else(|| StoreError::NotFound { what: "ledger entry", id: id.to_string() })?;
            let found: (String, Option<String>) = (row.try_get(0)?, row.try_get(2)?);
            let same = found.0 == state.as_str() && found.1.as_deref() == Some(outcome_text(outcome));
            let needs = "its end stands; what is unknown is settled once";
            let conflict =
                StoreError::Conflict { what: "ledger entry", id: id.to_string(), state: found.0, needs };
            return if same { Ok(()) } else { Err(conflict) };
        };
        if let Some(job) = job {
            self.job_track_in(tx, job).await?;
        }
        let details = json!({
            "plan": changed.try_get::<String>(0)?,
            "operation": changed.try_get::<i64>(1)?,
            "attempt": changed.try_get::<i64>(2)?,
            "state": state.as_str(),
            "outcome": outcome_text(outcome),
        });
        let event = AuditEvent::new(Actor::system(), "write.ended", id.as_str()).with(details);
        self.audit_enter_in(tx, &event).await.map(|_| ())
    }
}

const LOST: StoreError = StoreError::Damaged { what: "the answer of the ledger" };
