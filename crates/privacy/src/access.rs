//! Reading what a policy delivers about a person, as a run in the store that goes on where it broke
//! off.

mod delivery;

use std::collections::HashMap;

use connector::Person;
use engine::{
    Cancellation, Concurrency, JobWait, Progress, RowKeeping, RunBegun, RunError, RunOutcome, RunPlan,
    Source, Status, StoredRows,
};
use graph::{Graph, Targets, TraversalError};
use jiff::Timestamp;
use model::{CollectionAddress, Completeness, ConnectionKey, IncompleteReason, RunId};
use spec::{ActionType, Policy};
use store::{Actor, NewRun, NewTask, Run, RunKind, Store, StoreError};
use thiserror::Error;

pub use delivery::{Destination, Package};

use crate::PrivacyService;
use crate::subject::{self, Subject};

/// Name of the reading among the tasks of a run.
const STAGE: &str = "read";

/// What is read for requests for data: from which connections, under which policy.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// All collections of all connections.
    pub graph: &'a Graph,
    /// What rows come from.
    pub sources: &'a HashMap<ConnectionKey, Source>,
    /// What to deliver; `None` = everything.
    pub policy: Option<&'a Policy>,
    /// Calls in flight.
    pub limits: &'a Concurrency,
}

/// A run in the store, and who works on it here.
#[derive(Debug)]
pub struct StoredRun {
    /// The state.
    pub store: Store,
    /// Name of this process among those that share the state.
    pub worker: String,
    /// The run.
    pub run: RunId,
    /// What it does while an application works on what it was asked for.
    pub waiting: JobWait,
    /// How to stop.
    pub cancellation: Cancellation,
}

/// A run that is to be made, and what is read once it is there.
pub(crate) struct NewReading {
    pub(crate) run: NewRun,
    pub(crate) tasks: Vec<NewTask>,
    pub(crate) plan: RunPlan,
}

/// Why nothing was read.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The run does something else.
    #[error("{run} is no request for data; see `tutela privacy status {run}`")]
    OtherKind {
        /// The run.
        run: RunId,
    },
    /// The run was begun under another policy.
    #[error("{run} was begun with {}; go on with the same", policy_text(.policy.as_deref()))]
    OtherPolicy {
        /// The run.
        run: RunId,
        /// Its policy.
        policy: Option<String>,
    },
    /// What is kept of the person is of another form.
    #[error("{run} was written by another version; make a new one")]
    OtherVersion {
        /// The run.
        run: RunId,
    },
    /// The graph does not fit the identities.
    #[error(transparent)]
    Traversal(#[from] TraversalError),
    /// Rows cannot be kept, or the run does not go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccessError {
    /// Whether something that was given is wrong: run, policy, identities.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::OtherKind { .. } | Self::OtherPolicy { .. } | Self::Traversal(_) => true,
            Self::OtherVersion { .. } | Self::Run(_) | Self::Store(_) => false,
        }
    }
}

fn policy_text(policy: Option<&str>) -> String {
    policy.map_or_else(|| "no policy".to_owned(), |key| format!("policy `{key}`"))
}

