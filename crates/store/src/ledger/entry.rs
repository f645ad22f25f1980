//! What the ledger says afterwards.

use jiff::Timestamp;
use model::{Outcome, RunId};

use super::{Effect, LedgerId, LedgerState};
use crate::run::run_id;
use crate::sql::{Row, query};
use crate::store::time_or_none;
use crate::task::task_id;
use crate::words::outcome_of;
use crate::{PlanDigest, Store, StoreError, TaskId};

/// One attempt at one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its id.
    pub id: LedgerId,
    /// Its run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanDigest,
    /// The operation's number.
    pub operation: u32,
    /// Which attempt.
    pub attempt: u32,
    /// How far it is.
    pub state: LedgerState,
    /// Who sent it.
    pub task: Option<TaskId>,
    /// The sender's fencing number.
    pub fence: Option<i64>,
    /// Whether it changed anything; `None` while nobody knows.
    pub effect: Option<Effect>,
    /// What became of the data.
    pub outcome: Option<Outcome>,
    /// A fixed word about the end (a status code, an error class).
    pub detail: Option<String>,
    /// How what was unknown was settled.
    pub resolution: Option<String>,
    /// When it was about to be sent.
    pub intent_at: Option<Timestamp>,
    /// When its end was recorded.
    pub outcome_at: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT id, run_id, plan_digest, operation, attempt, state, task_id, effect, outcome, detail, resolution, intent_at, outcome_at, fence FROM ledger WHERE plan_digest = $1 ORDER BY operation, attempt";

impl Store {
    /// All attempts at the operations of a plan, in the plan's order.
    pub async fn ledger_list(&self, plan: &PlanDigest) -> Result<Vec<LedgerEntry>, StoreError> {
        let rows = query(COLUMNS).bind(plan.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(entry).collect()
    }

    /// All attempts at one operation of a plan, the first first.
    pub async fn ledger_find(
        &self,
        plan: &PlanDigest,
        operation: u32,
    ) -> Result<Vec<LedgerEntry>, StoreError> {
        const FIND: &str = "SELECT id, run_id, plan_digest, operation, attempt, state, task_id, effect, outcome, detail, resolution, intent_at, outcome_at, fence FROM ledger WHERE plan_digest = $1 AND operation = $2 ORDER BY attempt";
        let rows =
            query(FIND).bind(plan.as_str()).bind(i64::from(operation)).fetch_all(&self.inner.reader).await?;
        rows.iter().map(entry).collect()
    }
}

pub(super) fn entry(row: &Row) -> Result<LedgerEntry, StoreError> {
    let number = |column| {
        let value: i64 = row.try_get(column)?;
        u32::try_from(value).map_err(|_| StoreError::Damaged { what: "a ledger entry" })
    };
    let effect: Option<String> = row.try_get(7)?;
    let plan: String = row.try_get(2)?;
    Ok(LedgerEntry {
        id: LedgerId(row.try_get(0)?),
        run: run_id(row, 1)?,
        plan: plan.parse().map_err(|_| StoreError::Damaged { what: "a ledger entry" })?,
        operation: number(3)?,
        attempt: number(4)?,
        state: LedgerState::parse(row.try_get(5)?)?,
        task: row.try_get::<Option<String>>(6)?.map(task_id),
        effect: effect.map(|text| Effect::parse(&text)).transpose()?,
        outcome: outcome_of(row.try_get(8)?)?,
        detail: row.try_get(9)?,
        resolution: row.try_get(10)?,
        intent_at: time_or_none(row.try_get(11)?)?,
        outcome_at: time_or_none(row.try_get(12)?)?,
        fence: row.try_get(13)?,
    })
}
