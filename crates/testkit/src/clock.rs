use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::Clock;

/// A clock that is told the time. Waiting moves it and returns at once, so tests never wait.
///
/// Clones share one time. It starts at 2026-01-15 12:00 UTC.
#[derive(Debug, Clone)]
pub struct TestClock {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    now: Timestamp,
    sleeps: Vec<Duration>,
}

/// 2026-01-15T12:00:00Z.
const START_S: i64 = 1_768_478_400;

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl TestClock {
    /// A clock at 2026-01-15 12:00 UTC.
    pub fn new() -> Self {
        Self::at(Timestamp::from_second(START_S).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// A clock at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { shared: Arc::new(Mutex::new(State { now, sleeps: Vec::new() })) }
    }

    /// Moves time forward.
    pub fn advance(&self, duration: Duration) {
        self.with(|state| state.now = later(state.now, duration));
    }

    /// Sets the time, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.with(|state| state.now = now);
    }

    /// Every wait so far, in the order asked for.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.with(|state| state.sleeps.clone())
    }

    /// The sum of all waits.
    pub fn slept(&self) -> Duration {
        self.sleeps().iter().sum()
    }

    fn with<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.shared.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn later(now: Timestamp, duration: Duration) -> Timestamp {
    let step = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    now.checked_add(step).unwrap_or(Timestamp::MAX)
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.with(|state| state.now)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            self.with(|state| {
                state.sleeps.push(duration);
                state.now = later(state.now, duration);
            });
            tokio::task::yield_now().await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_moves_every_clone_and_is_recorded() {
        let clock = TestClock::new();
        let clone = clock.clone();
        let before = clock.now();

        clone.sleep(Duration::from_secs(90)).await;

        assert_eq!(clock.now().duration_since(before), SignedDuration::from_secs(90));
        assert_eq!(clock.sleeps(), [Duration::from_secs(90)]);
    }
}
