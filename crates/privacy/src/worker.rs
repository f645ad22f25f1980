//! Carrying out the requests of people: taking one that is due, going through its steps, and letting
//! go of it whenever it waits.
//!
//! Any number of workers, in any number of processes, share the requests of one store. What a step
//! needs to go on stands in the store before the step begins, so that whoever takes the request after a
//! crash goes on where it stood.

mod access_step;
mod callback_wait;
mod dataset_trial;
mod delay;
mod email_step;
mod ending;
mod erasure_step;
mod finish_step;
mod halt;
mod hold;
mod journey;
mod log;
mod means;
mod people_step;
mod plan_step;
mod policy_step;
mod sightings;
mod upload_step;
mod waiting;
mod webhook_step;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::Cancellation;
use futures::future::BoxFuture;
use model::{Clock, ConnectionKey, IdSource, PrivacyRequestId};
use store::{ClaimedRequest, Store, StoreError};
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::dataset_trial::Trials;
use self::hold::{Hold, Pulse};
use self::journey::Journey;
use self::waiting::Waiting;
use crate::PrivacyService;
use crate::dataset_trial::Alone;
use crate::policy_book::PolicyBook;
use crate::request::PrivacyRequests;
use crate::storage_book::{PackageSettings, StorageBook};

/// How long a silent process keeps a request; others take it over after that.
const LEASE: Duration = Duration::from_secs(3);
/// After this time a request makes room for others, and goes on beside them.
const LONG: Duration = Duration::from_secs(10);
/// How many requests there are at most for each place: those that take long included.
const LONG_FOR_EACH: usize = 8;
/// How long a request that takes long goes on before another may take its turn.
const TURN: Duration = Duration::from_mins(1);
/// Wait after the store did not answer.
const TROUBLE_WAIT: Duration = Duration::from_secs(1);

/// What privacy requests are carried out with, as connections, policies and settings are now.
pub trait Services: Send + Sync + fmt::Debug {
    /// The service as everything is configured at a revision of the store, or later; the same one as
    /// long as nothing changed.
    fn current(&self, revision: u64) -> BoxFuture<'_, Result<PrivacyService, ServicesError>>;

    /// One dataset of a connection by itself, for a trial: whatever the other connections are like.
    fn alone<'a>(
        &'a self,
        connection: &'a ConnectionKey,
        dataset: &'a str,
    ) -> BoxFuture<'a, Result<Alone, ServicesError>>;
}

/// Why nothing can be carried out now.
#[derive(Debug, Error)]
pub enum ServicesError {
    /// A connection is there to be used and cannot be: a request that left it out would pass for
    /// complete.
    #[error("the connection `{connection}` cannot be used: {reason}")]
    Connection {
        /// Its key.
        connection: String,
        /// Why.
        reason: String,
    },
    /// Connections, or the settings, do not fit together.
    #[error("{reason}")]
    Setup {
        /// Why.
        reason: String,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a [`Worker`] is made of.
#[derive(Debug)]
pub struct WorkerParts {
    /// Where the requests are.
    pub store: Store,
    /// Their life.
    pub requests: PrivacyRequests,
    /// What they are carried out with.
    pub services: Arc<dyn Services>,
    /// How packages are delivered.
    pub packages: PackageSettings,
    /// Name of this process among those that share the state.
    pub name: String,
    /// How many requests are worked on at once; those that take long come on top.
    pub slots: usize,
    /// How long and how often one request is worked on.
    pub limits: WorkLimits,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
}

/// How long and how often one request is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkLimits {
    /// How often a request is taken whose holders fell silent; then a person looks at it.
    pub attempts: u64,
    /// How long one turn of work on a request may take; then it is put down in error
    /// (privacy-requests L-21a). None: as long as it takes.
    pub time: Option<Duration>,
}

impl Default for WorkLimits {
    /// 100 times, as long as it takes.
    fn default() -> Self {
        Self { attempts: 100, time: None }
    }
}

/// Carries out the requests of a store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Worker {
    parts: Arc<WorkerParts>,
    policies: PolicyBook,
    storages: StorageBook,
}

/// A request that is being worked on here.
#[derive(Debug)]
struct Running {
    since: Instant,
    pulse: Arc<Pulse>,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(parts: WorkerParts) -> Self {
        let (policies, storages) =
            (PolicyBook::new(parts.store.clone()), StorageBook::new(parts.store.clone()));
        Self { parts: Arc::new(parts), policies, storages }
    }

