//! One reading of a run that is in the store: a task for each collection.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use graph::Traversal;
use jiff::Timestamp;
use model::{CollectionAddress, RandomIds, RunId};
use store::{NewTask, Retry, RowCount, RunKind, RunState, Store, StoreError, TaskId, TaskState};
use tokio::runtime::Handle;

use crate::kept_outcome::KeptOutcome;
use crate::row_writer::StoredWriter;
use crate::sealed_rows::Stored;
use crate::stop::{Halt, Stop, Why};
use crate::{CollectionOutcome, HoldError, HoldRequest, RowsError, StoredRows, TaskHold};

/// How often a step is tried that the store was too busy for, and the first wait between two of them.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(25);
/// Time between two looks at a task that somebody else holds.
const LOOK: Duration = Duration::from_millis(100);

/// The reading, as its collections see it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) runtime: Handle,
    run: RunId,
    worker: String,
    kind: String,
    /// Rows are kept as they were received beside what other collections are read with: changing them
    /// needs all of them.
    pub(crate) keeps_received: bool,
}

/// What a collection is to do.
pub(crate) enum Taken {
    /// Nothing: it was read before.
    Over(Box<CollectionOutcome>),
    /// Read, or go on.
    Ours(Box<StoredWriter>),
    /// Nothing, because the run is to stop.
    Stopped(Why),
}

impl Stage {
    /// Looks at the run and makes the tasks that are missing. Gives the run's deadline too.
    pub(crate) async fn prepare(
        rows: StoredRows,
        run: RunId,
        traversal: &Traversal,
    ) -> Result<(Self, Option<Timestamp>), StoreError> {
        let StoredRows { store, worker, stage: kind } = rows;
        let mut stage = Self { store, runtime: Handle::current(), run, worker, kind, keeps_received: false };
        let found = stage.retried(|| stage.store.get_run(&stage.run)).await?;
        stage.keeps_received = match found.kind {
            RunKind::Access => false,
            RunKind::Erasure | RunKind::Rectification => true,
        };
        if found.state == RunState::Active {
            let missing = stage.missing(traversal).await?;
            if !missing.is_empty() {
                stage.retried(|| stage.store.task_add(&stage.run, &missing)).await?;
            }
        }
        Ok((stage, found.deadline_at))
    }

    async fn missing(&self, traversal: &Traversal) -> Result<Vec<NewTask>, StoreError> {
        let known = self.retried(|| self.store.task_list(&self.run)).await?;
        let names: std::collections::HashSet<&str> =
            known.iter().filter(|task| task.kind == self.kind).map(|task| task.name.as_str()).collect();
        let nodes = traversal.nodes().iter().map(|node| node.address().to_string());
        let tasks = nodes.filter(|name| !names.contains(name.as_str())).map(|name| NewTask {
            id: TaskId::new(&RandomIds),
            kind: self.kind.clone(),
            name,
            after: Vec::new(),
            due_at: None,
        });
        Ok(tasks.collect())
    }

    /// Takes a collection; waits while another worker reads it.
    pub(crate) async fn take(
        self: &Arc<Self>,
        address: &CollectionAddress,
        stop: &Stop,
    ) -> Result<Taken, Halt> {
        let failed = |source| RowsError::of_store(address, source);
        let request = HoldRequest {
            run: self.run.clone(),
            kind: self.kind.clone(),
            name: address.to_string(),
            worker: self.worker.clone(),
            wait: None,
        };
        loop {
            if let Some(outcome) = self.kept(address).await.map_err(failed)? {
                return Ok(Taken::Over(Box::new(outcome)));
            }
            if let Some(why) = stop.now() {
                return Ok(Taken::Stopped(why));
            }
            // Never given up half-way: the task would stay held until its lease ends.
            match TaskHold::claim(&self.store, &request).await {
                Ok(hold) => {
                    let writer = StoredWriter { stage: Arc::clone(self), hold, address: address.clone() };
                    return Ok(Taken::Ours(Box::new(writer)));
                }
                // Whoever holds it may be gone, and nobody takes over in a run that does not go on.
                Err(
                    HoldError::HeldByAnother { .. }
                    | HoldError::NotReady { .. }
                    | HoldError::Missing { .. }
                    | HoldError::Over { .. },
                ) => {
                    let run = self.retried(|| self.store.get_run(&self.run)).await.map_err(failed)?;
                    let over = self.kept(address).await.map_err(failed)?;
                    match (over, run.state) {
                        (Some(outcome), _) => return Ok(Taken::Over(Box::new(outcome))),
                        // Still held, or given back between our two looks.
                        (None, RunState::Active) => {
                            let _ = tokio::time::timeout(LOOK, stop.wait()).await;
                        }
                        (None, state) => return Err(Halt::NotActive(state)),
                    }
                }
                Err(HoldError::Store(error)) if error.retry() == Retry::Yes => {
                    tokio::time::sleep(LOOK).await;
                }
                Err(HoldError::Store(source)) => return Err(failed(source).into()),
            }
        }
    }

    /// The outcome of a collection that was read before.
    async fn kept(&self, address: &CollectionAddress) -> Result<Option<CollectionOutcome>, StoreError> {
        let name = address.to_string();
        let task = self.retried(|| self.store.task_find(&self.run, &self.kind, &name)).await?;
        let Some(task) = task.filter(|task| task.state == TaskState::Done) else { return Ok(None) };
        let kept = self.retried(|| self.store.read_outcome(&self.run, &task.id)).await?;
        let damaged = || StoreError::Damaged { what: "the outcome of a reading" };
        // A task that is done has an outcome, unless the rows of its run were forgotten.
        let kept = kept.ok_or_else(|| StoreError::Forgotten { run: self.run.clone() })?;
        let kept: KeptOutcome = serde_json::from_slice(&kept).map_err(|_| damaged())?;
        let sealed = Stored {
            store: self.store.clone(),
            run: self.run.clone(),
            task: task.id,
            address: address.clone(),
            rows: RowCount::Exactly(kept.rows()),
            runtime: self.runtime.clone(),
        };
        Ok(Some(kept.with(sealed.into())))
    }

    /// Tries again, with longer and longer waits, what the store was too busy for or cut off from.
    pub(crate) async fn retried<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut wait = FIRST_WAIT;
        for _ in 1..ATTEMPTS {
            match call().await {
                Err(error) if error.retry() == Retry::Yes => {
                    tracing::warn!(run = %self.run, %error, "a step of the store is tried again");
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                ended => return ended,
            }
        }
        call().await
    }
}
