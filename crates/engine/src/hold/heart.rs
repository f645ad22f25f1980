//! The signs of life of a hold.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::Clock;
use store::{Heartbeat, Retry, Store, StoreError, TaskLease};
use tokio::sync::watch;
use tokio::time::Instant;

use super::locks::Locks;
use super::{HoldState, LEASE, LOOK};

/// Time between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What keeps a hold alive.
pub(super) struct Heart {
    pub(super) store: Store,
    pub(super) lease: TaskLease,
    pub(super) locks: Arc<Locks>,
    pub(super) state: watch::Sender<HoldState>,
    pub(super) confirm: watch::Sender<Confirmed>,
    pub(super) wall: Arc<dyn Clock>,
}

impl Heart {
    /// Gives signs of life until the hold is lost or the run is cancelled, and says which.
    pub(super) async fn beat(self) {
        let mut alive_until = self.confirm.borrow().at + LEASE;
        let mut next = Instant::now() + HEARTBEAT;
        loop {
            tokio::time::sleep_until(next).await;
            let begun = Confirmed::now(&*self.wall);
            next = begun.at + HEARTBEAT;
            let beat = self.sign_of_life();
            let ended = match tokio::time::timeout_at(alive_until, beat).await {
                Ok(Ok(Heartbeat::GoOn)) => {
                    alive_until = begun.at + LEASE;
                    self.confirm.send_replace(begun);
                    continue;
                }
                Ok(Ok(Heartbeat::Cancelled)) => HoldState::Cancelled,
                Ok(Err(error)) if error.retry() == Retry::Yes && Instant::now() < alive_until => {
                    tracing::warn!(task = %self.lease.task, %error, "a sign of life was not taken");
                    next = begun.at + LOOK;
                    continue;
                }
                Ok(Err(_)) | Err(_) => HoldState::Lost,
            };
            if ended == HoldState::Lost && forgets_fences() {
                continue;
            }
            tracing::warn!(task = %self.lease.task, state = ?ended, "a task is no longer held");
            self.state.send_replace(ended);
            return;
        }
    }

    async fn sign_of_life(&self) -> Result<Heartbeat, StoreError> {
        self.locks.renew(&self.store).await?;
        self.store.task_heartbeat(&self.lease, LEASE).await
    }
}

/// When a hold was last confirmed, by both clocks: one stands still while the machine sleeps, the other
/// can be set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Confirmed {
    at: Instant,
    wall: Timestamp,
}

impl Confirmed {
    pub(super) fn now(wall: &dyn Clock) -> Self {
        Self { at: Instant::now(), wall: wall.now() }
    }

    /// Whether the lease is over by one clock, or the other clock went back by as much.
    pub(super) fn is_over(self, wall: &dyn Clock) -> bool {
        let passed = wall.now().duration_since(self.wall).unsigned_abs();
        Instant::now() >= self.at + LEASE || passed >= LEASE
    }
}

/// Whether the defect is planted that forgets who holds a task.
pub(super) fn forgets_fences() -> bool {
    #[cfg(feature = "planted-defects")]
    return crate::write::Defect::chosen() == Some(crate::write::Defect::ForgetFences);
    #[cfg(not(feature = "planted-defects"))]
    false
}