    /// Works until `cancellation` asks to stop; then lets go of every request where it stands. What
    /// goes wrong with one request is kept with it; what goes wrong with the store is told and tried
    /// again.
    ///
    /// # Cancel safety
    /// Dropping the future is like a crash: others go on with the requests once their leases end.
    pub async fn run(&self, cancellation: Cancellation) {
        let mut waiting = Waiting::new(&self.parts);
        let mut running: HashMap<PrivacyRequestId, Running> = HashMap::new();
        let (mut tasks, mut trials) = (JoinSet::new(), Trials::default());
        let (busy, mut seen) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
        seen.spawn(sightings::tell(Arc::clone(&self.parts), Arc::clone(&busy)));
        tracing::info!(worker = %self.parts.name, slots = self.parts.slots, "worker begins");
        while !cancellation.is_cancelled() {
            busy.store(running.len() as u64, Ordering::Relaxed);
            let is_full = if has_room(&running, self.parts.slots) {
                match self.claim().await {
                    Ok(Some(claimed)) => {
                        let (id, pulse) = (claimed.0.request.id.clone(), Pulse::new());
                        let journey = self.clone().carry_out(claimed, Arc::clone(&pulse));
                        tasks.spawn(journey);
                        running.insert(id, Running { since: Instant::now(), pulse });
                        continue;
                    }
                    Ok(None) => false,
                    Err(error) => {
                        tracing::warn!(%error, "requests cannot be taken; trying again");
                        waiting.not_before(TROUBLE_WAIT);
                        false
                    }
                }
            } else {
                give_turn(&running, self.parts.slots);
                true
            };
            let again = trials.look(self, &cancellation, running.is_empty()).await;
            tokio::select! {
                () = cancellation.cancelled() => break,
                Some(()) = trials.ended() => {}
                Some(ended) = tasks.join_next() => match ended {
                    Ok((id, due)) => {
                        running.remove(&id);
                        waiting.note_due(due);
                    }
                    Err(error) => {
                        // Its lease runs out by itself; whoever takes it then counts the attempts.
                        tracing::error!(%error, "work on a request ended in a panic");
                        running.retain(|_, one| !one.pulse.is_over());
                    }
                },
                () = waiting.wait(is_full, again) => {}
            }
        }
        for one in running.values() {
            one.pulse.stop();
        }
        while tasks.join_next().await.is_some() {}
        while trials.ended().await.is_some() {}
        seen.shutdown().await;
        sightings::end(&self.parts).await;
        tracing::info!(worker = %self.parts.name, "worker ends");
    }

    /// Takes the requests that are due, one after the other, until there are no more, and the trials; says
    /// how many. For programs that end with their work.
    ///
    /// # Errors
    /// [`StoreError`] if the queue cannot be read.
    ///
    /// # Cancel safety
    /// As [`Worker::run`].
    pub async fn work_off(&self) -> Result<usize, StoreError> {
        let mut done = 0;
        while let Some(claimed) = self.claim().await? {
            Box::pin(self.clone().carry_out(claimed, Pulse::new())).await;
            done += 1;
        }
        while let Some(trial) = self.claim_trial().await? {
            Box::pin(self.clone().try_dataset(trial, Cancellation::never())).await;
            done += 1;
        }
        Ok(done)
    }

    /// Takes a request that is due, with when it was asked for: the hold on it begins then, however late the answer comes.
    async fn claim(&self) -> Result<Option<(ClaimedRequest, Instant)>, StoreError> {
        let asked = Instant::now();
        let claimed = self.parts.store.privacy_request_claim(&self.parts.name, LEASE).await?;
        Ok(claimed.map(|claimed| (claimed, asked)))
    }

    /// Takes one request as far as it goes now; gives when it is due again, if this worker knows.
    async fn carry_out(
        self,
        (claimed, asked): (ClaimedRequest, Instant),
        pulse: Arc<Pulse>,
    ) -> (PrivacyRequestId, Option<jiff::Timestamp>) {
        let id = claimed.request.id.clone();
        let hold = Hold::keep(&self.parts, (claimed.lease.clone(), asked), &pulse);
        let due = Box::pin(Journey::new(&self, &hold, claimed.request).walk()).await;
        hold.end().await;
        pulse.end();
        (id, due)
    }
}

/// Whether one more request may be taken: one that takes long does not count as one of the slots, so
/// that it starves nobody, and there is a limit to how many of those there are.
fn has_room(running: &HashMap<PrivacyRequestId, Running>, slots: usize) -> bool {
    let short = running.values().filter(|one| one.since.elapsed() < LONG).count();
    short < slots.max(1) && running.len() < slots.max(1) * LONG_FOR_EACH
}

/// If long requests have taken every place there is, the one that has been at it for longest lets go,
/// provided that it got somewhere: it goes on behind those that wait.
fn give_turn(running: &HashMap<PrivacyRequestId, Running>, slots: usize) {
    if running.len() < slots.max(1) * LONG_FOR_EACH {
        return;
    }
    let had_turn = |one: &&Running| {
        one.since.elapsed() >= TURN && one.pulse.pages.load(Ordering::Relaxed) > 0 && !one.pulse.is_stopped()
    };
    if let Some(longest) = running.values().filter(had_turn).min_by_key(|one| one.since) {
        longest.pulse.stop();
    }
}
