//! Whose word it is that a job ended.

use std::collections::BTreeMap;

use store::{Job, JobState, LedgerEntry};

use crate::status::OperationStatus;

/// How the job of an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// A look at the application saw it end as the plan expected.
    SeenWell,
    /// A person said so, of the write or of the job: that is no evidence.
    Decided,
    /// Nobody saw it end well, or there is none.
    NotSeen,
}

/// The ending of each operation, by its number.
pub(super) fn endings(
    operations: &[OperationStatus],
    ledger: &[LedgerEntry],
    jobs: &[Job],
) -> BTreeMap<u64, Ending> {
    operations.iter().map(|operation| (operation.order, ending(operation, ledger, jobs))).collect()
}

fn ending(operation: &OperationStatus, ledger: &[LedgerEntry], jobs: &[Job]) -> Ending {
    // The ledger counts from 0, people from 1.
    let of_it = |number: u32| u64::from(number) + 1 == operation.order;
    let attempts = ledger.iter().filter(|entry| of_it(entry.operation));
    let last = attempts.max_by_key(|entry| entry.attempt);
    let jobs: Vec<&Job> = jobs.iter().filter(|job| of_it(job.operation)).collect();
    let by_person = last.is_some_and(|entry| entry.resolution.as_deref() == Some("person"));
    if by_person || jobs.iter().any(|job| job.state == JobState::Decided) {
        return Ending::Decided;
    }
    let seen_well = |job: &&Job| job.state == JobState::Ended && job.outcome == operation.expected;
    let is_well = operation.outcome == Some(operation.expected);
    if is_well && !jobs.is_empty() && jobs.iter().all(seen_well) { Ending::SeenWell } else { Ending::NotSeen }
}
