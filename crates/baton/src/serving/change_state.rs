use std::sync::Arc;

use connector::Connector;
use engine::Concurrency;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use governance::change::{AccessChange, AccessChanges, Approval, ChangeParts, ChangeReport};
use jiff::{SignedDuration, Timestamp};
use model::{Clock, Outcome, RandomIds};
use store::{Actor, RunState, Store, StoreError};
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::command_line::Workers;
use crate::one_shot::{FolderError, JobFolder, OneShotError, all_is_known, calls_at_once};

/// How large the state of changes becomes before it is begun anew: thousands of changes.
const FULL_BYTES: u64 = 32 * 1024 * 1024;
/// How long a change of which nobody knows whether it was made keeps a full state from being begun anew. Later,
/// reading tells as well.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// As many leftovers are looked at at once.
const MOST_LEFT: u32 = 1000;

/// Makes changes, and remembers those of which nobody knows yet whether they were made, also if the process is killed.
pub(super) struct ChangeState {
    folder: Arc<JobFolder>,
    connector: Connector,
    limits: Concurrency,
    worker: String,
    clock: Arc<dyn Clock>,
    /// Nothing where it could not be opened again. Written while no change is under way.
    store: RwLock<Option<Store>>,
    full_bytes: u64,
}

impl ChangeState {
    pub(super) async fn open(
        folder: Arc<JobFolder>,
        (connector, workers): (Connector, Workers),
        (worker, clock): (String, Arc<dyn Clock>),
    ) -> Result<Self, FolderError> {
        let store = open(&folder, &clock).await?;
        Ok(Self {
            folder,
            connector,
            // Apart from those of a sync: somebody waits for a change.
            limits: calls_at_once(workers),
            worker,
            clock,
            store: RwLock::new(Some(store)),
            full_bytes: FULL_BYTES,
        })
    }

    /// Carries a change out.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: the same change again finds out what became of it.
    pub(super) fn apply<'a>(
        &'a self,
        change: &'a AccessChange,
    ) -> BoxFuture<'a, Result<ChangeReport, OneShotError>> {
        // Boxed: callers would hold all of it.
        Box::pin(self.apply_in(change))
    }

    async fn apply_in(&self, change: &AccessChange) -> Result<ChangeReport, OneShotError> {
        let store = self.opened().boxed().await?;
        let Some(store) = &*store else { return Err(FolderError::Store(gone()).into()) };
        let changes = AccessChanges::new(ChangeParts {
            connector: self.connector.clone(),
            store: store.clone(),
            limits: self.limits.clone(),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            worker: self.worker.clone(),
        })?;
        Ok(changes.apply(change, Approval::Given, &Actor::system()).boxed().await?)
    }

    /// The state, begun anew before if it is full and nobody works on it.
    async fn opened(&self) -> Result<RwLockReadGuard<'_, Option<Store>>, FolderError> {
        let store = self.store.read().await;
        let is_open = store.is_some();
        if is_open && self.folder.state_bytes() < self.full_bytes {
            return Ok(store);
        }
        drop(store);
        let mut store = if is_open {
            // Changes that are under way are not waited for: the next one finds room.
            let Ok(store) = self.store.try_write() else { return Ok(self.store.read().await) };
            store
        } else {
            self.store.write().await
        };
        let since = self.clock.now().saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        if let Some(full) = store.as_ref().filter(|_| self.folder.state_bytes() >= self.full_bytes)
            && all_is_known(full, since).await
        {
            full.close().await;
            *store = None;
            self.folder.empty()?;
        }
        if store.is_none() {
            *store = Some(open(&self.folder, &self.clock).await?);
        }
        Ok(store.downgrade())
    }

    /// Closes it. Whether all is known that was done with it, so that nobody needs it any more.
    pub(super) async fn close(self) -> bool {
        let Some(store) = self.store.into_inner() else { return false };
        let is_all_known = all_is_known(&store, Timestamp::MIN).await;
        store.close().await;
        is_all_known
    }
}

/// Opens it. Who left something behind works no more: what they did not plan was not sent.
async fn open(folder: &JobFolder, clock: &Arc<dyn Clock>) -> Result<Store, FolderError> {
    let store = folder.open(Arc::clone(clock)).await?;
    for run in store.run_list(RunState::Active, MOST_LEFT).await? {
        if store.plan_of_run(&run.id).await?.is_none() {
            store.run_finish(&run.id, Some(Outcome::Failed)).await?;
        }
    }
    Ok(store)
}

fn gone() -> StoreError {
    StoreError::NotFound { what: "the state of changes", id: String::new() }
}
