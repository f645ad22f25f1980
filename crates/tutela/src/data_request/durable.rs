//! One person's request as a run in the store: it goes on where it broke off.

use std::path::PathBuf;

use engine::{Cancellation, Progress, RowKeeping, RunOutcome, RunPlan, StoredRows};
use model::{Identities, IncompleteReason, RunId};
use privacy::subject;
use store::{Actor, NewRun, RunKind, Store};

use super::{DataRequests, Delivered, ToPack, nothing_asked};
use crate::failure::Failure;
use crate::state;

/// Name of the reading among the tasks of a run.
const STAGE: &str = "read";

/// A run in the store, and who works on it here.
#[derive(Debug)]
pub(crate) struct StoredRun {
    /// The state.
    pub(crate) store: Store,
    /// Name of this process among those that share the state.
    pub(crate) worker: String,
    /// The run.
    pub(crate) run: RunId,
    /// How to stop.
    pub(crate) cancellation: Cancellation,
}

impl DataRequests {
    /// Makes a run about a person; nothing is read yet.
    ///
    /// # Errors
    /// A failure if the state cannot be written.
    pub(crate) async fn begin(
        &self,
        store: &Store,
        identities: &Identities,
        actor: Actor,
    ) -> Result<RunId, Failure> {
        let run = RunId::new(&self.shared.ids);
        let new = NewRun {
            id: run.clone(),
            kind: RunKind::Access,
            policy: self.policy_key(),
            subject: subject::to_bytes(identities),
            deadline_at: None,
            actor,
        };
        store.run_create(new, &[]).await.map_err(|error| state::failure(&error))?;
        tracing::info!(%run, "request begun");
        Ok(run)
    }

    /// Whom a run is about.
    ///
    /// # Errors
    /// Bad input if there is no such run, if it is no request for data, or if its policy is another one;
    /// a failure if its data is gone.
    pub(crate) async fn subject(&self, store: &Store, run: &RunId) -> Result<Identities, Failure> {
        let found = store.get_run(run).await.map_err(|error| state::failure(&error))?;
        if found.kind != RunKind::Access {
            return Err(Failure::BadInput(format!(
                "{run} is no request for data; see `tutela privacy status {run}`"
            )));
        }
        if found.policy != self.policy_key() {
            let policy = found.policy.map_or_else(|| "no policy".to_owned(), |key| format!("policy `{key}`"));
            return Err(Failure::BadInput(format!("{run} was begun with {policy}; go on with the same")));
        }
        let bytes = store.run_subject(run).await.map_err(|error| state::failure(&error))?;
        subject::from_bytes(bytes.expose())
            .ok_or_else(|| Failure::Failed(format!("{run} was written by another version; make a new one")))
    }

    /// Reads what is left to read of a run and writes the package. Then the run is over and its rows are
    /// destroyed; one that was stopped stays, to be gone on with.
    ///
    /// # Errors
    /// As [`DataRequests::subject`]; a failure if rows or the package cannot be kept, which leaves the run
    /// as it is.
    pub(crate) async fn deliver_run(
        &self,
        held: &StoredRun,
        folder: PathBuf,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Delivered, Failure> {
        let StoredRun { store, worker, run, cancellation } = held;
        let identities = self.subject(store, run).await?;
        let found = store.get_run(run).await.map_err(|error| state::failure(&error))?;
        let rows = StoredRows { store: store.clone(), worker: worker.clone(), stage: STAGE.to_owned() };
        let person = subject::person(run, identities.clone(), found.created_at);
        let plan = self.plan(run.clone(), person, RowKeeping::Store(rows))?;
        let outcome = engine::run(RunPlan { cancellation: cancellation.clone(), ..plan }, on_progress)
            .await
            .map_err(|error| go_on(Failure::failed(&error), run))?;
        let is_stopped = is_stopped(&outcome);
        let delivered = if let Some(reason) = nothing_asked(&outcome) {
            Delivered::Nothing(reason.to_owned())
        } else {
            let work = ToPack { run: run.clone(), folder, outcome, identities };
            self.write(work).await.map_err(|failure| go_on(failure, run))?
        };
        if !is_stopped {
            end(store, run).await?;
        }
        Ok(delivered)
    }

    fn policy_key(&self) -> Option<String> {
        self.shared.policy.as_ref().map(|policy| policy.key.clone())
    }
}

/// Ends a run of which nothing is needed any more.
async fn end(store: &Store, run: &RunId) -> Result<(), Failure> {
    store.run_finish(run, None).await.map_err(|error| state::failure(&error))?;
    store.run_forget(run, Actor::system()).await.map_err(|error| state::failure(&error))
}

/// Whether somebody stopped it: then it is not over.
fn is_stopped(outcome: &RunOutcome) -> bool {
    outcome.collections.values().any(|collection| collection.reason() == Some(IncompleteReason::Cancelled))
}

/// The same failure, with the way to go on.
fn go_on(failure: Failure, run: &RunId) -> Failure {
    match failure {
        Failure::Failed(text) => Failure::Failed(format!("{text}\ngo on with: --run {run}")),
        Failure::BadInput(_) | Failure::Refused(_) | Failure::Shown(_) => failure,
    }
}
