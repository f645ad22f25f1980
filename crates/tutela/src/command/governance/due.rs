//! Access of a project whose time is over: taken by whichever command comes first.

use std::sync::Arc;

use engine::Concurrency;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use governance::inventory::ShrinkGuard;
use governance::source::Way;
use governance::worker::{Connected, EndOutcome, EndReport, Known, OpenError, Opened, Worker, WorkerParts};
use model::{Clock, ConnectionKey, RandomIds, SystemClock};
use serde_json::{Value, json};
use spec::connector_file::Service;
use store::{Store, StoreError};

use crate::failure::Failure;
use crate::output::{self, Output};
use crate::project::{Opening, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::worker;
use crate::state::{StateArgument, StateSettings};

/// Takes what is due before a command does its own work, and says so.
///
/// # Errors
/// A failure if the state or the project file cannot be used; what cannot be taken is told, and tried again.
pub(super) fn first(
    (project, state): (&ProjectArgument, &StateArgument),
    output: Output,
) -> Result<(), Failure> {
    let settings = state.settings(&project.project)?;
    // Without either the command itself says what is missing.
    if !settings.is_there() || !project.project.is_file() {
        return Ok(());
    }
    runtime::run(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = settings.open(Arc::clone(&clock)).await?.store;
        let next = store.access_end_next("").await.map_err(|error| Failure::failed(&error))?;
        if next.is_none_or(|next| next > clock.now()) {
            return Ok(());
        }
        let file = ProjectFile::load(&project.project, output)?;
        let reports = end_due(Ends { file: Arc::new(file), settings, store, output }).await?;
        reports.iter().for_each(tell);
        Ok(())
    })
}

/// What access of a project is ended with.
#[derive(Clone)]
pub(super) struct Ends {
    pub(super) file: Arc<ProjectFile>,
    pub(super) settings: StateSettings,
    pub(super) store: Store,
    pub(super) output: Output,
}

/// Takes what is due, of all connections of the project.
///
/// # Errors
/// A failure if the state cannot be read.
pub(super) async fn end_due(ends: Ends) -> Result<Vec<EndReport>, Failure> {
    let worker = Worker::new(WorkerParts {
        store: ends.store.clone(),
        connected: Arc::new(ProjectAccess { ends, worker: worker() }),
        name: worker(),
        slots: 1,
        guard: ShrinkGuard::On,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
    });
    Box::pin(worker.end_due()).await.map_err(|error| Failure::failed(&error))
}

/// One of them for a person.
pub(super) fn tell(report: &EndReport) {
    let access = &report.end.access;
    let what = format!(
        "`{}` of {}:{} in `{}`",
        access.entitlement, access.principal_kind, access.principal_id, report.end.connection
    );
    let told = match &report.outcome {
        EndOutcome::Taken(change) => {
            format!("its time is over: {what} was taken ({})", change.result.as_str())
        }
        EndOutcome::NothingGiven => format!("its time is over: {what} had not been given"),
        EndOutcome::Stays { reason, next_at } => format!(
            "warning: its time is over, and {what} could not be taken: {reason}; tried again by the first command after {next_at}"
        ),
    };
    output::complain(&model::visible(&told));
}

/// The same for a program.
pub(super) fn shown(report: &EndReport) -> Value {
    let access = &report.end.access;
    let (result, reason) = match &report.outcome {
        EndOutcome::Taken(change) => (change.result.as_str(), None),
        EndOutcome::NothingGiven => ("nothing_given", None),
        EndOutcome::Stays { reason, .. } => ("stays", Some(reason.as_str())),
    };
    json!({
        "end": report.end.id,
        "connection": report.end.connection.as_str(),
        "entitlement": access.entitlement,
        "principal": format!("{}:{}", access.principal_kind, access.principal_id),
        "due_at": report.end.due_at.to_string(),
        "result": result,
        "reason": reason,
    })
}

/// The connections of a project file.
struct ProjectAccess {
    ends: Ends,
    /// Name of this process among those that share access tokens.
    worker: String,
}

impl ProjectAccess {
    fn opened(&self, connection: &ConnectionKey) -> Result<Opened, Failure> {
        let Ends { file, settings, store, output } = &self.ends;
        if let Some(foreign) = file.foreign(connection.as_str(), *output)? {
            let basis = foreign.basis.clone();
            return Ok(Opened { way: Way::Source(Arc::new(foreign)), basis });
        }
        let member = file.member_for(connection.as_str(), Service::Governance, *output)?;
        let opening = Opening::shared(
            (file, settings),
            (store, &self.worker),
            std::slice::from_ref(&member),
            Arc::new(SystemClock),
        )?;
        let way = Way::File {
            connector: opening.calls.connector(member.instance()?.connection.clone()),
            limits: Concurrency::new(limits(&file.project.reading)),
        };
        Ok(Opened { way, basis: member.sha256.clone() })
    }
}

impl Connected for ProjectAccess {
    /// Nothing of a project is read by itself.
    fn known(&self) -> BoxFuture<'_, Result<Vec<Known>, StoreError>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    fn open<'a>(&'a self, connection: &'a ConnectionKey) -> BoxFuture<'a, Result<Opened, OpenError>> {
        let opened = self.opened(connection).map_err(|failure| {
            let reason = match failure {
                Failure::BadInput(reason) | Failure::Failed(reason) | Failure::Refused(reason) => reason,
                Failure::Shown(_) => {
                    format!("the connection `{connection}` of the project file is not right")
                }
            };
            OpenError::Lacking { reason }
        });
        futures::future::ready(opened).boxed()
    }
}

impl std::fmt::Debug for ProjectAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectAccess").field("worker", &self.worker).finish_non_exhaustive()
    }
}
