//! Waiting for the next moment at which there is something to be done.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::WakeListener;
use tokio::time::Instant;

use super::WorkerParts;

/// Longest time between two looks, whatever was said: clocks are set, and signs get lost.
const SWEEP: Duration = Duration::from_mins(1);
/// Shortest time between two looks.
const LULL: Duration = Duration::from_millis(100);
/// Wait after the store did not answer.
const TROUBLE: Duration = Duration::from_secs(1);
/// A clock that went back by more than this was set.
const SET_BACK: SignedDuration = SignedDuration::from_secs(30);

/// What a worker knows between two looks.
pub(super) struct Moments<'a> {
    parts: &'a WorkerParts,
    listener: Option<WakeListener>,
    revision: Option<u64>,
    clock: ClockWatch,
    is_trouble: bool,
}

/// What two clocks say at the same moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clocks {
    /// Nobody sets it.
    steady: Instant,
    wall: Timestamp,
}

/// Notices a clock that was set back: from one look to the next, since it may have been set ahead before.
#[derive(Debug, Default)]
struct ClockWatch {
    last: Option<Clocks>,
}

impl ClockWatch {
    /// True before the first look, too: nobody knows how the clock went before.
    fn went_back(&self, now: Clocks) -> bool {
        let Some(last) = self.last else { return true };
        let passed = now.steady.saturating_duration_since(last.steady);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        now.wall.duration_since(last.wall) < passed - SET_BACK
    }
}

impl<'a> Moments<'a> {
    pub(super) fn new(parts: &'a WorkerParts) -> Self {
        Self { parts, listener: None, revision: None, clock: ClockWatch::default(), is_trouble: false }
    }

    /// At which state of connections was looked last.
    pub(super) fn revision(&self) -> Option<u64> {
        self.revision
    }

    pub(super) fn note_revision(&mut self, revision: u64) {
        self.revision = Some(revision);
    }

    pub(super) fn trouble(&mut self) {
        self.is_trouble = true;
    }

    /// What the clocks say now.
    pub(super) fn read_clocks(&self) -> Clocks {
        Clocks { steady: Instant::now(), wall: self.parts.clock.now() }
    }

    /// Whether what was planned may have been planned by a clock that was ahead.
    pub(super) fn clock_went_back(&self, clocks: Clocks) -> bool {
        self.clock.went_back(clocks)
    }

    /// What was planned fits what the clocks said.
    pub(super) fn note_clocks(&mut self, clocks: Clocks) {
        self.clock.last = Some(clocks);
    }

    /// Returns when it is worth looking again. `is_full`: nothing can be taken before something is over, so that
    /// what is due is no reason to look.
    ///
    /// # Cancel safety
    /// May be dropped.
    pub(super) async fn wait(&mut self, is_full: bool) {
        let clock = &self.parts.clock;
        if std::mem::take(&mut self.is_trouble) {
            clock.sleep(TROUBLE).await;
        }
        // Heard from here on: what is said between the look and the wait is not lost.
        if self.listener.is_none() {
            match self.parts.store.wake_listener().await {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => {
                    tracing::warn!(%error, "there are no signs of what is due; the store is looked at now and then");
                }
            }
        }
        clock.sleep(LULL).await;
        let longest = if is_full { SWEEP } else { self.until_due().await };
        match &mut self.listener {
            Some(listener) => listener.wait(longest).await,
            None => clock.sleep(longest).await,
        }
    }

    async fn until_due(&self) -> Duration {
        let (store, name) = (&self.parts.store, &self.parts.name);
        let (sync, end) = (store.connection_sync_next(name).await, store.access_end_next(name).await);
        let (Ok(sync), Ok(end)) = (sync, end) else { return TROUBLE };
        let next = [sync, end].into_iter().flatten().min();
        let Some(next) = next else { return SWEEP };
        Duration::try_from(next.duration_since(self.parts.clock.now())).unwrap_or_default().clamp(LULL, SWEEP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noticed_whether_it_was_ahead_or_not() {
        const YEAR: i64 = 365 * 86_400;
        let steady = Instant::now();
        let wall: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
        // Seconds since the beginning, by the one clock and by the other.
        let looks = [(0, 0), (60, 60), (120, 120 + YEAR), (180, 180), (240, 230), (300, 250), (360, 310)];

        let mut watch = ClockWatch::default();
        let noticed = looks.map(|(passed, shown)| {
            let clocks = Clocks {
                steady: steady + Duration::from_secs(passed),
                wall: wall + SignedDuration::from_secs(shown),
            };
            let went_back = watch.went_back(clocks);
            watch.last = Some(clocks);
            went_back
        });

        assert_eq!(noticed, [true, false, false, true, false, true, false]);
    }
}
