use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use thiserror::Error;

use super::{DeadlineError, Length};

/// The controller's days: its time zone, and when it does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    holidays: BTreeSet<Date>,
}

/// A time zone that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{name}` is no time zone; write one as `Europe/Berlin`")]
pub struct UnknownZone {
    name: String,
}

impl Calendar {
    /// UTC, and no holidays but Saturdays and Sundays.
    pub fn utc() -> Self {
        Self { zone: TimeZone::UTC, holidays: BTreeSet::new() }
    }

    /// A zone by its name (`Europe/Berlin`), and the days on which nobody works besides Saturdays and
    /// Sundays.
    ///
    /// # Errors
    /// [`UnknownZone`] for a name that no time zone has.
    pub fn new(zone: &str, holidays: impl IntoIterator<Item = Date>) -> Result<Self, UnknownZone> {
        let zone = TimeZone::get(zone).map_err(|_| UnknownZone { name: zone.to_owned() })?;
        Ok(Self { zone, holidays: holidays.into_iter().collect() })
    }

    /// The day that it is there.
    pub fn day(&self, moment: Timestamp) -> Date {
        moment.to_zoned_datetime(self.zone.clone()).date()
    }

    /// The first moment after a day.
    pub(super) fn end_of(&self, day: Date) -> Result<Timestamp, DeadlineError> {
        let next = day.tomorrow().map_err(|_| DeadlineError::OutOfRange)?;
        let start = next.to_zoned_datetime(self.zone.clone()).map_err(|_| DeadlineError::OutOfRange)?;
        Ok(start.timestamp())
    }

    /// The last day of a time that begins after `day`. A month that lacks the day ends with its last.
    pub(super) fn after(&self, day: Date, length: Length) -> Result<Date, DeadlineError> {
        let span = match length {
            Length::Months(months) => Span::new().try_months(months),
            Length::Days(days) => Span::new().try_days(days),
            Length::WorkingDays(days) => return self.working_days_after(day, days),
        };
        let span = span.map_err(|_| DeadlineError::OutOfRange)?;
        day.checked_add(span).map_err(|_| DeadlineError::OutOfRange)
    }

    /// `day`, or the first working day after it.
    pub(super) fn working_day_from(&self, mut day: Date) -> Result<Date, DeadlineError> {
        while !self.is_working_day(day) {
            day = day.tomorrow().map_err(|_| DeadlineError::OutOfRange)?;
        }
        Ok(day)
    }

    /// How often midnight came between two moments.
    pub(super) fn days_between(&self, from: Timestamp, until: Timestamp) -> i64 {
        let span = self.day(from).until(self.day(until));
        span.map_or(0, |span| i64::from(span.get_days()))
    }

    fn working_days_after(&self, mut day: Date, count: i64) -> Result<Date, DeadlineError> {
        for _ in 0..count {
            let next = day.tomorrow().map_err(|_| DeadlineError::OutOfRange)?;
            day = self.working_day_from(next)?;
        }
        Ok(day)
    }

    fn is_working_day(&self, day: Date) -> bool {
        !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.holidays.contains(&day)
    }
}
