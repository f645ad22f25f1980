//! From the ledger and the jobs to what a person reads.

use std::collections::BTreeMap;

use model::Outcome;
use store::{Effect, Job, JobState, LedgerEntry, LedgerState, PlanHead, RunState};

use super::{ApplyState, DestinationStatus, OperationState, OperationStatus};
use crate::outline::{Outline, OutlinedOperation};

/// Everything that the state of operations follows from.
pub(crate) struct Facts<'a> {
    pub(crate) outline: &'a Outline,
    pub(crate) head: &'a PlanHead,
    pub(crate) run: RunState,
    pub(crate) ledger: &'a [LedgerEntry],
    pub(crate) jobs: &'a [Job],
}

impl Facts<'_> {
    /// Every operation, in order.
    pub(crate) fn operations(&self) -> Vec<OperationStatus> {
        let mut found: Vec<OperationStatus> =
            self.outline.operations.iter().map(|operation| self.operation(operation)).collect();
        let outcomes: BTreeMap<u64, Option<Outcome>> =
            found.iter().map(|one| (one.order, one.outcome)).collect();
        for (operation, status) in self.outline.operations.iter().zip(&mut found) {
            if status.state != OperationState::Planned || self.head.approval.is_none() {
                continue;
            }
            let in_the_way = |order: &&u64| outcomes.get(order).copied().flatten().is_some_and(holds);
            if let Some(first) = operation.waits_for.iter().find(in_the_way) {
                status.held_by = Some(*first);
                status.state = OperationState::Held;
            }
        }
        found
    }

    fn operation(&self, operation: &OutlinedOperation) -> OperationStatus {
        // The ledger counts from 0, people from 1.
        let of_it = |number: u32| u64::from(number) + 1 == operation.order;
        let attempts: Vec<_> = self.ledger.iter().filter(|entry| of_it(entry.operation)).collect();
        let jobs: Vec<_> = self.jobs.iter().filter(|job| of_it(job.operation)).collect();
        let last = attempts.iter().max_by_key(|entry| entry.attempt);
        let (state, outcome) = last.map_or((OperationState::Planned, None), |entry| ended(entry, &jobs));
        let sent = attempts.iter().filter(|entry| entry.state != LedgerState::Planned).count();
        let destinations = jobs.iter().flat_map(|job| &job.destinations);
        let next = jobs.iter().filter(|job| job.state == JobState::Open).map(|job| job.next_poll_at).min();
        OperationStatus {
            order: operation.order,
            connection: operation.connection.clone(),
            collections: operation.collections.clone(),
            state,
            outcome,
            expected: operation.expected,
            attempts: sent as u64,
            detail: last.and_then(|entry| entry.detail.clone()),
            held_by: None,
            destinations: destinations
                .map(|one| DestinationStatus {
                    name: one.name.clone(),
                    status: one.status.clone(),
                    message: one.message.clone(),
                })
                .collect(),
            next_poll_at: next,
        }
    }

    /// How far the whole is.
    pub(crate) fn state(&self, operations: &[OperationStatus]) -> ApplyState {
        if self.run == RunState::Cancelled {
            return ApplyState::Cancelled;
        }
        if self.head.approval.is_none() {
            return ApplyState::Planned;
        }
        let all = |state: &[OperationState]| operations.iter().all(|one| state.contains(&one.state));
        if all(&[OperationState::Ended]) {
            return ApplyState::Ended;
        }
        let waits =
            |one: &OperationStatus| matches!(one.state, OperationState::Planned | OperationState::Sending);
        if operations.iter().any(waits) { ApplyState::Approved } else { ApplyState::Open }
    }

    /// The worst of everything; `None` while something waits and nothing went wrong.
    pub(crate) fn outcome(&self, operations: &[OperationStatus]) -> Option<Outcome> {
        let known = operations.iter().filter_map(|one| one.outcome);
        let stays = self.outline.not_covered.iter().map(|one| one.outcome);
        let worst = Outcome::worst(known.clone().chain(stays));
        let waits = operations.iter().any(|one| one.outcome.is_none());
        let went_wrong = Outcome::worst(known).is_some_and(holds);
        if waits && !went_wrong { None } else { worst }
    }
}

/// What the last attempt says, with the jobs it started.
fn ended(entry: &LedgerEntry, jobs: &[&Job]) -> (OperationState, Option<Outcome>) {
    match entry.state {
        LedgerState::Planned => (OperationState::Planned, None),
        LedgerState::Intent => (OperationState::Sending, None),
        LedgerState::Unknown => (OperationState::Unknown, Some(Outcome::Unknown)),
        LedgerState::Outcome | LedgerState::Resolved => match (entry.effect, entry.outcome) {
            (Some(Effect::Applied), Some(outcome)) => with_jobs(outcome, jobs),
            // Somebody said that it did nothing, so it may be sent again.
            (Some(Effect::NotApplied), _) if entry.state == LedgerState::Resolved => {
                (OperationState::Planned, None)
            }
            (Some(Effect::NotApplied), outcome) => {
                (OperationState::Ended, Some(outcome.unwrap_or(Outcome::Failed)))
            }
            // Repeating was chosen and did not happen yet.
            (None, _) => (OperationState::Planned, None),
            (Some(Effect::Applied), None) => (OperationState::Unknown, Some(Outcome::Unknown)),
        },
    }
}

fn with_jobs(outcome: Outcome, jobs: &[&Job]) -> (OperationState, Option<Outcome>) {
    let Some(worst) = Outcome::worst(jobs.iter().map(|job| job.outcome)) else {
        let state =
            if outcome == Outcome::Accepted { OperationState::Accepted } else { OperationState::Ended };
        return (state, Some(outcome));
    };
    let state = if jobs.iter().any(|job| job.state == JobState::Open) {
        OperationState::Accepted
    } else if worst == Outcome::Unknown {
        OperationState::Unknown
    } else {
        OperationState::Ended
    };
    (state, Some(worst))
}

/// Whether what waits for an operation with this outcome is not sent.
pub(crate) fn holds(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Failed | Outcome::Unknown | Outcome::Accepted => true,
        Outcome::Unsupported
        | Outcome::Exempt
        | Outcome::Suppressed
        | Outcome::Masked
        | Outcome::Erased
        | Outcome::AlreadyAbsent
        | Outcome::NotFound => false,
    }
}
