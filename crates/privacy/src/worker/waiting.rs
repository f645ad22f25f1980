//! Waiting for requests: for a sign that there may be one, for one that is known to be due, and for
//! nothing longer than the sweep.

use std::time::Duration;

use jiff::Timestamp;
use store::WakeListener;
use tokio::time::Instant;

use super::WorkerParts;

/// Between two looks at the queue if nobody says that there is something.
const SWEEP: Duration = Duration::from_secs(5);
/// Between two looks at least: the steps of what is under way give signs, too, most of them for nobody.
const LULL: Duration = Duration::from_millis(20);
/// Between two looks whether a place became free because a request takes long.
const LOOK: Duration = Duration::from_secs(1);

/// How a worker waits.
pub(super) struct Waiting<'a> {
    parts: &'a WorkerParts,
    listener: Option<WakeListener>,
    due: Option<Timestamp>,
    pause: Duration,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(parts: &'a WorkerParts) -> Self {
        Self { parts, listener: None, due: None, pause: Duration::ZERO }
    }

    /// A request that this worker let go of is due then.
    pub(super) fn note_due(&mut self, due: Option<Timestamp>) {
        self.due = match (self.due, due) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }

    /// The next wait is at least so long.
    pub(super) fn not_before(&mut self, pause: Duration) {
        self.pause = pause;
    }

    /// Returns when it is worth looking again, after `longest` at the latest.
    ///
    /// # Cancel safety
    /// May be dropped: a sign that comes meanwhile is found by the next call or by the sweep.
    pub(super) async fn wait(&mut self, is_full: bool, longest: Option<Duration>) {
        let (clock, looked) = (&self.parts.clock, Instant::now());
        if is_full {
            clock.sleep(LOOK).await;
            return;
        }
        if !self.pause.is_zero() {
            clock.sleep(self.pause).await;
            self.pause = Duration::ZERO;
        }
        let until_due =
            self.due.map(|due| Duration::try_from(due.duration_since(clock.now())).unwrap_or_default());
        let longest = until_due.unwrap_or(SWEEP).min(longest.unwrap_or(SWEEP)).min(SWEEP);
        if self.listener.is_none() {
            match self.parts.store.wake_listener().await {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => {
                    tracing::warn!(%error, "there are no signs of work; the queue is looked at now and then");
                }
            }
        }
        match &mut self.listener {
            Some(listener) => listener.wait(longest).await,
            None => clock.sleep(longest.max(LOOK)).await,
        }
        if let Some(rest) = LULL.checked_sub(looked.elapsed()) {
            tokio::time::sleep(rest).await;
        }
        if self.due.is_some_and(|due| due <= clock.now()) {
            self.due = None;
        }
    }
}
