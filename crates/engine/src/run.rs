use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use connector::Person;
use futures::FutureExt;
use graph::{Traversal, TraversalNode};
use jiff::Timestamp;
use model::{CollectionAddress, Completeness, ConnectionKey, RunId};
use store::{RunState, StoreError, TaskState};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::error;

use crate::collection::{CollectionRun, Keeping, panicked};
use crate::spool::SpoolFolder;
use crate::stage::Stage;
use crate::stop::{Halt, Stop, Why};
use crate::upstream::Upstream;
use crate::{
    Cancellation, CollectionOutcome, Concurrency, JobWait, Progress, RowKeeping, RowsError, RunOutcome,
    SealedRows, Source, SpoolError, Status, WaitsFor,
};

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
    /// What it does while an application works on what it was asked for.
    pub waiting: JobWait,
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
    /// Rows cannot be kept.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run does not go on; what was read is kept.
    #[error("{run} is {}; {}", .state.as_str(), next_step(*.state))]
    NotActive {
        /// The run.
        run: RunId,
        /// How it is.
        state: RunState,
    },
    /// A collection was read with something else than what is given now: its rows are no answer.
    #[error(
        "`{collection}` of {run} was read with other files, settings or secrets than those given now; go on with the same ones, or make a new run"
    )]
    Changed {
        /// The run.
        run: RunId,
        /// The collection.
        collection: CollectionAddress,
    },
    /// Applications are to bring rows of collections by calls of their own, or work on them; all else that
    /// could be read was.
    #[error("{run} waits for applications to {} {}", waits_for(*.by), listed(.collections))]
    Waits {
        /// The run.
        run: RunId,
        /// Which collections.
        collections: Vec<CollectionAddress>,
        /// Until when the first of them may, or when it is looked at again.
        until: Timestamp,
        /// What it waits for; a call, if it waits for both.
        by: WaitsFor,
    },
    /// The task of a collection is over without an outcome: waiting for it would never end.
    #[error("`{collection}` of {run} is not read any more: its task is {}; make a new run", .state.as_str())]
    Unread {
        /// The run.
        run: RunId,
        /// The collection.
        collection: CollectionAddress,
        /// How its task ended.
        state: TaskState,
    },
}

impl From<SpoolError> for RunError {
    fn from(error: SpoolError) -> Self {
        Self::Rows(error.into())
    }
}

fn listed(collections: &[CollectionAddress]) -> String {
    collections.iter().map(|address| format!("`{address}`")).collect::<Vec<_>>().join(", ")
}

fn waits_for(by: WaitsFor) -> &'static str {
    match by {
        WaitsFor::Call => "call back about",
        WaitsFor::Job => "be done with",
    }
}

fn next_step(state: RunState) -> &'static str {
    match state {
        RunState::Paused => "resume it and run again to go on from the last page",
        RunState::Active => "run again",
        RunState::Cancelled | RunState::Finished => "make a new one",
    }
}

