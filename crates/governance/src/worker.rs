//! Syncs that come by themselves, and access that ends at its time: for every connection of a store, by any number
//! of processes.
//!
//! What is due stands in the store; a worker sleeps until the next moment of it, or until somebody says that
//! something changed. One process at a time has the syncs of a connection, and whoever takes them after a crash goes
//! on with the same sync.

mod connected;
mod end;
mod hold;
mod moments;
mod schedule;
mod sync;

use std::sync::Arc;
use std::time::Duration;

use engine::Cancellation;
use jiff::Timestamp;
use model::{Clock, IdSource};
use store::{ClaimedAccessEnd, ClaimedSync, Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use connected::{Connected, Known, KnownState, OpenError, Opened};
pub use end::{EndOutcome, EndReport};
pub use schedule::{SHORTEST_INTERVAL, ScheduleError, check_schedule, next_sync};

use self::moments::Moments;
use crate::inventory::ShrinkGuard;

/// How long a silent process keeps what it took; others take it over after that.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
/// Between two signs of life.
pub(crate) const BEAT: Duration = Duration::from_secs(3);

/// What a [`Worker`] is made of.
#[derive(Debug, Clone)]
pub struct WorkerParts {
    /// Where everything is kept.
    pub store: Store,
    /// The connections, as they are now.
    pub connected: Arc<dyn Connected>,
    /// Name of this process among those that share the state.
    pub name: String,
    /// How many connections are read at once.
    pub slots: usize,
    /// Whether syncs that lost much are held back, unless their connection is set otherwise (governance CON-24).
    pub guard: ShrinkGuard,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
}

/// Reads connections when it is time, and ends access when it is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Worker {
    parts: Arc<WorkerParts>,
}

/// How many ends are carried out at once.
const ENDS: usize = 8;

