//! Holding one task of a run, and noticing when the hold is lost.

mod error;
mod heart;
mod locks;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use model::{Clock, Outcome, RunId, SystemClock};
use store::{
    ClaimedTask, PlanDigest, RunState, Store, StoreError, TaskFailure, TaskLease, TaskName, TaskState,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use error::HoldError;

use self::heart::{Confirmed, Heart, forgets_fences};
use self::locks::Locks;

/// How long a silent process keeps its task; others take it over after that.
pub const LEASE: Duration = Duration::from_secs(3);
/// Time between two looks at a task that somebody else holds.
const LOOK: Duration = Duration::from_millis(200);

/// Which task is to be held, and by whom.
#[derive(Debug, Clone)]
pub struct HoldRequest {
    /// Its run.
    pub run: RunId,
    /// What is to be done (`apply`).
    pub kind: String,
    /// On what; unique in its run and kind.
    pub name: String,
    /// Who holds it.
    pub worker: String,
    /// How long to wait while somebody else holds it; `None`: not at all.
    pub wait: Option<Duration>,
}

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// The task is ours.
    Held,
    /// Somebody else may have it: nothing more may be sent.
    Lost,
    /// The run was cancelled: nothing more may be sent.
    Cancelled,
}

/// A task that this process holds. It gives a sign of life each second; dropped without an ending, it
/// is free for others when its lease runs out, as after a crash.
#[derive(Debug)]
pub struct TaskHold {
    store: Store,
    claimed: ClaimedTask,
    watch: HoldWatch,
    heart: JoinHandle<()>,
    since: Instant,
    under_way: Mutex<HashSet<(PlanDigest, u32)>>,
    locks: Arc<Locks>,
}

/// Looks at a hold from elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct HoldWatch {
    state: watch::Receiver<HoldState>,
    confirmed: watch::Receiver<Confirmed>,
    wall: Arc<dyn Clock>,
}

impl HoldWatch {
    /// As [`TaskHold::state`].
    pub(crate) fn state(&self) -> HoldState {
        let state = *self.state.borrow();
        if state == HoldState::Held && self.confirmed.borrow().is_over(&*self.wall) && !forgets_fences() {
            return HoldState::Lost;
        }
        state
    }
}

/// Keeps others of this process from settling the same operation; given back when dropped.
#[derive(Debug)]
pub(crate) struct UnderWay<'a> {
    hold: &'a TaskHold,
    operation: (PlanDigest, u32),
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.hold.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.operation);
    }
}

impl TaskHold {
    /// Takes a task of a run. A second holder gets [`HoldError::HeldByAnother`], at once or after
    /// waiting.
    ///
    /// # Errors
    /// [`HoldError`] if it cannot be taken.
    pub async fn claim(store: &Store, request: &HoldRequest) -> Result<Self, HoldError> {
        Self::claim_by(store, request, Arc::new(SystemClock)).await
    }

    /// The same with another clock beside the monotonic one: whichever says that the lease is over is
    /// believed, until a sign of life succeeds.
    ///
    /// # Errors
    /// [`HoldError`] if it cannot be taken.
    pub async fn claim_by(
        store: &Store,
        request: &HoldRequest,
        wall: Arc<dyn Clock>,
    ) -> Result<Self, HoldError> {
        Self::claim_with(store, request, (wall, Locks::default())).await
    }

    /// The same, and keeps everybody else from holding any of `names` meanwhile: things that several runs
    /// may be about. They are renewed with each sign of life, and losing one of them is losing the hold.
    ///
    /// # Errors
    /// [`HoldError`] if it cannot be taken; [`HoldError::HeldByAnother`] too if somebody has one of the names.
    pub async fn claim_alone(
        store: &Store,
        request: &HoldRequest,
        names: &[String],
    ) -> Result<Self, HoldError> {
        let begun = Instant::now();
        let locks = Locks::take(store, request, names).await?;
        let left = request.wait.map(|wait| wait.saturating_sub(begun.elapsed()));
        let request = HoldRequest { wait: left, ..request.clone() };
        let wall: Arc<dyn Clock> = Arc::new(SystemClock);
        let hold = Self::claim_with(store, &request, (wall, locks.clone())).await;
        match hold {
            // They were taken before the task: from here on they last as long as it does.
            Ok(hold) => match locks.renew(store).await {
                Ok(()) => Ok(hold),
                Err(error) => {
                    hold.release().await?;
                    Err(error.into())
                }
            },
            Err(error) => {
                locks.release(store).await;
                Err(error)
            }
        }
    }

    async fn claim_with(
        store: &Store,
        request: &HoldRequest,
        (wall, locks): (Arc<dyn Clock>, Locks),
    ) -> Result<Self, HoldError> {
        let until = Instant::now() + request.wait.unwrap_or_default();
        loop {
            // Measured from before the claim: the lease in the store never ends earlier than ours.
            let begun = Confirmed::now(&*wall);
            let task = TaskName { run: &request.run, kind: &request.kind, name: &request.name };
            if let Some(claimed) = store.task_claim_named(task, &request.worker, LEASE).await? {
                return Ok(Self::beating(store.clone(), claimed, (begun, wall), locks));
            }
            // Given back between the two looks: it is there to be taken.
            let Some(refusal) = refusal(store, request).await? else { continue };
            let now = Instant::now();
            if !matches!(refusal, HoldError::HeldByAnother { .. }) || now >= until {
                return Err(refusal);
            }
            tokio::time::sleep(LOOK.min(until - now)).await;
        }
    }

