//! One pass over a plan, under the hold of its run.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{HoldError, HoldRequest, HoldState, Jobs, TaskHold};
use model::{RunId, kill_point};
use store::{Effect, LedgerEntry, LedgerState, NewTask, RunState, StoreError, TaskId};
use tokio::sync::OnceCell;

use super::send::{Sending, send};
use super::{ApplyError, ApplyOptions, ApplyProgress};
use crate::PrivacyService;
use crate::outline::Known;
use crate::plan::drift::{DriftReport, compare};
use crate::plan::{Operation, Plan};
use crate::planning::{observe, observe_settings};
use crate::rereading::{Given, Rereading, Subject};
use crate::status::{Facts, OperationState};

/// Kind and name of the one task that everything which writes holds.
pub(crate) const APPLY: &str = "apply";

/// A plan that is carried out.
pub(super) struct Pass<'a> {
    pub(super) service: &'a PrivacyService,
    pub(super) plan: &'a Plan,
    pub(super) known: &'a Known,
    pub(super) subject: &'a Subject,
    pub(super) options: &'a ApplyOptions,
    pub(super) on_progress: &'a (dyn Fn(ApplyProgress) + Send + Sync),
    /// Set once the plan stands in the erasure journal.
    pub(super) journaled: OnceCell<()>,
}

impl PrivacyService {
    /// Holds the run against everybody else who would write.
    pub(crate) async fn hold(&self, run: &RunId, wait: Duration) -> Result<TaskHold, HoldError> {
        let parts = self.parts();
        let task = NewTask {
            id: TaskId::new(&*parts.ids),
            kind: APPLY.to_owned(),
            name: APPLY.to_owned(),
            after: Vec::new(),
            due_at: None,
        };
        parts.store.task_add(run, &[task]).await?;
        let request = HoldRequest {
            run: run.clone(),
            kind: APPLY.to_owned(),
            name: APPLY.to_owned(),
            // Two calls of one process are two holders.
            worker: format!("{}/{}", parts.worker, parts.ids.next_uuid()),
            wait: Some(wait),
        };
        TaskHold::claim(&parts.store, &request).await
    }
}

impl Pass<'_> {
    /// Does everything that can be done now. Gives what a person should know besides.
    pub(super) async fn run(&self, which: Jobs) -> Result<Vec<String>, ApplyError> {
        let run = &self.known.head.run;
        let hold =
            self.service.hold(run, self.options.hold_wait).await.map_err(|error| refused(run, error))?;
        kill_point!("apply.held");
        let done = self.held(&hold, which).await;
        match hold.state() {
            HoldState::Held => hold.release().await.or_else(ignore_lost)?,
            HoldState::Lost => {}
            HoldState::Cancelled => {
                hold.cancel().await.or_else(ignore_lost)?;
                if done.is_ok() {
                    return Err(ApplyError::NotActive { run: run.clone(), state: RunState::Cancelled });
                }
            }
        }
        done
    }

    async fn held(&self, hold: &TaskHold, which: Jobs) -> Result<Vec<String>, ApplyError> {
        let store = &self.service.parts().store;
        let (run, digest) = (&self.known.head.run, &self.known.head.digest);
        let mut problems = self.service.look_at_jobs(run, which).await?;
        // Nobody sends under an older hold any more: what has no end is unknown by now.
        store.ledger_unknown(run).await?;
        let (ledger, jobs) = self.service.records(self.known).await?;
        let Known { head, outline } = self.known;
        let facts = Facts { outline, head, run: RunState::Active, ledger: &ledger, jobs: &jobs };
        let statuses = facts.operations();
        let begun: BTreeSet<u64> = self
            .operations()
            .map(|operation| operation.order)
            .filter(|order| has_begun(*order, &ledger))
            .collect();
        let waiting: BTreeSet<u64> = statuses
            .iter()
            .filter(|one| one.state == OperationState::Accepted)
            .map(|one| one.order)
            .collect();
        let held_up = behind(self.plan, &waiting);
        let todo: BTreeSet<u64> = self
            .operations()
            .map(|one| one.order)
            .filter(|order| is_open(*order, &ledger) && !held_up.contains(order))
            .collect();
        // What was begun is excused from looking at its rows again, never from looking at where it goes.
        let is_fresh = todo.iter().any(|order| !begun.contains(order));
        if !todo.is_empty() {
            let report = if is_fresh { self.drift(&begun).await? } else { self.drift_of_settings().await? };
            if report.stops() {
                return Err(ApplyError::Drift(report));
            }
            problems.extend(report.appeared.iter().map(|one| {
                let (rows, collection) = (one.rows, &one.collection);
                format!("{rows} rows of `{collection}` appeared since the plan was made; they stop nothing")
            }));
        }
        kill_point!("apply.checked");
        self.may_go_on(hold)?;
        store.plan_approve(digest, self.options.actor.clone()).await?;
        kill_point!("apply.approved");
        if !todo.is_empty() || !begun.is_empty() {
            // Before anything is sent: whatever happens then, a replay knows of it.
            let journal = || self.service.journal(self.plan, &self.subject.identities);
            self.journaled.get_or_try_init(journal).await?;
            kill_point!("apply.journaled");
        }
        if !todo.is_empty() {
            (self.on_progress)(ApplyProgress::Checked { operations: todo.len() as u64 });
            let settled = statuses.iter().filter(|one| !todo.contains(&one.order));
            let sending = Sending {
                pass: self,
                hold,
                settled: settled.filter_map(|one| Some((one.order, one.outcome?))).collect(),
                todo,
            };
            send(sending).await?;
        }
        kill_point!("apply.done");
        Ok(problems)
    }

    /// Reads everything again and compares it with what the plan was made from.
    async fn drift(&self, begun: &BTreeSet<u64>) -> Result<DriftReport, ApplyError> {
        let run = &self.known.head.run;
        let stage = self.service.next_stage(run, "again").await?;
        let cancellation = self.options.cancellation.clone();
        let on_progress = |progress| (self.on_progress)(ApplyProgress::Reading(progress));
        let (subject, given) = (self.subject, Given::Nothing);
        let rereading = Rereading { run, subject, stage, given, cancellation };
        let outcome = self.service.read_again(rereading, &on_progress).await?;
        if self.options.cancellation.is_cancelled() {
            return Err(ApplyError::Stopped { run: run.clone() });
        }
        let observed = observe(self.service, (self.plan, subject), &outcome).await?;
        Ok(compare(self.plan, &observed, begun))
    }

    /// Compares what can be compared without reading rows: connections, policy and limits.
    async fn drift_of_settings(&self) -> Result<DriftReport, ApplyError> {
        let observed = observe_settings(self.service, self.plan).await?;
        let all = self.operations().map(|operation| operation.order).collect();
        Ok(compare(self.plan, &observed, &all))
    }

    /// Fails once the run is no longer ours, or a person asked to stop.
    pub(super) fn may_go_on(&self, hold: &TaskHold) -> Result<(), ApplyError> {
        let run = self.known.head.run.clone();
        match hold.state() {
            HoldState::Lost => Err(ApplyError::Lost { run }),
            HoldState::Cancelled => Err(ApplyError::NotActive { run, state: RunState::Cancelled }),
            HoldState::Held if self.options.cancellation.is_cancelled() => Err(ApplyError::Stopped { run }),
            HoldState::Held => Ok(()),
        }
    }

    fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.plan.contents().operations.iter()
    }
}

