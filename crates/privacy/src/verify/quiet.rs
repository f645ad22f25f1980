//! The time in which nothing may have been written before verifying.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use store::{Effect, Job, LedgerEntry};

/// When something was last written, or may have been: by us, or by a job that went on elsewhere.
pub(super) fn last_write(ledger: &[LedgerEntry], jobs: &[Job]) -> Option<Timestamp> {
    let of_ledger = ledger
        .iter()
        .filter(|entry| entry.effect != Some(Effect::NotApplied))
        .filter_map(|entry| entry.outcome_at.max(entry.intent_at));
    of_ledger.chain(jobs.iter().filter_map(|job| job.ended_at)).max()
}

/// How much of `period` is left at `now`: never more than all of it, also if the clock went back.
pub(super) fn left(last: Option<Timestamp>, period: Duration, now: Timestamp) -> Duration {
    let Some(last) = last else { return Duration::ZERO };
    let passed = Duration::try_from(now.duration_since(last)).unwrap_or_default();
    period.saturating_sub(passed)
}

/// `length` from `now` on.
pub(super) fn later(now: Timestamp, length: Duration) -> Timestamp {
    let length = SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX);
    now.checked_add(length).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_left_counts_from_the_last_write() {
        assert_eq!(left(Some(at(100)), Duration::from_mins(1), at(130)), Duration::from_secs(30));
        assert_eq!(left(Some(at(100)), Duration::from_mins(1), at(160)), Duration::ZERO);
        assert_eq!(left(None, DAY, at(0)), Duration::ZERO);
        assert_eq!(left(Some(at(100)), Duration::ZERO, at(100)), Duration::ZERO);
    }

    #[test]
    fn a_clock_that_went_back_makes_the_wait_no_longer_than_the_period() {
        assert_eq!(left(Some(at(1_000_000)), DAY, at(0)), DAY);
    }
}
