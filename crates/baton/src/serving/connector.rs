use std::path::Path;
use std::sync::Arc;

use connector::Connector;
use engine::Cancellation;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use governance::{FileTimes, SyncProgress};
use model::Clock;
use protos::c1::connector::v2::ConnectorMetadata;
use serde_json::Value;

use super::change_state::ChangeState;
use super::failure::{failure, own_state};
use super::order_part::part_of_order;
use super::place::{IsOver, ServicePlace};
use crate::command_line::{Permission, SyncSettings};
use crate::description;
use crate::one_shot::{SyncJob, note};
use crate::service::{Provisioner, ServedConnector, SyncOrder, TaskContext, TaskFailure};

/// A connector file that does what tasks ask for.
pub(super) struct FileConnector {
    pub(super) connector: Connector,
    pub(super) definition: String,
    pub(super) values: Vec<(String, Value)>,
    pub(super) sync: SyncSettings,
    pub(super) provisioning: Permission,
    pub(super) times: FileTimes,
    pub(super) worker: String,
    pub(super) clock: Arc<dyn Clock>,
    /// Whether the process is asked to stop.
    pub(super) stop: Cancellation,
    pub(super) place: ServicePlace,
    pub(super) changes: ChangeState,
}

impl FileConnector {
    /// Gives its place back, with what nobody needs any more.
    pub(super) async fn close(self) {
        let is_over = if self.changes.close().await { IsOver::Yes } else { IsOver::No };
        self.place.leave(is_over);
    }

    async fn read_into(
        &self,
        target: &Path,
        (order, context): (&SyncOrder, &TaskContext),
    ) -> Result<(), TaskFailure> {
        let file = &self.connector.connection().file;
        let part = part_of_order(file, (order, &self.sync))?;
        let checkpoints = self.place.checkpoints(&context.task_id, &*self.clock).await;
        let checkpoints = checkpoints.map_err(|error| own_state(&error))?;
        let progress = |progress: SyncProgress| {
            if let SyncProgress::Ended { kind } = &progress {
                context.log.note(format_args!("list of `{kind}` ends"));
            }
            note(progress);
        };
        let job = SyncJob {
            connector: &self.connector,
            definition: &self.definition,
            values: &self.values,
            workers: self.sync.workers,
            part,
            target,
            times: self.times,
            worker: &self.worker,
            clock: Arc::clone(&self.clock),
            cancellation: context.cancellation.clone(),
            progress: &progress,
        };
        let done = job.run(&checkpoints).boxed().await;
        // A task whose end is told is not gone on with (baton P-27). One that the end of the process cuts short is,
        // if the next process is given it again.
        if !self.stop.is_cancelled() {
            checkpoints.remove();
        }
        let report = done.map_err(|error| failure(&error))?;
        context.log.note(format_args!("{} calls", report.requests));
        tracing::info!(task = %context.task_id, requests = report.requests, "sync is read");
        // A file without rows of a kind says that nobody has any of it; nothing is uploaded then.
        job.missing(&report).map_or(Ok(()), |error| Err(failure(&error)))
    }
}

impl ServedConnector for FileConnector {
    fn metadata(&self) -> BoxFuture<'_, Result<ConnectorMetadata, TaskFailure>> {
        let metadata = description::metadata(&self.connector.connection().file, self.provisioning);
        Box::pin(std::future::ready(Ok(metadata)))
    }

    fn sync<'a>(
        &'a self,
        order: &'a SyncOrder,
        target: &'a Path,
        context: &'a TaskContext,
    ) -> BoxFuture<'a, Result<(), TaskFailure>> {
        Box::pin(self.read_into(target, (order, context)))
    }

    fn provisioner(&self) -> Option<&dyn Provisioner> {
        Some(self)
    }
}
