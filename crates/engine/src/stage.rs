//! One reading of a run that is in the store: a task for each collection.

mod claims;

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crypto::HashKey;
use graph::Traversal;
use jiff::Timestamp;
use model::{CollectionAddress, RandomIds, RunId};
use store::{NewTask, Retry, RowCount, RunKind, RunState, Store, StoreError, TaskId, TaskState};
use tokio::runtime::Handle;
use tokio::time::Instant;

use self::claims::Claims;
use crate::basis::Basis;
use crate::kept_outcome::KeptOutcome;
use crate::row_writer::{LastPages, StoredWriter};
use crate::sealed_rows::{PagesInHand, Stored};
use crate::stop::{Halt, Stop, Why};
use crate::{CollectionOutcome, HoldError, HoldRequest, RowsError, RunBegun, StoredRows, TaskHold};

/// How often a step is tried that the store was too busy for, and the first wait between two of them.
const ATTEMPTS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(25);
/// Time between two looks at a task that somebody else holds.
const LOOK: Duration = Duration::from_millis(100);
/// How often a wait that goes on is spoken of.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// The reading, as its collections see it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) runtime: Handle,
    /// Of what rows rest on.
    pub(crate) key: HashKey,
    run: RunId,
    worker: String,
    kind: String,
    /// Rows are kept as they were received beside what other collections are read with: changing them
    /// needs all of them.
    pub(crate) keeps_received: bool,
    /// Names of the tasks that were made for this reading: nobody has read them yet.
    fresh: HashSet<String>,
    claims: Claims,
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
        let StoredRows { store, worker, stage: kind, begun } = rows;
        let (run_kind, found) = match begun {
            RunBegun::Now(kind) | RunBegun::Afresh(kind) => (kind, None),
            RunBegun::Before => {
                let found = retried(&run, || store.get_run(&run)).await?;
                (found.kind, Some(found))
            }
        };
        let key = retried(&run, || store.run_hash_key(&run)).await?;
        let runtime = Handle::current();
        let (fresh, claims) = (HashSet::new(), Claims::default());
        let mut stage = Self { store, runtime, key, run, worker, kind, keeps_received: false, fresh, claims };
        stage.keeps_received = match run_kind {
            RunKind::Access | RunKind::Sync | RunKind::AccessChange => false,
            RunKind::Erasure | RunKind::Rectification => true,
        };
        let Some(found) = found else {
            if matches!(begun, RunBegun::Afresh(_)) {
                let tasks = reading_tasks(traversal, &stage.kind);
                stage.retried(|| stage.store.task_add(&stage.run, &tasks)).await?;
            }
            stage.fresh = traversal.nodes().iter().map(|node| node.address().to_string()).collect();
            return Ok((stage, None));
        };
        if found.state == RunState::Active {
            let missing = stage.missing(traversal).await?;
            if !missing.is_empty() {
                stage.retried(|| stage.store.task_add(&stage.run, &missing)).await?;
                stage.fresh = missing.into_iter().map(|task| task.name).collect();
            }
        }
        Ok((stage, found.deadline_at))
    }

    async fn missing(&self, traversal: &Traversal) -> Result<Vec<NewTask>, StoreError> {
        let known = self.retried(|| self.store.task_list(&self.run)).await?;
        let names: HashSet<&str> =
            known.iter().filter(|task| task.kind == self.kind).map(|task| task.name.as_str()).collect();
        let tasks = reading_tasks(traversal, &self.kind);
        Ok(tasks.into_iter().filter(|task| !names.contains(task.name.as_str())).collect())
    }

    /// Takes a collection; waits while another worker reads it, and says so.
    pub(crate) async fn take(
        self: &Arc<Self>,
        address: &CollectionAddress,
        basis: &Basis,
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
        let (mut patience, mut is_added, mut trouble) = (Patience::default(), false, 0);
        let mut is_fresh = self.fresh.contains(&request.name);
        loop {
            if !is_fresh && let Some(outcome) = self.kept(address, basis).await? {
                return Ok(Taken::Over(Box::new(outcome)));
            }
            if let Some(why) = stop.now() {
                return Ok(Taken::Stopped(why));
            }
            // Never given up half-way: the task would stay held until its lease ends.
            let with_others = if is_fresh { self.claim_with_others(&request.name).await } else { None };
            is_fresh = false;
            let claimed = match with_others {
                Some(hold) => Ok(hold),
                None => TaskHold::claim(&self.store, &request).await,
            };
            let refusal = match claimed {
                Ok(hold) => {
                    let (stage, address, basis) = (Arc::clone(self), address.clone(), basis.clone());
                    return Ok(Taken::Ours(Box::new(StoredWriter {
                        stage,
                        hand: PagesInHand::of_attempt(hold.claimed().attempt),
                        hold,
                        address,
                        basis,
                        last: LastPages::default(),
                    })));
                }
                Err(HoldError::Store(error)) if error.retry() == Retry::Yes && trouble < ATTEMPTS => {
                    tracing::warn!(collection = %address, %error, "a task is asked for again");
                    tokio::time::sleep(LOOK * 2u32.pow(trouble)).await;
                    trouble += 1;
                    continue;
                }
                Err(HoldError::Store(source)) => return Err(failed(source).into()),
                Err(refusal) => refusal,
            };
            trouble = 0;
            // Whoever holds it may be gone, and nobody takes over in a run that does not go on.
            let run = self.retried(|| self.store.get_run(&self.run)).await.map_err(failed)?;
            if let Some(outcome) = self.kept(address, basis).await? {
                return Ok(Taken::Over(Box::new(outcome)));
            }
            if run.state != RunState::Active {
                return Err(Halt::NotActive(run.state));
            }
            match refusal {
                // Still held, or given back between our two looks.
                HoldError::HeldByAnother { .. } | HoldError::NotReady { .. } => {
                    patience.say(address, &refusal);
                    let _ = tokio::time::timeout(LOOK, stop.wait()).await;
                }
                // The run was held when the tasks were made.
                HoldError::Missing { .. } if !is_added => {
                    let task = task(address.to_string(), &self.kind);
                    let tasks = std::slice::from_ref(&task);
                    self.retried(|| self.store.task_add(&self.run, tasks)).await.map_err(failed)?;
                    is_added = true;
                }
                HoldError::Missing { name, .. } => {
                    return Err(failed(StoreError::NotFound { what: "task", id: name }).into());
                }
                HoldError::Over { state, .. } => return Err(Halt::Unread(address.clone(), state)),
                HoldError::Store(source) => return Err(failed(source).into()),
            }
        }
    }

    /// Fails if the rows of the run were destroyed before a task of it was taken here.
    pub(crate) async fn still_keeps(&self) -> Result<(), StoreError> {
        // Taking a task gives its run's key, unless that is gone: the store is not asked for it.
        self.store.run_hash_key(&self.run).await.map(|_| ())
    }

    /// The outcome of a collection that was read before, on this basis.
    async fn kept(
        &self,
        address: &CollectionAddress,
        basis: &Basis,
    ) -> Result<Option<CollectionOutcome>, Halt> {
        let failed = |source| RowsError::of_store(address, source);
        let name = address.to_string();
        let found = self.retried(|| self.store.task_find(&self.run, &self.kind, &name));
        let task = found.await.map_err(failed)?;
        let Some(task) = task.filter(|task| task.state == TaskState::Done) else { return Ok(None) };
        let kept = self.retried(|| self.store.read_outcome(&self.run, &task.id));
        let kept = kept_outcome(&self.run, kept.await.map_err(failed)?).map_err(failed)?;
        if !kept.rests_on(basis) {
            return Err(Halt::Changed(address.clone()));
        }
        let sealed = Stored {
            store: self.store.clone(),
            run: self.run.clone(),
            task: task.id,
            address: address.clone(),
            rows: RowCount::Exactly(kept.rows()),
            in_hand: None,
            runtime: self.runtime.clone(),
        };
        Ok(Some(kept.with(sealed.into())))
    }

    /// Tries again, with longer and longer waits, what the store was too busy for or cut off from.
    pub(crate) async fn retried<T, F>(&self, call: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        retried(&self.run, call).await
    }
}

