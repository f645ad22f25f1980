//! One task from its arrival to its end.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use engine::{Cancellation, Canceller};
use futures::FutureExt as _;
use model::Clock;
use tonic::Code;

use super::connector::{ServedConnector, TaskContext};
use super::control::ControlPlane;
use super::finish::TaskEnd;
use super::heartbeat::{BeatEnd, Heartbeat, is_cancelled};
use super::hello::{Program, hello};
use super::order::Work;
use super::{ServiceError, ServiceTimes, TaskFailure, TaskLog, change, sync};
use crate::command_line::Permission;

/// What all tasks of a process share.
pub(super) struct Shared {
    pub(super) control: Arc<ControlPlane>,
    pub(super) connector: Arc<dyn ServedConnector>,
    pub(super) provisioning: Permission,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) temp_folder: Option<PathBuf>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) stop: Cancellation,
    pub(super) times: ServiceTimes,
    /// Held by the one sync.
    pub(super) syncing: tokio::sync::Mutex<()>,
}

/// A task that was fetched.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    pub(super) work: Work,
    /// Whether the control plane wants to look into it.
    pub(super) debug: bool,
    /// What the control plane said about heartbeats when it gave it.
    pub(super) next_heartbeat: Option<prost_types::Duration>,
}

/// What is said of tasks that the end of the process cuts short.
const STOPPING: &str = "the connector is stopping";

impl Shared {
    /// Says hello, for a task or at the start.
    pub(super) async fn hello(&self, task_id: &str) -> Result<Result<(), super::CallError>, ServiceError> {
        let metadata = self.connector.metadata().await.map_err(ServiceError::Metadata)?;
        let program = Program { name: &self.name, version: &self.version };
        let hello = hello(program, (self.control.host_id(), task_id), metadata);
        Ok(self.control.hello(hello).await)
    }

    /// Carries a task out and tells how it ended.
    pub(super) async fn carry_out(self: Arc<Self>, task: Task) {
        let (id, kind) = (task.id.clone(), task.work.kind());
        let verb = if let Work::Change(order) = &task.work { Some(order.verb()) } else { None };
        tracing::info!(task = %id, kind, "task begins");
        // A defect in one task is no reason to leave the others, or the control plane without an answer.
        let end = AssertUnwindSafe(self.end(task)).catch_unwind().await.unwrap_or_else(|_| {
            let failure = TaskFailure::new(Code::Internal, "a defect of the connector ended the task");
            // A change may have been sent before: it is not to be tried again by itself.
            Some(verb.map_or_else(|| TaskEnd::sync(&failure), |verb| TaskEnd::change(verb, &failure)))
        });
        let Some(end) = end else { return };
        match &end {
            TaskEnd::Success { .. } => tracing::info!(task = %id, kind, "task ended"),
            TaskEnd::Failure { status, non_retryable } => {
                let code = format!("{:?}", Code::from(status.code));
                tracing::warn!(task = %id, kind, code, non_retryable, "task failed");
            }
        }
        if let Err(error) = self.control.finish(end.request(self.control.host_id(), &id)).await {
            tracing::warn!(task = %id, %error, "the end of a task was not heard; it may be given again");
        }
    }

    /// How the task ended; `None` if nothing is told about it.
    async fn end(self: &Arc<Self>, task: Task) -> Option<TaskEnd> {
        let Task { id, work, debug, next_heartbeat } = task;
        match work {
            Work::Nothing => None,
            Work::Hello => {
                let failed = match self.hello(&id).await {
                    Ok(Ok(())) => return None,
                    Ok(Err(error)) => error.to_string(),
                    Err(error) => error.to_string(),
                };
                tracing::warn!(task = %id, error = failed, "hello for a task failed");
                None
            }
            Work::Unsupported => Some(TaskEnd::unsupported()),
            Work::Malformed { kind, part } => Some(TaskEnd::malformed(kind, part)),
            Work::Change(order) => {
                let (canceller, context) = self.context(&id, debug);
                let connector = (&*self.connector, self.provisioning);
                let work = change::change(connector, (&*order, &context), self.times);
                Some(self.until_ended(work, &canceller, std::future::pending()).await)
            }
            Work::Sync(order) => {
                let first = match self.control.heartbeat(&id, self.times.call).await {
                    Ok(first) => first,
                    Err(error) => {
                        tracing::warn!(task = %id, %error, "the first heartbeat failed; the task is left");
                        return None;
                    }
                };
                if is_cancelled(&first, &id) {
                    return Some(TaskEnd::cancelled(BeatEnd::Cancelled.reason()));
                }
                let (control, clock) = (Arc::clone(&self.control), Arc::clone(&self.clock));
                let mut heart = Heartbeat::start(control, clock, (id.clone(), first), next_heartbeat);
                let (canceller, context) = self.context(&id, debug);
                let work = sync::sync(self, &order, &context);
                Some(self.until_ended(work, &canceller, heart.stopped()).await)
            }
        }
    }

    fn context(&self, id: &str, debug: bool) -> (Canceller, TaskContext) {
        let (canceller, cancellation) = Canceller::new();
        let log = if debug { TaskLog::kept(Arc::clone(&self.clock)) } else { TaskLog::default() };
        (canceller, TaskContext { task_id: id.to_owned(), cancellation, log })
    }

    /// Waits for `work`; if its heart stops or the process does, asks it to end, and waits a little more.
    async fn until_ended(
        &self,
        work: impl Future<Output = TaskEnd>,
        canceller: &Canceller,
        stopped: impl Future<Output = BeatEnd>,
    ) -> TaskEnd {
        let mut work = pin!(work);
        let why = tokio::select! {
            biased;
            end = &mut work => return end,
            () = self.stop.cancelled() => STOPPING,
            end = stopped => end.reason(),
        };
        canceller.cancel();
        match tokio::time::timeout(self.times.grace, work).await {
            // What was done nevertheless counts; how it was broken off does not.
            Ok(end @ TaskEnd::Success { .. }) => end,
            Ok(TaskEnd::Failure { .. }) | Err(_) => TaskEnd::cancelled(why),
        }
    }
}