/// What a task was about.
enum Over {
    Sync,
    End,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(parts: WorkerParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    pub(crate) fn parts(&self) -> &WorkerParts {
        &self.parts
    }

    /// Works until `cancellation` asks to stop; then lets go of every sync where it stands. What goes wrong with one
    /// connection is kept with it; what goes wrong with the store is told and tried again.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: others go on once the leases end.
    pub async fn run(&self, cancellation: Cancellation) {
        let mut moments = Moments::new(&self.parts);
        let mut tasks = JoinSet::new();
        let (mut syncs, mut ends) = (0, 0);
        while !cancellation.is_cancelled() {
            let looked = self.look(&mut moments).await;
            let taken = match looked {
                Ok(()) => self.take(&mut tasks, (&mut syncs, &mut ends), &cancellation).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                tracing::warn!(%error, "syncs and ends of access wait: the state database did not do what was asked");
                moments.trouble();
            }
            let is_full = syncs >= self.parts.slots || ends >= ENDS;
            tokio::select! {
                () = cancellation.cancelled() => break,
                Some(ended) = tasks.join_next() => match ended {
                    Ok(Over::Sync) => syncs -= 1,
                    Ok(Over::End) => ends -= 1,
                    Err(error) => {
                        // Its lease runs out by itself, and whoever takes it then counts the attempts. Which of the
                        // two it was is not known any more, so that no place is given back too many.
                        tracing::error!(%error, "a sync or an end of access ended in a panic");
                    }
                },
                () = moments.wait(is_full) => {}
            }
            if tasks.is_empty() {
                (syncs, ends) = (0, 0);
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Does what is due now, one after the other, until nothing is; says how much. For programs that end with their
    /// work.
    ///
    /// # Errors
    /// [`StoreError`] if what is due cannot be read.
    ///
    /// # Cancel safety
    /// As [`Worker::run`].
    pub async fn work_off(&self) -> Result<usize, StoreError> {
        let mut done = self.end_due().await?.len();
        self.look(&mut Moments::new(&self.parts)).await?;
        while let Some(claimed) = self.claim_sync().await? {
            Box::pin(self.clone().sync(claimed, Cancellation::never())).await;
            done += 1;
        }
        Ok(done)
    }

    /// Ends the access whose time has come, one after the other, and nothing else.
    ///
    /// # Errors
    /// [`StoreError`] if what is due cannot be read.
    ///
    /// # Cancel safety
    /// As [`Worker::run`].
    pub async fn end_due(&self) -> Result<Vec<EndReport>, StoreError> {
        let mut reports = Vec::new();
        while let Some(claimed) = self.claim_end().await? {
            reports.extend(Box::pin(self.clone().end(claimed)).await);
        }
        Ok(reports)
    }

    async fn take(
        &self,
        tasks: &mut JoinSet<Over>,
        (syncs, ends): (&mut usize, &mut usize),
        cancellation: &Cancellation,
    ) -> Result<(), StoreError> {
        // First: somebody was told until when.
        while *ends < ENDS {
            let Some(claimed) = self.claim_end().await? else { break };
            let worker = self.clone();
            tasks.spawn(async move {
                Box::pin(worker.end(claimed)).await;
                Over::End
            });
            *ends += 1;
        }
        while *syncs < self.parts.slots {
            let Some(claimed) = self.claim_sync().await? else { break };
            let (worker, cancellation) = (self.clone(), cancellation.clone());
            tasks.spawn(async move {
                Box::pin(worker.sync(claimed, cancellation)).await;
                Over::Sync
            });
            *syncs += 1;
        }
        Ok(())
    }

    /// Takes a sync that is due, with when it was asked for: the hold on it begins then, however late the answer comes.
    async fn claim_sync(&self) -> Result<Option<(ClaimedSync, Instant)>, StoreError> {
        let asked = Instant::now();
        let claimed = self.parts.store.connection_sync_claim(&self.parts.name, LEASE).await?;
        Ok(claimed.map(|claimed| (claimed, asked)))
    }

    /// The same of an end of access.
    async fn claim_end(&self) -> Result<Option<(ClaimedAccessEnd, Instant)>, StoreError> {
        let asked = Instant::now();
        let claimed = self.parts.store.access_end_claim(&self.parts.name, LEASE).await?;
        Ok(claimed.map(|claimed| (claimed, asked)))
    }

    /// Learns which connections there are and whether they can be read, if that may have changed; and puts right what
    /// was planned by a clock that was ahead.
    async fn look(&self, moments: &mut Moments<'_>) -> Result<(), StoreError> {
        let store = &self.parts.store;
        let clocks = moments.read_clocks();
        if moments.clock_went_back(clocks) {
            let now = self.parts.clock.now();
            for sync in store.connection_sync_list().await? {
                store.connection_sync_replan(&sync.connection, next_sync(&sync.schedule, now)).await?;
            }
            self.replan_ends(now).await?;
        }
        moments.note_clocks(clocks);
        let revision = store.revision().await?;
        if moments.revision() == Some(revision) {
            return Ok(());
        }
        for known in self.parts.connected.known().await? {
            match known.state {
                KnownState::Ready { basis } => {
                    store.connection_sync_connect(&known.connection, &basis).await.map(|_| ())
                }
                KnownState::Lacking { reason } => {
                    store.connection_sync_disconnect(&known.connection, &reason).await
                }
            }
            .or_else(gone)?;
        }
        moments.note_revision(revision);
        Ok(())
    }
}

/// A connection that was removed meanwhile has no syncs.
fn gone(error: StoreError) -> Result<(), StoreError> {
    match error {
        StoreError::NotFound { .. } => Ok(()),
        other => Err(other),
    }
}

/// Some time after now.
pub(crate) fn after(now: Timestamp, time: Duration) -> Timestamp {
    let time = jiff::SignedDuration::try_from(time).unwrap_or(jiff::SignedDuration::MAX);
    now.saturating_add(time).unwrap_or(Timestamp::MAX)
}