impl Access<'_> {
    /// What is read about `person`.
    ///
    /// # Errors
    /// [`TraversalError`] if the graph cannot be walked for these identities.
    pub fn plan(&self, run_id: RunId, person: Person, rows: RowKeeping) -> Result<RunPlan, TraversalError> {
        let categories = self.policy.map(categories).unwrap_or_default();
        let targets = match self.policy {
            None => Targets::Everything,
            Some(_) => Targets::Categories(&categories),
        };
        Ok(RunPlan {
            run_id,
            traversal: self.graph.traverse(&person.identities, targets)?,
            sources: self.sources.clone(),
            person,
            limits: self.limits.clone(),
            rows,
            waiting: JobWait::Here,
            cancellation: Cancellation::never(),
        })
    }

    /// Makes the run about a person; nothing is read yet. Made already, it stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(
        &self,
        store: &Store,
        (run, subject): (&RunId, &Subject),
        actor: Actor,
    ) -> Result<(), StoreError> {
        store.run_create(self.run_of((run, subject), actor), &[]).await
    }

    /// Whom a run is about.
    ///
    /// # Errors
    /// [`AccessError`] if it is no request for data or of another policy, or if its data is gone.
    pub async fn subject(&self, store: &Store, run: &RunId) -> Result<Subject, AccessError> {
        self.found(store, run).await.map(|(_, subject)| subject)
    }

    async fn found(&self, store: &Store, run: &RunId) -> Result<(Run, Subject), AccessError> {
        let found = store.get_run(run).await?;
        if found.kind != RunKind::Access {
            return Err(AccessError::OtherKind { run: run.clone() });
        }
        if found.policy != self.policy_key() {
            return Err(AccessError::OtherPolicy { run: run.clone(), policy: found.policy });
        }
        let bytes = store.run_subject(run).await?;
        let subject = Subject::from_bytes(bytes.expose());
        Ok((found, subject.ok_or_else(|| AccessError::OtherVersion { run: run.clone() })?))
    }

    /// Reads what is left to read of a run; one that was stopped stays, to be gone on with.
    ///
    /// # Errors
    /// [`AccessError`], which leaves the run as it is.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: call it again.
    pub async fn read(
        &self,
        held: &StoredRun,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(Subject, RunOutcome), AccessError> {
        let (found, subject) = self.found(&held.store, &held.run).await?;
        let plan = self.plan_of(held, (&subject, found.created_at), RunBegun::Before)?;
        Ok((subject, engine::run(plan, on_progress).await?))
    }

    /// A run about a person that is to be made with its tasks, and what is read once it is there.
    ///
    /// # Errors
    /// [`AccessError::Traversal`] if the graph cannot be walked for these identities.
    pub(crate) fn new_run(&self, held: &StoredRun, subject: &Subject) -> Result<NewReading, AccessError> {
        let now = held.store.clock().now();
        let run = self.run_of((&held.run, subject), Actor::system());
        // As it is read back: what is read rests on it, to the order of its members, and whoever goes on
        // with the run compares that.
        let subject = Subject::from_bytes(run.subject.expose());
        let subject = subject.ok_or_else(|| AccessError::OtherVersion { run: held.run.clone() })?;
        let plan = self.plan_of(held, (&subject, now), RunBegun::Now(RunKind::Access))?;
        Ok(NewReading { run, tasks: engine::reading_tasks(&plan.traversal, STAGE), plan })
    }

    fn plan_of(
        &self,
        held: &StoredRun,
        (subject, created_at): (&Subject, Timestamp),
        begun: RunBegun,
    ) -> Result<RunPlan, TraversalError> {
        let StoredRun { store, worker, run, waiting, cancellation } = held;
        let (store, worker) = (store.clone(), worker.clone());
        let rows = StoredRows { store, worker, stage: STAGE.to_owned(), begun };
        let person = subject::person(run, subject.clone(), created_at);
        let plan = self.plan(run.clone(), person, RowKeeping::Store(rows))?;
        Ok(RunPlan { waiting: *waiting, cancellation: cancellation.clone(), ..plan })
    }

    fn run_of(&self, (run, subject): (&RunId, &Subject), actor: Actor) -> NewRun {
        NewRun {
            id: run.clone(),
            kind: RunKind::Access,
            policy: self.policy_key(),
            subject: subject.to_bytes(),
            deadline_at: None,
            actor,
        }
    }

    fn policy_key(&self) -> Option<String> {
        self.policy.map(|policy| policy.key.clone())
    }
}

/// What a run has read before. Nobody is asked: the rows are in the store.
///
/// # Errors
/// [`AccessError`] if they cannot be read back, or were destroyed.
pub async fn kept(store: &Store, run: &RunId) -> Result<RunOutcome, AccessError> {
    Ok(engine::kept_reading(store, run, STAGE).await?)
}

/// What was read without what connections do not deliver, and what that is: it was read only because an
/// erasure, or another connection, needs it (privacy-requests R-4).
pub fn delivered(service: &PrivacyService, mut outcome: RunOutcome) -> (RunOutcome, Vec<CollectionAddress>) {
    let mut left_out = Vec::new();
    outcome.collections.retain(|address, _| {
        let facts = service.find_facts(address.dataset());
        let is_delivered = facts.is_none_or(|facts| facts.serves(ActionType::Access));
        if !is_delivered {
            left_out.push(address.clone());
        }
        is_delivered
    });
    (outcome, left_out)
}

/// Whether not one call was made although some should have been (architecture §13.22): nothing was
/// produced, and a package would only pretend. Gives the reason of the first failure.
pub fn nothing_asked(outcome: &RunOutcome) -> Option<&str> {
    if outcome.requests() > 0 {
        return None;
    }
    outcome.collections.values().find_map(|collection| match (&collection.status, &collection.completeness) {
        (Status::Failed, Completeness::Incomplete { reason, detail })
            if *reason != IncompleteReason::Cancelled =>
        {
            Some(detail.as_str())
        }
        _ => None,
    })
}

/// Whether somebody stopped the reading: then it is not over.
pub fn is_stopped(outcome: &RunOutcome) -> bool {
    outcome.collections.values().any(|collection| collection.reason() == Some(IncompleteReason::Cancelled))
}

/// Categories that the policy's access rules deliver.
pub(crate) fn categories(policy: &Policy) -> Vec<String> {
    let access = policy.rules.iter().filter(|rule| rule.action == ActionType::Access);
    access.flat_map(|rule| rule.targets.iter().cloned()).collect()
}
