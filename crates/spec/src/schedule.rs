//! When something is done again and again, as `cron` writes it.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use thiserror::Error;

/// How many days are looked at for the next time: a 29th of February is at most eight years away.
const DAYS: usize = 366 * 9;

/// Times of the form minute, hour, day of the month, month, day of the week: `0 12 * * mon`.
///
/// ```
/// use jiff::tz::TimeZone;
/// use spec::schedule::Schedule;
///
/// let mondays: Schedule = "0 12 * * mon".parse()?;
/// let next = mondays.next_after("2026-01-01T00:00:00Z".parse()?, &TimeZone::UTC);
///
/// assert_eq!(next, Some("2026-01-05T12:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    minutes: Vec<i8>,
    hours: Vec<i8>,
    days: Vec<i8>,
    months: Vec<i8>,
    /// 0 is Sunday.
    weekdays: Vec<i8>,
    /// Both the day of the month and that of the week are given: then one of them is enough.
    either_day: bool,
}

/// A text that is no such schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Too few or too many parts.
    #[error("{0} parts; write five: minute, hour, day of the month, month and day of the week")]
    Parts(usize),
    /// A part that says nothing.
    #[error("`{part}` is no {what}; write a number, `1-5`, `1,3`, `*/2`, `*`, or a name as `mon` or `jan`")]
    Part {
        /// The part.
        part: String,
        /// What it should be.
        what: &'static str,
    },
}

struct Field {
    what: &'static str,
    from: i8,
    to: i8,
    names: &'static [&'static str],
}

const MINUTE: Field = Field { what: "minute", from: 0, to: 59, names: &[] };
const HOUR: Field = Field { what: "hour", from: 0, to: 23, names: &[] };
const DAY: Field = Field { what: "day of the month", from: 1, to: 31, names: &[] };
const MONTH: Field = Field {
    what: "month",
    from: 1,
    to: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 7 is Sunday, too.
const WEEKDAY: Field = Field {
    what: "day of the week",
    from: 0,
    to: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = parts.as_slice() else {
            return Err(ScheduleError::Parts(parts.len()));
        };
        let mut weekdays: Vec<i8> = WEEKDAY.read(weekday)?.into_iter().map(|day| day % 7).collect();
        weekdays.sort_unstable();
        weekdays.dedup();
        Ok(Self {
            minutes: MINUTE.read(minute)?,
            hours: HOUR.read(hour)?,
            days: DAY.read(day)?,
            months: MONTH.read(month)?,
            weekdays,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
        })
    }
}

impl Field {
    fn read(&self, text: &str) -> Result<Vec<i8>, ScheduleError> {
        let wrong = || ScheduleError::Part { part: text.to_owned(), what: self.what };
        let mut found = Vec::new();
        for one in text.split(',') {
            let (range, step) = one.split_once('/').map_or((one, None), |(range, step)| (range, Some(step)));
            let step_by: usize = step.map_or(Ok(1), str::parse).map_err(|_| wrong())?;
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (self.from, self.to),
                Some((from, to)) => (self.value(from).ok_or_else(wrong)?, self.value(to).ok_or_else(wrong)?),
                None => {
                    let value = self.value(range).ok_or_else(wrong)?;
                    (value, if step.is_some() { self.to } else { value })
                }
            };
            if from > to || step_by == 0 {
                return Err(wrong());
            }
            found.extend((from..=to).step_by(step_by));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn value(&self, text: &str) -> Option<i8> {
        let name = text.to_ascii_lowercase();
        if let Some(at) = self.names.iter().position(|known| *known == name) {
            return i8::try_from(at).ok().map(|at| at + self.from);
        }
        text.parse().ok().filter(|value| (self.from..=self.to).contains(value))
    }
}

impl Schedule {
    /// The first time after a moment; none if there is no such day, as the 30th of February.
    pub fn next_after(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let first = moment.to_zoned_datetime(zone.clone()).date();
        first.series(jiff::Span::new().days(1)).take(DAYS).filter(|day| self.has_day(*day)).find_map(|day| {
            let times =
                self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (hour, minute)));
            let moments = times.filter_map(|(hour, minute)| {
                let time = Time::new(*hour, *minute, 0, 0).ok()?;
                Some(day.to_datetime(time).to_zoned_datetime(zone.clone()).ok()?.timestamp())
            });
            moments.filter(|at| *at > moment).min()
        })
    }

    fn has_day(&self, date: Date) -> bool {
        let day = self.days.contains(&date.day());
        let weekday = self.weekdays.contains(&date.weekday().to_sunday_zero_offset());
        self.months.contains(&date.month()) && if self.either_day { day || weekday } else { day && weekday }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::mondays("0 12 * * mon", "2026-01-05T17:00:00Z")]
    #[case::the_same_day("30 7,19 * * *", "2026-01-01T12:30:00Z")]
    #[case::steps("*/20 9-17/4 * * 1-5", "2026-01-01T14:00:00Z")]
    #[case::day_or_weekday("0 0 15 * sun", "2026-01-04T05:00:00Z")]
    #[case::leap_day("0 0 29 feb *", "2028-02-29T05:00:00Z")]
    #[case::seven_is_sunday("0 0 * * 7", "2026-01-04T05:00:00Z")]
    fn the_next_time_is_the_first_that_fits(#[case] text: &str, #[case] expected: &str) {
        let zone = TimeZone::get("US/Eastern").unwrap();
        let moment = "2026-01-01T11:00:00Z".parse().unwrap();

        let next = text.parse::<Schedule>().unwrap().next_after(moment, &zone);

        assert_eq!(next, Some(expected.parse().unwrap()));
    }

    #[test]
    fn a_time_that_a_change_of_clocks_leaves_out_comes_after_it() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let moment = "2026-03-28T23:30:00Z".parse().unwrap();

        let next = "30 2 * * *".parse::<Schedule>().unwrap().next_after(moment, &zone);

        assert_eq!(next, Some("2026-03-29T01:30:00Z".parse().unwrap()));
    }

    #[test]
    fn a_day_that_never_comes_is_none() {
        let schedule: Schedule = "0 0 30 feb *".parse().unwrap();

        assert_eq!(schedule.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC), None);
    }

    #[rstest]
    #[case("0 12 * *")]
    #[case("")]
    #[case("60 * * * *")]
    #[case("* 5-2 * * *")]
    #[case("*/0 * * * *")]
    #[case("* * 0 * *")]
    #[case("* * * * someday")]
    #[case("* * * * mon,")]
    fn what_is_no_schedule_is_refused(#[case] text: &str) {
        assert!(text.parse::<Schedule>().is_err());
    }
}
