//! One attempt at one operation: before it is sent, and how it ended.

use model::Outcome;

use super::{Effect, LedgerId, LedgerState};
use crate::sql::{Row, query};
use crate::store::Tx;
use crate::{NewJob, PlanDigest, StoreError, TaskLease};

/// What is about to be sent.
#[derive(Debug, Clone)]
pub struct NewIntent {
    /// Who sends it.
    pub lease: TaskLease,
    /// The approved plan it stands in.
    pub plan: PlanDigest,
    /// Its number in the plan, from 0.
    pub operation: u32,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// A durable intent: whoever has one may send the write once.
#[derive(Debug, PartialEq, Eq)]
pub struct Intent {
    pub(super) id: LedgerId,
    pub(super) plan: PlanDigest,
    pub(super) operation: u32,
    pub(super) attempt: u32,
    pub(super) fence: i64,
}

impl Intent {
    /// The ledger's entry.
    pub fn id(&self) -> &LedgerId {
        &self.id
    }

    /// The plan.
    pub fn plan(&self) -> &PlanDigest {
        &self.plan
    }

    /// The operation's number.
    pub fn operation(&self) -> u32 {
        self.operation
    }

    /// Which attempt.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The task's fencing number at the time.
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

/// How an attempt ended, as far as the sender knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerEnd {
    /// The other side did it or took it.
    Applied(Outcome),
    /// It certainly did nothing (refused, or never reached the other side); may be tried again.
    NotApplied(Outcome),
    /// Sent, and no answer that can be trusted (time-out, reset, 500).
    Unknown,
}

/// What is recorded when an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedWrite {
    /// The attempt.
    pub id: LedgerId,
    /// How it ended.
    pub end: LedgerEnd,
    /// A fixed word (`http_204`), never text from outside.
    pub detail: Option<String>,
    /// The job that it started; followed from the same commit on, so that none is forgotten.
    pub job: Option<NewJob>,
}

/// What is known of one attempt before another is made.
pub(super) struct Attempt {
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) state: LedgerState,
    pub(super) had_no_effect: bool,
}

pub(super) async fn attempts(tx: &mut Tx, new: &NewIntent) -> Result<Vec<Attempt>, StoreError> {
    const BEFORE: &str =
        "SELECT attempt, id, state, effect, resolution FROM ledger WHERE plan_digest = $1 AND operation = $2";
    let rows = query(BEFORE)
        .bind(new.plan.as_str())
        .bind(i64::from(new.operation))
        .fetch_all(tx.connection())
        .await?;
    let attempt = |row: &Row| {
        let state = LedgerState::parse(row.try_get(2)?)?;
        let effect: Option<String> = row.try_get(3)?;
        let resolution: Option<String> = row.try_get(4)?;
        let ended = matches!(state, LedgerState::Outcome | LedgerState::Resolved);
        let had_no_effect = ended
            && (effect.as_deref() == Some(Effect::NotApplied.as_str())
                || resolution.as_deref() == Some("repeat"));
        Ok(Attempt { number: row.try_get(0)?, id: row.try_get(1)?, state, had_no_effect })
    };
    rows.iter().map(attempt).collect()
}

impl NewIntent {
    pub(super) fn conflict(&self, state: &str, needs: &'static str) -> StoreError {
        let id = format!("{} (attempt {}) of {}", self.operation, self.attempt, self.plan);
        StoreError::Conflict { what: "operation", id, state: state.to_owned(), needs }
    }
}
