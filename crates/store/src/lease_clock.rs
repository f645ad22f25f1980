//! The clock of the database's host, read now and then and reckoned on in between.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a reading is reckoned on with.
const FRESH: Duration = Duration::from_secs(5);
/// How far the host's own clock and its time since the reading may differ, in microseconds: more, and one
/// of them was set, or the host slept.
const DRIFT: i64 = 100_000;

/// What leases are measured by where several hosts share a database, without asking it each time.
///
/// What is reckoned is behind the database's clock by the time that the last answer took, never ahead: a
/// lease may be said to go on when it has just ended, and then waits for the next look.
#[derive(Debug, Default)]
pub(crate) struct LeaseClock(Mutex<Option<Reading>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    at: Instant,
    own: i64,
    theirs: i64,
}

impl LeaseClock {
    /// The database's time, if it was read lately; `own` is this host's. All in microseconds.
    pub(crate) fn now(&self, own: i64) -> Option<i64> {
        let reading = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        reading.reckoned(reading.at.elapsed(), own)
    }

    /// Notes what the database has just said.
    pub(crate) fn note(&self, own: i64, theirs: i64) {
        let reading = Reading { at: Instant::now(), own, theirs };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
    }
}

impl Reading {
    fn reckoned(&self, since: Duration, own: i64) -> Option<i64> {
        let passed = i64::try_from(since.as_micros()).ok().filter(|_| since < FRESH)?;
        let drift = own.checked_sub(self.own)?.checked_sub(passed)?;
        (drift.abs() <= DRIFT).then(|| self.theirs + passed)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::just_now(0, 0, Some(500))]
    #[case::a_while_ago(2_000_000, 2_000_100, Some(2_000_500))]
    #[case::too_long_ago(5_000_000, 5_000_000, None)]
    #[case::host_slept(1_000_000, 61_000_000, None)]
    #[case::clock_was_set_back(1_000_000, -3_000_000, None)]
    fn time_goes_on_from_the_reading_unless_a_clock_jumped(
        #[case] since: u64,
        #[case] own: i64,
        #[case] now: Option<i64>,
    ) {
        let reading = Reading { at: Instant::now(), own: 0, theirs: 500 };

        assert_eq!(reading.reckoned(Duration::from_micros(since), own), now);
    }
}
