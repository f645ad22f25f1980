//! One person's request as a run in the store: it goes on where it broke off.

use std::path::PathBuf;

use engine::Progress;
use model::{Identities, RunId};
use privacy::access::{AccessError, StoredRun, is_stopped, nothing_asked};
use privacy::subject::Subject;
use store::{Actor, Store};

use super::{DataRequests, Delivered, ToPack, failure};
use crate::failure::Failure;
use crate::state;

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
        let begun = self.access().begin(store, (&run, &Subject::of(identities.clone())), actor).await;
        begun.map_err(|error| state::failure(&error))?;
        tracing::info!(%run, "request begun");
        Ok(run)
    }

    /// Reads what is left to read of a run and writes the package. Then the run is over and its rows are
    /// destroyed; one that was stopped stays, to be gone on with.
    ///
    /// # Errors
    /// Bad input if there is no such run, if it is no request for data, or if its policy is another one;
    /// a failure if its data is gone, or if rows or the package cannot be kept, which leaves the run as it
    /// is.
    pub(crate) async fn deliver_run(
        &self,
        held: &StoredRun,
        folder: PathBuf,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Delivered, Failure> {
        let StoredRun { store, run, .. } = held;
        let read = self.access().read(held, on_progress).await;
        let (subject, outcome) = read.map_err(|error| match &error {
            AccessError::Store(error) => state::failure(error),
            AccessError::Run(_) => go_on(failure(&error), run),
            _ => failure(&error),
        })?;
        let is_stopped = is_stopped(&outcome);
        let delivered = if let Some(reason) = nothing_asked(&outcome) {
            Delivered::Nothing(reason.to_owned())
        } else {
            let work = ToPack { run: run.clone(), folder, outcome, identities: subject.identities };
            self.write(work).await.map_err(|failure| go_on(failure, run))?
        };
        if !is_stopped {
            end(store, run).await?;
        }
        Ok(delivered)
    }
}

/// Ends a run of which nothing is needed any more.
async fn end(store: &Store, run: &RunId) -> Result<(), Failure> {
    store.run_finish(run, None).await.map_err(|error| state::failure(&error))?;
    store.run_forget(run, Actor::system()).await.map_err(|error| state::failure(&error))
}

/// The same failure, with the way to go on.
fn go_on(failure: Failure, run: &RunId) -> Failure {
    match failure {
        Failure::Failed(text) => Failure::Failed(format!("{text}\ngo on with: --run {run}")),
        Failure::BadInput(_) | Failure::Refused(_) | Failure::Shown(_) => failure,
    }
}
