//! Reading what the request delivers.

use engine::{JobWait, RunError, RunOutcome, Status};
use model::{Completeness, IncompleteReason, RunId, kill_point};
use store::{Actor, NewRun, NewTask, RequestStep, RunState, StoreError};

use super::halt::Halt;
use super::journey::Journey;
use super::log;
use super::means::Means;
use crate::access::{self, Access, AccessError, NewReading, StoredRun, is_stopped};
use crate::subject::Subject;

/// Rows that are ready to be packed.
pub(super) struct Read {
    pub(super) run: RunId,
    pub(super) subject: Subject,
    pub(super) outcome: RunOutcome,
}

/// Name of the reading as a whole in a request's log.
const STEP: RequestStep = RequestStep::Access;

impl Journey<'_> {
    /// Reads what is left to read. A run that cannot be gone on with is left and another begun, once.
    pub(super) async fn access(&mut self, means: &Means) -> Result<Read, Halt> {
        if let Some(read) = self.read_under(means).await? {
            return Ok(read);
        }
        self.leave_access_run(means).await?;
        let text = "what was read before does not fit connections or policy any more; try again";
        self.read_under(means).await?.ok_or_else(|| Halt::failed(STEP, "changed", text))
    }

    /// Reads as the request's run; `None` if that run cannot be gone on with.
    async fn read_under(&mut self, means: &Means) -> Result<Option<Read>, Halt> {
        let parts = means.service.parts();
        let access = Access {
            graph: &parts.graph,
            sources: &parts.sources,
            policy: Some(&means.policy.policy),
            limits: &parts.concurrency,
        };
        // Read before, and told with it: people were asked since.
        let begun = self.request.access_run.clone();
        let is_told = begun.is_some() && self.was_asked().await?;
        let run = begun.clone().unwrap_or_else(|| RunId::new(&*self.parts().ids));
        let subject = self.subject().await?;
        let held = StoredRun {
            store: parts.store.clone(),
            worker: parts.worker.clone(),
            run: run.clone(),
            waiting: JobWait::SetAside,
            cancellation: self.cancellation(),
        };
        let read = if begun.is_some() {
            // The request stands at it, and a crash of older versions may have come before the run was made.
            let made = access.begin(&parts.store, (&run, &subject), Actor::system()).await;
            made.map_err(|error| Halt::of_store(&error, STEP))?;
            let on_progress = |progress| self.note(&progress);
            access.read(&held, &on_progress).await
        } else {
            match access.new_run(&held, &subject) {
                Ok(NewReading { run, tasks, plan }) => {
                    self.begin_access(run, &tasks).await?;
                    let on_progress = |progress| self.note(&progress);
                    let read = engine::run(plan, &on_progress).await;
                    read.map(|outcome| (subject.clone(), outcome)).map_err(AccessError::Run)
                }
                Err(error) => Err(error),
            }
        };
        let (subject, outcome) = match read {
            Ok(read) => read,
            Err(AccessError::Run(RunError::NotActive { state: RunState::Finished, .. })) => {
                match access::kept(&parts.store, &run).await {
                    Ok(outcome) => (subject, outcome),
                    Err(_) => return Ok(None),
                }
            }
            Err(error) => return self.unread(&error),
        };
        if is_stopped(&outcome) {
            return Err(Halt::Stopped);
        }
        let logs = log::of_reading((&parts.graph, &means.service), &means.policy.policy, &outcome);
        for log in logs.into_iter().filter(|_| !is_told) {
            self.hold.tell(log);
        }
        if let Some(detail) = what_is_missing(&outcome) {
            // Tried again, it is read anew: what failed is not asked again under the same run.
            self.leave_access_run(means).await?;
            return Err(Halt::failed(STEP, "incomplete", &detail));
        }
        Ok(Some(Read { run, subject, outcome }))
    }

    /// The request stands at a run of its own, which is made with it.
    async fn begin_access(&mut self, run: NewRun, tasks: &[NewTask]) -> Result<(), Halt> {
        let (untold, kept) = (self.hold.untold(), run.id.clone());
        let by = (&self.hold.lease, Actor::system(), "privacy_request.step");
        let changed = self.store().privacy_request_run_held(by, (run, tasks), |change| {
            change.logs.extend(untold);
            change.request.step = Some(STEP);
            change.request.access_run = Some(kept);
        });
        self.request = changed.await.map_err(|error| Halt::of_store(&error, STEP))?;
        kill_point!("request.step");
        Ok(())
    }

    /// What an error of the reading means: `None` if the run cannot be gone on with.
    fn unread(&self, error: &AccessError) -> Result<Option<Read>, Halt> {
        match error {
            AccessError::OtherKind { .. }
            | AccessError::OtherPolicy { .. }
            | AccessError::OtherVersion { .. }
            | AccessError::Store(StoreError::Forgotten { .. })
            | AccessError::Run(RunError::Changed { .. } | RunError::Unread { .. }) => Ok(None),
            AccessError::Run(RunError::NotActive { state, .. }) => match state {
                RunState::Active => Err(Halt::in_the_way()),
                RunState::Paused | RunState::Cancelled | RunState::Finished => Ok(None),
            },
            AccessError::Run(RunError::Waits { until, by, .. }) => {
                Err(Halt::of_application((*until, *by), STEP))
            }
            AccessError::Run(RunError::Store(error)) | AccessError::Store(error) => {
                Err(Halt::of_store(error, STEP))
            }
            AccessError::Traversal(_) => {
                let log = store::NewRequestLog::of_work("Dataset traversal", "error", &error.to_string());
                Err(Halt::failed_with(STEP, "traversal", log))
            }
            AccessError::Run(RunError::Rows(error)) => Err(Halt::of_rows(error, STEP)),
            AccessError::Run(RunError::ConnectionMissing { .. }) => {
                tracing::warn!(request = %self.request.id, %error, "the data of a request cannot be read");
                Err(Halt::failed(STEP, "reading", &error.to_string()))
            }
        }
    }

    async fn leave_access_run(&mut self, means: &Means) -> Result<(), Halt> {
        let Some(run) = self.request.access_run.clone() else { return Ok(()) };
        self.stand_at(STEP, |request| request.access_run = None).await?;
        means.service.drop_run(&run).await;
        Ok(())
    }
}

/// Why the rows would not be everything that there is; what the connector file itself passes over is
/// told in the package's report and stops nothing.
fn what_is_missing(outcome: &RunOutcome) -> Option<String> {
    outcome.collections.iter().find_map(|(address, one)| match (&one.status, &one.completeness) {
        (Status::Skipped, _) | (_, Completeness::Complete) => None,
        (Status::Complete | Status::Incomplete, Completeness::Incomplete { reason, .. })
            if *reason == IncompleteReason::IgnoredError =>
        {
            None
        }
        (_, Completeness::Incomplete { detail, .. }) => {
            Some(format!("`{address}` was not read to its end: {detail}"))
        }
    })
}