    /// Takes several tasks of a run and kind at once, as far as they are there to be taken.
    ///
    /// # Errors
    /// [`StoreError`]; then none is held here.
    pub(crate) async fn claim_some(
        store: &Store,
        of: (&RunId, &str),
        names: &[&str],
        worker: &str,
    ) -> Result<Vec<Self>, StoreError> {
        let wall: Arc<dyn Clock> = Arc::new(SystemClock);
        // As above: measured from before the claim.
        let begun = Confirmed::now(&*wall);
        let claimed = store.task_claim_some(of, names, (worker, LEASE)).await?;
        let held =
            |claimed| Self::beating(store.clone(), claimed, (begun, Arc::clone(&wall)), Locks::default());
        Ok(claimed.into_iter().map(held).collect())
    }

    fn beating(
        store: Store,
        claimed: ClaimedTask,
        (begun, wall): (Confirmed, Arc<dyn Clock>),
        locks: Locks,
    ) -> Self {
        let locks = Arc::new(locks);
        let (state, states) = watch::channel(HoldState::Held);
        let (confirm, confirmed) = watch::channel(begun);
        let watch = HoldWatch { state: states, confirmed, wall: Arc::clone(&wall) };
        let lease = claimed.lease.clone();
        let heart = Heart { store: store.clone(), lease, locks: Arc::clone(&locks), state, confirm, wall };
        let heart = tokio::spawn(heart.beat());
        Self { store, claimed, watch, heart, since: Instant::now(), under_way: Mutex::default(), locks }
    }

    /// What says elsewhere how the hold stands.
    pub(crate) fn watch(&self) -> HoldWatch {
        self.watch.clone()
    }

    /// Marks an operation as being settled; `None` if it is already.
    pub(crate) fn under_way(&self, plan: &PlanDigest, operation: u32) -> Option<UnderWay<'_>> {
        let operation = (plan.clone(), operation);
        let fresh = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(operation.clone());
        fresh.then_some(UnderWay { hold: self, operation })
    }

    /// The hold as the store names it.
    pub fn lease(&self) -> &TaskLease {
        &self.claimed.lease
    }

    /// For how long at least nobody else has had the task.
    pub(crate) fn held_for(&self) -> Duration {
        self.since.elapsed()
    }

    /// The task as it was taken: attempt, position.
    pub fn claimed(&self) -> &ClaimedTask {
        &self.claimed
    }

    /// How it stands now. Asks the clocks too: a process that was stopped for a while, or a machine that
    /// slept, wakes up without its task.
    pub fn state(&self) -> HoldState {
        self.watch.state()
    }

    /// Completes when the hold is lost or the run is cancelled, with which of the two.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub async fn ended(&self) -> HoldState {
        let mut state = self.watch.state.clone();
        match state.wait_for(|state| *state != HoldState::Held).await {
            Ok(state) => *state,
            // The heart stopped without a word.
            Err(_) => HoldState::Lost,
        }
    }

    /// Ends the task well.
    pub async fn finish(self, outcome: Option<Outcome>) -> Result<(), StoreError> {
        let ended = self.store.task_finish(self.lease(), outcome).await;
        self.unlock().await;
        ended
    }

    /// Ends the task badly, or gives it back to be tried again.
    pub async fn fail(self, failure: TaskFailure<'_>) -> Result<(), StoreError> {
        let ended = self.store.task_fail(self.lease(), failure).await;
        self.unlock().await;
        ended
    }

    /// Puts the task down until `until`.
    pub async fn pause(self, until: Timestamp) -> Result<(), StoreError> {
        let ended = self.store.task_pause(self.lease(), until).await;
        self.unlock().await;
        ended
    }

    /// Gives the task back at once: whoever asks next goes on with it.
    pub async fn release(self) -> Result<(), StoreError> {
        let ended = self.store.task_pause(self.lease(), Timestamp::UNIX_EPOCH).await;
        self.unlock().await;
        ended
    }

    /// Ends the task of a cancelled run.
    pub async fn cancel(self) -> Result<(), StoreError> {
        let ended = self.store.task_cancel(self.lease()).await;
        self.unlock().await;
        ended
    }
}

impl TaskHold {
    /// Lets others have the names that were held with the task.
    async fn unlock(&self) {
        self.heart.abort();
        self.locks.release(&self.store).await;
    }
}

impl Drop for TaskHold {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// Why the task cannot be taken; `None` if it can by now.
async fn refusal(store: &Store, request: &HoldRequest) -> Result<Option<HoldError>, StoreError> {
    let (run, name) = (request.run.clone(), request.name.clone());
    let tasks = store.task_list(&request.run).await?;
    let task = tasks.into_iter().find(|task| task.kind == request.kind && task.name == request.name);
    let Some(task) = task else { return Ok(Some(HoldError::Missing { run, name })) };
    Ok(Some(match task.state {
        TaskState::Leased => HoldError::HeldByAnother { run, name },
        TaskState::Ready if task.blocked_by == 0 => {
            if store.get_run(&run).await?.state == RunState::Active {
                return Ok(None);
            }
            HoldError::NotReady { run, name }
        }
        TaskState::Ready => HoldError::NotReady { run, name },
        state @ (TaskState::Done | TaskState::Failed | TaskState::Cancelled) => {
            HoldError::Over { run, name, state }
        }
    }))
}
