use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use connector::Person;
use futures::FutureExt;
use graph::{Traversal, TraversalNode};
use model::{CollectionAddress, Completeness, ConnectionKey, RunId};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::error;

use crate::collection::{CollectionRun, panicked};
use crate::spool::{SpoolFolder, SpoolWriter};
use crate::upstream::Upstream;
use crate::{Cancellation, CollectionOutcome, Concurrency, Progress, RowKeeping, RunOutcome, Source, SpoolError, Status};

/// Progress events that may wait for the caller before readers wait too.
const PROGRESS_BACKLOG: usize = 256;

/// What to run, for one person.
#[derive(Debug)]
pub struct RunPlan {
    /// Id of the run; bound into every sealed page.
    pub run_id: RunId,
    /// What is read, and in which order.
    pub traversal: Traversal,
    /// The connections, by the key of their dataset.
    pub sources: HashMap<ConnectionKey, Source>,
    /// Whose data.
    pub person: Person,
    /// Calls in flight; share it between runs.
    pub limits: Concurrency,
    /// Where its rows are kept.
    pub rows: RowKeeping,
    /// How to stop.
    pub cancellation: Cancellation,
}

/// Why a run gave nothing at all; trying again helps once the cause is gone.
#[derive(Debug, Error)]
pub enum RunError {
    /// A collection belongs to no connection of the plan.
    #[error("no connection `{dataset}` for collection `{collection}`; add it to the project")]
    ConnectionMissing {
        /// Key of the dataset.
        dataset: String,
        /// The collection.
        collection: CollectionAddress,
    },
    /// Rows cannot be kept on this machine.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Reads every collection of the plan and keeps its rows sealed on disk.
///
/// A collection starts as soon as everything it waits for has ended; independent ones run at the
/// same time. One that fails leaves the others alone; those that take values from it are marked.
/// `on_progress` is called on the caller's task, in order.
///
/// # Errors
/// [`RunError`] if a connection is missing or rows cannot be stored. Everything that goes wrong at
/// an application is part of the outcome.
///
/// # Cancel safety
/// Dropping the future stops all readers and removes the stored rows.
pub async fn run(
    plan: RunPlan,
    on_progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<RunOutcome, RunError> {
    let folder = match &plan.rows {
        RowKeeping::Spool(folder) => SpoolFolder::create(folder, plan.run_id.clone())?,
        RowKeeping::Store(_) => todo!(),
    };
    let (progress, mut events) = mpsc::channel(PROGRESS_BACKLOG);
    let mut scheduler = Scheduler {
        traversal: Arc::new(plan.traversal),
        sources: plan.sources,
        person: Arc::new(plan.person),
        limits: plan.limits,
        cancellation: plan.cancellation,
        folder,
        progress,
        waiting: Vec::new(),
        ended: BTreeMap::new(),
        running: JoinSet::new(),
    };
    scheduler.waiting = (0..scheduler.traversal.nodes().len()).collect();
    scheduler.note_skipped();
    scheduler.start_ready()?;
    loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => on_progress(event),
            joined = scheduler.running.join_next() => match joined {
                Some(Ok((address, outcome))) => {
                    // Events of this collection were sent before it ended.
                    while let Ok(event) = events.try_recv() {
                        on_progress(event);
                    }
                    let outcome = outcome?;
                    on_progress(Progress::Ended { collection: address.clone(), status: outcome.status, rows: outcome.rows });
                    scheduler.ended.insert(address, outcome);
                    scheduler.start_ready()?;
                }
                // Panics are caught inside and nothing aborts the tasks: only a runtime that goes
                // down does, and this task with it.
                Some(Err(_)) => {}
                None => break,
            },
        }
    }
    Ok(RunOutcome { collections: scheduler.ended })
}

struct Scheduler {
    traversal: Arc<Traversal>,
    sources: HashMap<ConnectionKey, Source>,
    person: Arc<Person>,
    limits: Concurrency,
    cancellation: Cancellation,
    folder: Arc<SpoolFolder>,
    progress: mpsc::Sender<Progress>,
    /// Positions of nodes that have not started.
    waiting: Vec<usize>,
    ended: BTreeMap<CollectionAddress, CollectionOutcome>,
    running: JoinSet<(CollectionAddress, Result<CollectionOutcome, SpoolError>)>,
}

impl Scheduler {
    /// Collections that the traversal leaves out are complete: there was nothing to ask with.
    fn note_skipped(&mut self) {
        let first = self.traversal.nodes().len();
        for (number, skipped) in self.traversal.skipped().iter().enumerate() {
            let rows = SpoolWriter::new(&self.folder, &skipped.address, first + number).finish();
            let mut outcome = CollectionOutcome::unread(Status::Skipped, Completeness::Complete, rows);
            outcome.note = Some(skipped.to_string());
            self.ended.insert(skipped.address.clone(), outcome);
        }
    }

    /// Starts every collection that waits for nothing any more.
    fn start_ready(&mut self) -> Result<(), RunError> {
        let traversal = Arc::clone(&self.traversal);
        let mut still_waiting = Vec::new();
        for position in std::mem::take(&mut self.waiting) {
            let Some(node) = traversal.nodes().get(position) else { continue };
            if node.waits_for.iter().all(|address| self.ended.contains_key(address)) {
                self.start(node, position)?;
            } else {
                still_waiting.push(position);
            }
        }
        self.waiting = still_waiting;
        Ok(())
    }

    fn start(&mut self, node: &TraversalNode, position: usize) -> Result<(), RunError> {
        let address = node.address().clone();
        let source = address.dataset().parse::<ConnectionKey>().ok().and_then(|key| self.sources.get(&key));
        let source = source.ok_or_else(|| RunError::ConnectionMissing {
            dataset: address.dataset().to_owned(),
            collection: address.clone(),
        })?;
        let sources = node.waits_for.iter().filter_map(|first| {
            let outcome = self.ended.get(first).filter(|outcome| outcome.is_usable())?;
            Some((first.clone(), outcome.sealed.clone()))
        });
        let collection = CollectionRun {
            traversal: Arc::clone(&self.traversal),
            position,
            source: source.clone(),
            person: Arc::clone(&self.person),
            rows: sources.collect(),
            upstream: Upstream::of(node, &self.ended),
            folder: Arc::clone(&self.folder),
            limits: self.limits.clone(),
            cancellation: self.cancellation.clone(),
            progress: self.progress.clone(),
        };
        let node = node.clone();
        let folder = Arc::clone(&self.folder);
        self.running.spawn(async move {
            let read = AssertUnwindSafe(collection.read(&node)).catch_unwind().await;
            let outcome = read.unwrap_or_else(|_panic| {
                error!(collection = %address, "reader stopped by a panic");
                let rows = SpoolWriter::new(&folder, &address, position).finish();
                Ok(CollectionOutcome::unread(Status::Failed, panicked(), rows))
            });
            (address, outcome)
        });
        Ok(())
    }
}
