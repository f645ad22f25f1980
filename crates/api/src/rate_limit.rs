use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use model::Clock;

use crate::{ApiError, RateLimit};

/// Names that are counted at once; when there are more, the oldest windows are forgotten first.
const NAMES: usize = 20_000;

/// Counts calls by name in windows of fixed length, in this process.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    limit: RateLimit,
    clock: Arc<dyn Clock>,
    windows: Mutex<HashMap<String, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    since: Timestamp,
    calls: u32,
}

impl RateLimiter {
    pub(crate) fn new(limit: RateLimit, clock: Arc<dyn Clock>) -> Self {
        Self { limit, clock, windows: Mutex::default() }
    }

    /// Counts one call of `name`, or refuses it with the seconds until the next window.
    pub(crate) fn take(&self, name: &str) -> Result<(), ApiError> {
        let now = self.clock.now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= NAMES && !windows.contains_key(name) {
            self.make_room(&mut windows, now);
        }
        let fresh = Window { since: now, calls: 0 };
        let window = windows.entry(name.to_owned()).or_insert(fresh);
        if self.left(*window, now).is_none() {
            *window = fresh;
        }
        if window.calls >= self.limit.calls {
            let left = self.left(*window, now).unwrap_or_default();
            return Err(ApiError::TooManyRequests(
                u64::try_from(left.as_millis()).unwrap_or(0).div_ceil(1000),
            ));
        }
        window.calls += 1;
        Ok(())
    }

    /// Takes back the last call of `name`: it was none of those that the limit is about.
    pub(crate) fn give_back(&self, name: &str) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = windows.get_mut(name) {
            window.calls = window.calls.saturating_sub(1);
        }
    }

    /// What is left of a window; none if it is over, or from before the clock went back.
    fn left(&self, window: Window, now: Timestamp) -> Option<SignedDuration> {
        let length = SignedDuration::try_from(self.limit.per).unwrap_or(SignedDuration::MAX);
        let gone = now.duration_since(window.since);
        (!gone.is_negative() && gone < length).then(|| length - gone)
    }

    fn make_room(&self, windows: &mut HashMap<String, Window>, now: Timestamp) {
        windows.retain(|_, window| self.left(*window, now).is_some());
        if windows.len() < NAMES {
            return;
        }
        let mut starts: Vec<Timestamp> = windows.values().map(|window| window.since).collect();
        let (_, middle, _) = starts.select_nth_unstable(NAMES / 2);
        let middle = *middle;
        windows.retain(|_, window| window.since > middle);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use testkit::TestClock;

    use super::*;

    fn limiter(calls: u32) -> (RateLimiter, TestClock) {
        let clock = TestClock::new();
        let limit = RateLimit { calls, per: Duration::from_mins(1) };
        (RateLimiter::new(limit, Arc::new(clock.clone())), clock)
    }

    #[test]
    fn a_name_has_its_own_calls_and_gets_new_ones_with_the_next_window() {
        let (limiter, clock) = limiter(2);
        let spent = [limiter.take("a").is_ok(), limiter.take("a").is_ok(), limiter.take("a").is_ok()];
        let other = limiter.take("b").is_ok();

        clock.advance(Duration::from_secs(20));
        let refused = limiter.take("a");
        clock.advance(Duration::from_secs(40));
        let next = limiter.take("a").is_ok();

        assert_eq!(spent, [true, true, false]);
        assert!(matches!(refused, Err(ApiError::TooManyRequests(40))), "{refused:?}");
        assert!(other && next);
    }

    #[test]
    fn names_without_end_do_not_fill_the_memory() {
        let (limiter, _clock) = limiter(1);

        for number in 0..3 * NAMES {
            limiter.take(&number.to_string()).unwrap();
        }

        assert!(limiter.windows.lock().unwrap().len() <= NAMES);
    }
}