/// Reads every collection of the plan and keeps its rows sealed.
///
/// A collection starts as soon as everything it waits for has ended; independent ones run at the
/// same time. One that fails leaves the others alone; those that take values from it are marked.
/// `on_progress` is called on the caller's task, in order.
///
/// With [`RowKeeping::Store`] the run goes on where it stood: a collection that was read to some end
/// before is not read again, and one that was begun goes on from its last page. Several processes may
/// run it at once; each collection is read by one of them. One that was stopped, by cancellation or by
/// the run's deadline, gives the rows so far and is not over. One of which an application is to bring rows
/// by a call of its own ends with [`RunError::Waits`] and goes on when it is run again; so does one of which
/// an application makes rows by a job, with [`JobWait::SetAside`].
///
/// # Errors
/// [`RunError`] if a connection is missing, rows cannot be kept, or the run is paused, cancelled or
/// finished. Everything that goes wrong at an application is part of the outcome.
///
/// # Cancel safety
/// Dropping the future stops all readers. Rows in the spool go with it; a run in the store goes on from
/// its last page when it is run again, once the leases of its collections have ended.
pub async fn run(
    plan: RunPlan,
    on_progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<RunOutcome, RunError> {
    run_with(plan, BTreeMap::new(), on_progress).await
}

/// Does the same, and reads what waits for a collection in `given` with these rows, whatever the
/// collection itself holds now. For looking again at what was reached over rows that are gone since.
///
/// # Errors
/// As [`run`].
///
/// # Cancel safety
/// As [`run`].
pub async fn run_with(
    plan: RunPlan,
    given: BTreeMap<CollectionAddress, SealedRows>,
    on_progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<RunOutcome, RunError> {
    let (keeping, deadline) = match plan.rows {
        RowKeeping::Spool(folder) => {
            (Keeping::Spool(SpoolFolder::create(&folder, plan.run_id.clone())?), None)
        }
        RowKeeping::Store(rows) => {
            let (stage, deadline) = Stage::prepare(rows, plan.run_id.clone(), &plan.traversal).await?;
            (Keeping::Store(Arc::new(stage)), deadline)
        }
    };
    let (progress, mut events) = mpsc::channel(PROGRESS_BACKLOG);
    let (stopper, stop) = Stop::new(plan.cancellation);
    let mut deadline = std::pin::pin!(passing(keeping.clone(), deadline));
    let mut scheduler = Scheduler {
        run: plan.run_id,
        traversal: Arc::new(plan.traversal),
        sources: plan.sources,
        person: Arc::new(plan.person),
        limits: plan.limits,
        waiting_for_jobs: plan.waiting,
        keeping,
        stop,
        stopper,
        progress,
        given,
        waiting: Vec::new(),
        ended: BTreeMap::new(),
        running: JoinSet::new(),
        outside: BTreeMap::new(),
        broken: None,
    };
    scheduler.waiting = (0..scheduler.traversal.nodes().len()).collect();
    scheduler.note_skipped();
    scheduler.start_ready()?;
    loop {
        tokio::select! {
            biased;
            () = &mut deadline, if scheduler.stop.now().is_none() => scheduler.halt(Why::Deadline),
            Some(event) = events.recv() => on_progress(event),
            joined = scheduler.running.join_next() => match joined {
                Some(Ok((address, outcome))) => {
                    // Events of this collection were sent before it ended. None is awaited that is not on its way:
                    // `try_recv` would stop this thread for one that is, and take the word that wakes its runtime.
                    while !events.is_empty() {
                        if let Some(event) = events.recv().await {
                            on_progress(event);
                        }
                    }
                    match outcome {
                        Ok(outcome) => {
                            on_progress(Progress::Ended { collection: address.clone(), status: outcome.status, rows: outcome.rows });
                            scheduler.ended.insert(address, outcome);
                            scheduler.start_ready()?;
                        }
                        Err(Halt::Waits(until, by)) => {
                            scheduler.outside.insert(address, (until, by));
                        }
                        Err(halt) => scheduler.note_halt(halt),
                    }
                }
                // Panics are caught inside and nothing aborts the tasks: only a runtime that goes
                // down does, and this task with it.
                Some(Err(_)) => {}
                None => break,
            },
        }
    }
    scheduler.outcome()
}

/// Completes when the run must be over; never, if it may take its time.
async fn passing(keeping: Keeping, deadline: Option<Timestamp>) {
    let (Keeping::Store(stage), Some(deadline)) = (keeping, deadline) else {
        return std::future::pending().await;
    };
    let clock = stage.store.clock();
    while let Ok(left) = Duration::try_from(deadline.duration_since(clock.now()))
        && !left.is_zero()
    {
        clock.sleep(left).await;
    }
}

struct Scheduler {
    run: RunId,
    traversal: Arc<Traversal>,
    sources: HashMap<ConnectionKey, Source>,
    person: Arc<Person>,
    limits: Concurrency,
    waiting_for_jobs: JobWait,
    keeping: Keeping,
    stop: Stop,
    stopper: watch::Sender<Option<Why>>,
    progress: mpsc::Sender<Progress>,
    /// Rows that stand for what a collection holds.
    given: BTreeMap<CollectionAddress, SealedRows>,
    /// Positions of nodes that have not started.
    waiting: Vec<usize>,
    ended: BTreeMap<CollectionAddress, CollectionOutcome>,
    running: JoinSet<(CollectionAddress, Result<CollectionOutcome, Halt>)>,
    /// Collections of which applications are to bring rows, until when and how.
    outside: BTreeMap<CollectionAddress, (Timestamp, WaitsFor)>,
    /// Why the run cannot go on; what is under way ends first.
    broken: Option<RunError>,
}

impl Scheduler {
    fn halt(&self, why: Why) {
        self.stopper.send_replace(Some(why));
    }

    /// The first reason stands. Where the run is only held, what is under way goes on to its end.
    fn note_halt(&mut self, halt: Halt) {
        let run = self.run.clone();
        let error = match halt {
            Halt::Rows(error) => RunError::Rows(error),
            Halt::Cancelled => RunError::NotActive { run, state: RunState::Cancelled },
            Halt::NotActive(state) => RunError::NotActive { run, state },
            Halt::Changed(collection) => RunError::Changed { run, collection },
            Halt::Unread(collection, state) => RunError::Unread { run, collection, state },
            // Its collection is taken again inside, or waits; they never come here.
            Halt::Lost | Halt::Waits(..) => RunError::NotActive { run, state: RunState::Active },
        };
        if !matches!(error, RunError::NotActive { state: RunState::Paused, .. }) {
            self.halt(Why::Broken);
        }
        self.broken.get_or_insert(error);
    }

    /// What the run came to, once nothing is under way any more.
    fn outcome(mut self) -> Result<RunOutcome, RunError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let until = self.outside.values().map(|(until, _)| *until).min();
        let by = self.outside.values().map(|(_, by)| *by).max();
        let (Some(until), Some(by)) = (until, by) else {
            return Ok(RunOutcome { collections: self.ended });
        };
        let Some(why) = self.stop.now() else {
            let collections = self.outside.into_keys().collect();
            return Err(RunError::Waits { run: self.run, collections, until, by });
        };
        for node in self.traversal.nodes() {
            self.ended.entry(node.address().clone()).or_insert_with(|| {
                CollectionOutcome::unread(Status::Skipped, why.completeness(), SealedRows::none())
            });
        }
        Ok(RunOutcome { collections: self.ended })
    }

    /// Collections that the traversal leaves out are complete: there was nothing to ask with.
    fn note_skipped(&mut self) {
        for skipped in self.traversal.skipped() {
            let rows = SealedRows::none();
            let mut outcome = CollectionOutcome::unread(Status::Skipped, Completeness::Complete, rows);
            outcome.note = Some(skipped.to_string());
            self.ended.insert(skipped.address.clone(), outcome);
        }
    }

    /// Starts every collection that waits for nothing any more.
    fn start_ready(&mut self) -> Result<(), RunError> {
        if self.broken.is_some() {
            return Ok(());
        }
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
            if let Some(rows) = self.given.get(first) {
                return Some((first.clone(), rows.clone()));
            }
            let outcome = self.ended.get(first).filter(|outcome| outcome.is_usable())?;
            Some((first.clone(), outcome.sealed.clone()))
        });
        let traversal = Arc::clone(&self.traversal);
        let collection = CollectionRun {
            traversal: Arc::clone(&self.traversal),
            position,
            source: source.clone(),
            person: Arc::clone(&self.person),
            rows: sources.collect(),
            upstream: Upstream::of(node, &self.ended, &self.given).unless_switched_off(node, source),
            keeping: self.keeping.clone(),
            limits: self.limits.clone(),
            waiting: self.waiting_for_jobs,
            stop: self.stop.clone(),
            progress: self.progress.clone(),
        };
        self.running.spawn(async move {
            let node = traversal.nodes().get(position).expect("the position is that of a node");
            let read = AssertUnwindSafe(collection.read(node)).catch_unwind().await;
            let outcome = read.unwrap_or_else(|_panic| {
                error!(collection = %address, "reader stopped by a panic");
                Ok(CollectionOutcome::unread(Status::Failed, panicked(), SealedRows::none()))
            });
            (address, outcome)
        });
        Ok(())
    }
}
