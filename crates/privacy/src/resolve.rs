//! A person decides what became of a write that nothing else can tell.

use model::{Outcome, RunId};
use store::{Actor, JobState, LedgerEntry, LedgerState, Resolution, ResolvedBy, Store, StoreError};
use thiserror::Error;

use crate::PrivacyService;
use crate::outline::Known;
use crate::status::{Facts, OperationState, OperationStatus, RunStatus, StatusError};

/// What a person found out about an unknown write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolveDecision {
    /// It took effect.
    TookEffect,
    /// It did not; `apply` may send it again.
    DidNotTakeEffect,
}

impl PrivacyService {
    /// Takes down what a person found out about a write, or a job, of which nobody knows whether it took
    /// effect. It stands in the audit log with the person's name, and cannot be taken back.
    ///
    /// # Errors
    /// [`ResolveError::NotUnknown`] if its end is known.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is of another kind, and a struct would be named once"
    )]
    pub async fn resolve(
        &self,
        run: &RunId,
        order: u64,
        decision: ResolveDecision,
        actor: Actor,
    ) -> Result<RunStatus, ResolveError> {
        let known = self.known(run).await?.ok_or_else(|| ResolveError::NotKnownHere { run: run.clone() })?;
        settle(&self.parts().store, &known, order, (decision, actor)).await?;
        let mut problems = Vec::new();
        self.publish_or_say(&mut problems).await;
        Ok(self.status_of(&known, problems).await?)
    }
}

/// Takes a person's word down about the operation of this number.
pub(crate) async fn settle(
    store: &Store,
    known: &Known,
    order: u64,
    (decision, actor): (ResolveDecision, Actor),
) -> Result<(), ResolveError> {
    let run = &known.head.run;
    let operation = known.outline.operations.iter().find(|one| one.order == order);
    let operation = operation.ok_or_else(|| ResolveError::NoOperation { run: run.clone(), order })?;
    store.ledger_unknown(run).await?;
    let (ledger, jobs) = known.records(store).await?;
    let of_it = |number: u32| u64::from(number) + 1 == order;
    let last = ledger.iter().filter(|entry| of_it(entry.operation)).max_by_key(|entry| entry.attempt);
    let given_up = jobs
        .iter()
        .find(|job| of_it(job.operation) && job.state == JobState::Ended && job.outcome == Outcome::Unknown);
    match (last, given_up) {
        (Some(entry), _) if entry.state == LedgerState::Unknown => {
            let by = ResolvedBy::Person(actor);
            let resolution = match decision {
                ResolveDecision::TookEffect => Resolution::Applied(operation.expected, by),
                ResolveDecision::DidNotTakeEffect => Resolution::NotApplied(by),
            };
            store.ledger_resolve(&entry.id, &resolution).await?;
        }
        (_, Some(job)) => {
            let outcome = match decision {
                ResolveDecision::TookEffect => operation.expected,
                ResolveDecision::DidNotTakeEffect => Outcome::Failed,
            };
            store.job_decide(job, outcome, actor).await?;
        }
        (entry, None) => {
            let state = word(entry).to_owned();
            return Err(ResolveError::NotUnknown { run: run.clone(), order, state });
        }
    }
    Ok(())
}

/// The operations of a plan of which nobody knows whether they took effect, in order.
pub(crate) async fn unknown_writes(store: &Store, known: &Known) -> Result<Vec<OperationStatus>, StoreError> {
    store.ledger_unknown(&known.head.run).await?;
    let (ledger, jobs) = known.records(store).await?;
    let run = store.get_run(&known.head.run).await?.state;
    let facts = Facts { outline: &known.outline, head: &known.head, run, ledger: &ledger, jobs: &jobs };
    let mut operations = facts.operations();
    operations.retain(|one| one.state == OperationState::Unknown);
    Ok(operations)
}

fn word(entry: Option<&LedgerEntry>) -> &'static str {
    entry.map_or("planned", |entry| match entry.state {
        LedgerState::Planned => "planned",
        LedgerState::Intent => "being sent",
        LedgerState::Outcome => "ended",
        LedgerState::Unknown => "unknown",
        LedgerState::Resolved => "settled",
    })
}

/// Why a decision was not taken down.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// No such run here, or it has no plan.
    #[error("there is no plan of {run} in this data folder; give a run that `tutela privacy plan` printed")]
    NotKnownHere {
        /// The run.
        run: RunId,
    },
    /// The plan has no such operation.
    #[error("the plan of {run} has no operation {order}; `tutela privacy status {run}` lists them")]
    NoOperation {
        /// The run.
        run: RunId,
        /// The number.
        order: u64,
    },
    /// Its end is known.
    #[error("operation {order} of {run} is {state}, not unknown; there is nothing to decide")]
    NotUnknown {
        /// The run.
        run: RunId,
        /// The number.
        order: u64,
        /// How it is.
        state: String,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<StatusError> for ResolveError {
    fn from(error: StatusError) -> Self {
        match error {
            StatusError::NotKnownHere { run } => Self::NotKnownHere { run },
            StatusError::Store(error) => Self::Store(error),
        }
    }
}