/// The tasks of the reading `stage` of a run, one for each collection; for a run that is made with them.
pub fn reading_tasks(traversal: &Traversal, stage: &str) -> Vec<NewTask> {
    traversal.nodes().iter().map(|node| task(node.address().to_string(), stage)).collect()
}

fn task(name: String, stage: &str) -> NewTask {
    let (id, kind) = (TaskId::new(&RandomIds), stage.to_owned());
    NewTask { id, kind, name, after: Vec::new(), due_at: None }
}

/// As [`Stage::retried`].
pub(crate) async fn retried<T, F>(run: &RunId, mut call: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut wait = FIRST_WAIT;
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(error) if error.retry() == Retry::Yes => {
                tracing::warn!(%run, %error, "a step of the store is tried again");
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            ended => return ended,
        }
    }
    call().await
}

/// The outcome in what the store has of a task that is done.
pub(crate) fn kept_outcome(run: &RunId, kept: Option<Vec<u8>>) -> Result<KeptOutcome, StoreError> {
    // A task that is done has an outcome, unless the rows of its run were forgotten.
    let kept = kept.ok_or_else(|| StoreError::Forgotten { run: run.clone() })?;
    serde_json::from_slice(&kept).map_err(|_| StoreError::Damaged { what: "the outcome of a reading" })
}

/// Says from time to time what is waited for.
#[derive(Default)]
struct Patience {
    said: Option<Instant>,
}

impl Patience {
    fn say(&mut self, address: &CollectionAddress, why: &HoldError) {
        if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            tracing::info!(collection = %address, %why, "a collection is waited for");
            self.said = Some(Instant::now());
        }
    }
}