/// Whether something of an operation was sent, or may have been.
fn has_begun(order: u64, ledger: &[LedgerEntry]) -> bool {
    of_operation(order, ledger).any(|entry| match entry.state {
        LedgerState::Planned => false,
        LedgerState::Intent | LedgerState::Unknown => true,
        LedgerState::Outcome | LedgerState::Resolved => entry.effect != Some(Effect::NotApplied),
    })
}

/// Whether there is something to send or to find out: the last attempt alone says that. One that was
/// to be repeated is open until the next attempt stands in the ledger.
fn is_open(order: u64, ledger: &[LedgerEntry]) -> bool {
    let last = of_operation(order, ledger).max_by_key(|entry| entry.attempt);
    last.is_none_or(|entry| match entry.state {
        LedgerState::Planned | LedgerState::Intent | LedgerState::Unknown => true,
        LedgerState::Outcome | LedgerState::Resolved => entry.effect != Some(Effect::Applied),
    })
}

fn of_operation(order: u64, ledger: &[LedgerEntry]) -> impl Iterator<Item = &LedgerEntry> {
    ledger.iter().filter(move |entry| u64::from(entry.operation) + 1 == order)
}

/// The operations that come after one of `first`, however far.
fn behind(plan: &Plan, first: &BTreeSet<u64>) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    // Each waits for earlier ones only, so one walk in order is enough.
    for operation in &plan.contents().operations {
        if operation.waits_for.iter().any(|one| first.contains(one) || found.contains(one)) {
            found.insert(operation.order);
        }
    }
    found
}

fn refused(run: &RunId, error: HoldError) -> ApplyError {
    let run = run.clone();
    match error {
        HoldError::HeldByAnother { .. } => ApplyError::HeldByAnother { run },
        HoldError::NotReady { .. } => ApplyError::NotActive { run, state: RunState::Paused },
        HoldError::Over { .. } => ApplyError::NotActive { run, state: RunState::Finished },
        HoldError::Missing { .. } => ApplyError::NotKnownHere,
        HoldError::Store(error) => ApplyError::Store(error),
    }
}

/// Giving back what somebody else has by now is no failure.
pub(crate) fn ignore_lost(error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::Fenced { .. } => Ok(()),
        other => Err(other),
    }
}
