//! When a connection is read next.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spec::schedule::Schedule;
use store::SyncSchedule;
use thiserror::Error;

use super::after;

/// No connection is read more often (governance CON-21).
pub const SHORTEST_INTERVAL: Duration = Duration::from_mins(30);

/// A schedule that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Too often.
    #[error("a connection is read every {} minutes at most; write a longer interval", SHORTEST_INTERVAL.as_secs() / 60)]
    TooOften,
    /// No times.
    #[error("the cron expression is not understood: {0}")]
    Cron(#[from] spec::schedule::ScheduleError),
    /// No zone.
    #[error("`{zone}` is no time zone; write a name as `Europe/Berlin`")]
    Zone {
        /// As given.
        zone: String,
    },
    /// A day that never comes.
    #[error("the cron expression names a day that never comes; correct it")]
    Never,
}

/// Checks a schedule that somebody wrote.
///
/// # Errors
/// [`ScheduleError`] says what is wrong with it.
pub fn check_schedule(schedule: &SyncSchedule, now: Timestamp) -> Result<(), ScheduleError> {
    match schedule {
        SyncSchedule::Every(time) if *time < SHORTEST_INTERVAL => Err(ScheduleError::TooOften),
        SyncSchedule::Every(_) => Ok(()),
        SyncSchedule::Cron { expression, zone } => {
            let (schedule, zone) = parsed(expression, zone)?;
            let (mut at, mut times) = (now, 0);
            // As often as the clock may be set in a year, twice over.
            while let Some(next) = schedule.next_after(at, &zone).filter(|_| times < 200) {
                if times > 0 && next.duration_since(at) < short() {
                    return Err(ScheduleError::TooOften);
                }
                (at, times) = (next, times + 1);
            }
            if times == 0 { Err(ScheduleError::Never) } else { Ok(()) }
        }
    }
}

/// The first time after a moment. A schedule that means nothing any more, as with a zone that is gone, counts as
/// the one that connections have without one.
pub fn next_sync(schedule: &SyncSchedule, moment: Timestamp) -> Timestamp {
    match schedule {
        SyncSchedule::Every(time) => after(moment, (*time).max(SHORTEST_INTERVAL)),
        SyncSchedule::Cron { expression, zone } => {
            let next = parsed(expression, zone).ok();
            let next = next.and_then(|(schedule, zone)| schedule.next_after(moment, &zone));
            next.unwrap_or_else(|| after(moment, store::SYNC_EVERY))
        }
    }
}

/// When a sync that failed is tried again: by its schedule, or sooner.
pub(super) fn next_after_failure(schedule: &SyncSchedule, moment: Timestamp, failures: u64) -> Timestamp {
    next_sync(schedule, moment).min(after(moment, store::sync_retry(failures)))
}

fn parsed(expression: &str, zone: &str) -> Result<(Schedule, TimeZone), ScheduleError> {
    let schedule = expression.parse()?;
    let known = TimeZone::get(zone).ok().filter(|_| !zone.is_empty());
    let zone = known.ok_or_else(|| ScheduleError::Zone { zone: zone.to_owned() })?;
    Ok((schedule, zone))
}

fn short() -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(SHORTEST_INTERVAL).unwrap_or(jiff::SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cron(expression: &str, zone: &str) -> SyncSchedule {
        SyncSchedule::Cron { expression: expression.to_owned(), zone: zone.to_owned() }
    }

    // rule: governance CON-21
    #[rstest]
    #[case::nightly("0 3 * * *", "2026-01-15T12:00:00Z", "2026-01-16T02:00:00Z")]
    #[case::summer_begins("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z")]
    #[case::after_summer_began("30 2 * * *", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z")]
    #[case::summer_ends_once("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z")]
    #[case::not_a_second_time("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z")]
    fn a_time_of_day_is_that_of_the_zone_also_where_clocks_are_changed(
        #[case] expression: &str,
        #[case] moment: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(next_sync(&cron(expression, "Europe/Berlin"), at(moment)), at(expected));
    }

    #[rstest]
    #[case::interval(SyncSchedule::Every(Duration::from_mins(29)), ScheduleError::TooOften)]
    #[case::each_minute(cron("* * * * *", "UTC"), ScheduleError::TooOften)]
    #[case::twice_in_a_row(cron("0,10 3 * * *", "UTC"), ScheduleError::TooOften)]
    #[case::no_zone(cron("0 3 * * *", "Europe/Nowhere"), ScheduleError::Zone { zone: "Europe/Nowhere".into() })]
    #[case::never(cron("0 3 30 feb *", "UTC"), ScheduleError::Never)]
    fn a_schedule_that_is_none_is_refused(#[case] schedule: SyncSchedule, #[case] expected: ScheduleError) {
        assert_eq!(check_schedule(&schedule, at("2026-01-15T12:00:00Z")), Err(expected));
    }

    #[rstest]
    #[case(SyncSchedule::Every(Duration::from_mins(30)))]
    #[case(cron("*/30 * * * *", "Europe/Berlin"))]
    #[case(cron("0 3 * * mon", "America/New_York"))]
    fn a_schedule_that_is_one_is_taken(#[case] schedule: SyncSchedule) {
        assert_eq!(check_schedule(&schedule, at("2026-10-24T12:00:00Z")), Ok(()));
    }

    #[test]
    fn a_failure_is_tried_again_sooner_and_then_less_and_less_often() {
        let (daily, moment) = (SyncSchedule::default(), at("2026-01-15T12:00:00Z"));
        let hours = |failures| next_after_failure(&daily, moment, failures).duration_since(moment).as_hours();

        assert_eq!([1, 2, 3, 5, 6, 1_000].map(hours), [1, 2, 4, 16, 24, 24]);
        let often = SyncSchedule::Every(SHORTEST_INTERVAL);
        assert_eq!(next_after_failure(&often, moment, 9), at("2026-01-15T12:30:00Z"));
    }

    #[test]
    fn a_zone_that_is_gone_leaves_a_day_between_syncs() {
        let moment = at("2026-01-15T12:00:00Z");

        assert_eq!(next_sync(&cron("0 3 * * *", "Europe/Nowhere"), moment), at("2026-01-16T12:00:00Z"));
    }
}
