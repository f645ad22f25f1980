//! Until when a request must be answered, by the law that protects the person.
//!
//! Pure arithmetic over dates in the controller's time zone: what each law allows is data
//! ([`Jurisdiction::law`]), and this counts. A date that is not certain is the earlier one.

mod calendar;
mod forecast;
mod law;
mod location;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use thiserror::Error;

pub use calendar::{Calendar, UnknownZone};
pub use forecast::{Forecast, VendorClock, forecast};
pub use law::{Extension, Jurisdiction, Law, Length, PauseReason};

/// What a request's deadline depends on.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    /// The law that counts.
    pub jurisdiction: Jurisdiction,
    /// When the request arrived.
    pub received: Timestamp,
    /// When the controller waited for the person.
    pub pauses: &'a [Pause],
    /// Whether the person was told that it takes longer.
    pub extended: Option<Extended>,
    /// Days that the controller set itself, from its policy; a law's deadline never becomes later by it.
    pub own_days: Option<u32>,
}

/// A time in which the controller could not go on without the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// What it waited for.
    pub reason: PauseReason,
    /// Since when.
    pub from: Timestamp,
    /// Until when; none: it still waits.
    pub until: Option<Timestamp>,
}

/// A longer time that was announced to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    /// When they were told.
    pub announced: Timestamp,
    /// The last day that was named to them, where the law leaves it to the controller.
    pub named: Option<Date>,
}

/// Until when a request must be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// The last day on which an answer is in time.
    pub last_day: Date,
    /// The first moment at which it is late.
    pub due_at: Timestamp,
    /// The last day before any extension: until then one may be announced.
    pub announce_by: Date,
    /// The last day for telling the person that the request arrived, where the law asks for it.
    pub confirm_by: Option<Date>,
    /// The last day that an extension could give; none if there is none to give.
    pub extensible_to: Option<Date>,
    /// Whether the clock stands still now.
    pub is_paused: bool,
    /// Whether the controller's own time is what counts.
    pub is_own: bool,
}

/// A deadline that cannot be counted, or an extension that the law does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeadlineError {
    /// Dates end before it.
    #[error("the deadline lies outside of the calendar; check the time at which the request arrived")]
    OutOfRange,
    /// No such thing in this law.
    #[error("{law} allows no extension; answer by {last_day}")]
    NoExtension {
        /// The law.
        law: &'static str,
        /// Until when.
        last_day: Date,
    },
    /// Told after the time was over.
    #[error("an extension under {law} must be announced by {announce_by}; it is too late for one")]
    AnnouncedLate {
        /// The law.
        law: &'static str,
        /// Until when.
        announce_by: Date,
    },
    /// The law leaves the length to the controller, and none was given.
    #[error("{law} sets no length for an extension; name the last day")]
    DayNeeded {
        /// The law.
        law: &'static str,
    },
    /// A named day that is before the deadline, or after what the law allows.
    #[error("an extension under {law} ends after {from} and by {to}")]
    DayOutside {
        /// The law.
        law: &'static str,
        /// The day before which it is none.
        from: Date,
        /// The last day that the law allows.
        to: Date,
    },
}

/// Counts the deadline of a request as things stand at `now`.
///
/// # Errors
/// [`DeadlineError`] for an extension that the law does not allow, or dates beyond the calendar.
pub fn deadline(
    circumstances: &Circumstances<'_>,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Deadline, DeadlineError> {
    let law = circumstances.jurisdiction.law();
    let (start, stopped) = begin(circumstances, law, calendar, now);
    let last = |length: Length| -> Result<Date, DeadlineError> {
        let day = calendar.after(calendar.day(start), length)?;
        let day = day.checked_add(Span::new().days(stopped.days)).map_err(|_| DeadlineError::OutOfRange)?;
        if law.moves_to_a_working_day { calendar.working_day_from(day) } else { Ok(day) }
    };
    let announce_by = last(law.answer)?;
    let extensible_to = match law.extension {
        Extension::None | Extension::Named => None,
        Extension::Once { in_all } => Some(last(in_all)?),
    };
    let lawful = match circumstances.extended {
        None => announce_by,
        Some(extended) => {
            longer((circumstances.jurisdiction, law), (announce_by, extensible_to), (extended, calendar))?
        }
    };
    let own = match circumstances.own_days {
        Some(days) => Some(last(Length::Days(i64::from(days)))?),
        None => None,
    };
    let last_day = own.map_or(lawful, |own| own.min(lawful));
    let confirm_by = match law.confirm {
        Some(length) => Some(calendar.after(calendar.day(circumstances.received), length)?),
        None => None,
    };
    Ok(Deadline {
        last_day,
        due_at: calendar.end_of(last_day)?,
        announce_by,
        confirm_by,
        extensible_to,
        is_paused: stopped.still,
        is_own: last_day < lawful,
    })
}

/// The last day of an extension, if the law allows it.
fn longer(
    (jurisdiction, law): (Jurisdiction, &Law),
    (announce_by, extensible_to): (Date, Option<Date>),
    (extended, calendar): (Extended, &Calendar),
) -> Result<Date, DeadlineError> {
    let name = jurisdiction.name();
    if law.extension == Extension::None {
        return Err(DeadlineError::NoExtension { law: name, last_day: announce_by });
    }
    if calendar.day(extended.announced) > announce_by {
        return Err(DeadlineError::AnnouncedLate { law: name, announce_by });
    }
    let Some(day) = extended.named.or(extensible_to) else {
        return Err(DeadlineError::DayNeeded { law: name });
    };
    let to = extensible_to.unwrap_or(Date::MAX);
    if day <= announce_by || day > to {
        return Err(DeadlineError::DayOutside { law: name, from: announce_by, to });
    }
    Ok(day)
}

/// How long the clock stood still after it began.
struct Stopped {
    days: i64,
    still: bool,
}

/// When the clock begins, and how long it stood still after that. A pause that is there from the
/// beginning moves the beginning; one after the last day without pauses changes nothing.
fn begin(
    circumstances: &Circumstances<'_>,
    law: &Law,
    calendar: &Calendar,
    now: Timestamp,
) -> (Timestamp, Stopped) {
    let mut start = circumstances.received;
    let mut stopped = Stopped { days: 0, still: false };
    let mut pauses: Vec<Pause> = circumstances.pauses.to_vec();
    pauses.retain(|pause| law.pauses.contains(&pause.reason));
    pauses.sort_by_key(|pause| pause.from);
    let mut running_from = start;
    for pause in pauses {
        let until = pause.until.unwrap_or(now).max(pause.from);
        if until <= running_from {
            // One that began just now stands still as well.
            stopped.still |= pause.until.is_none() && pause.from >= running_from;
            continue;
        }
        let from = pause.from.max(running_from);
        if from == start && stopped.days == 0 {
            start = until;
        } else if is_over(start, &stopped, law, (calendar, from)) {
            break;
        } else {
            stopped.days += calendar.days_between(from, until);
        }
        stopped.still |= pause.until.is_none();
        running_from = until;
    }
    (start, stopped)
}

/// Whether the longest time that the law gives was over when a pause began.
fn is_over(start: Timestamp, stopped: &Stopped, law: &Law, (calendar, from): (&Calendar, Timestamp)) -> bool {
    let longest = match law.extension {
        Extension::None | Extension::Named => law.answer,
        Extension::Once { in_all } => in_all,
    };
    let last = calendar.after(calendar.day(start), longest);
    let last = last.ok().and_then(|day| day.checked_add(Span::new().days(stopped.days)).ok());
    last.is_some_and(|last| calendar.day(from) > last)
}
