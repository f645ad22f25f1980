//! What was done with access: audit events of an application, and when each account was last seen
//! (baton 16.3, governance AUT-2).
//!
//! Events are handed over one by one as their pages come. Of them at most who used what, and when last, is kept
//! ([`ActivityLog::keep`]). What an application forgets, an answer that failed, an event that is not understood: each
//! makes the result incomplete, and it says so, because "nobody has used it" is only worth what was looked at.

mod error;
mod event;
mod keep;
mod last_use;
mod report;
mod seen;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use connector::{Bound, BoundKind, Connector, ItemReader, ListAnswers};
use engine::Concurrency;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use model::{Clock, Completeness};
use spec::connector_file::governance::Activity;

use self::event::EventMapper;
use self::report::Findings;
use self::seen::LastPages;

pub use error::ActivityError;
pub use event::{ActivityActor, ActivityEvent, ActivityResource};
pub use keep::{KeepActivityError, KeptActivity, keep_last_use};
pub(crate) use keep::{KeptActor, KeptUse};
pub use last_use::{AccountUse, LastUse, ResourceUse};
pub use report::{ActivityOutcome, ActivityReport};

/// Name of the list for logs, budgets and recordings.
const PLACE: &str = "activity";

/// From when to when events are asked for, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivitySpan {
    /// The beginning.
    pub since: Timestamp,
    /// The end; the present if it is not said.
    pub until: Option<Timestamp>,
}

/// The events of one connection.
#[derive(Debug)]
pub struct ActivityLog {
    connector: Connector,
    limits: Concurrency,
    clock: Arc<dyn Clock>,
}

impl ActivityLog {
    /// Those of the application that `connector` reaches.
    ///
    /// # Errors
    /// If its file lists no events, or says that it does not for such a connection.
    pub fn new(
        connector: Connector,
        limits: Concurrency,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ActivityError> {
        let connection = connector.connection().key.clone();
        let log = Self { connector, limits, clock };
        let Some(section) = log.section() else { return Err(ActivityError::NoActivity { connection }) };
        if let Some(when) = &section.when
            && !when.evaluate(log.mapper(section).params()).map_err(ActivityError::Expression)?
        {
            return Err(ActivityError::NotHere { connection, when: when.source().to_owned() });
        }
        Ok(log)
    }

    /// Hands over every event of the span, in the order in which the application lists them, until `take` has
    /// seen enough. One page is held at a time; an event that two pages in a row have is handed over once.
    ///
    /// # Errors
    /// If nothing could be read at all. What fails later is part of the report.
    ///
    /// # Cancel safety
    /// Dropping the future gives up one call.
    pub async fn read(
        &self,
        span: ActivitySpan,
        take: &mut (dyn FnMut(ActivityEvent) -> ControlFlow<()> + Send),
    ) -> Result<ActivityReport, ActivityError> {
        let connection = || self.connector.connection().key.clone();
        let Some(section) = self.section() else {
            return Err(ActivityError::NoActivity { connection: connection() });
        };
        let until = span.until.unwrap_or_else(|| self.clock.now());
        if span.since > until {
            return Err(ActivityError::EndBeforeBeginning);
        }
        let mut findings = Findings::default();
        let floor = section.kept.and_then(|kept| self.oldest(kept));
        let read_from = floor.map_or(span.since, |floor| floor.max(span.since));
        if let (Some(kept), true) = (section.kept, read_from > span.since) {
            findings.not_kept(kept, read_from);
        }
        let span = ActivitySpan { since: span.since, until: Some(until) };
        if read_from > until {
            return Ok(findings.report(connection(), (span, until), 0));
        }
        let mut reader = self.open(section, (read_from, until))?;
        let mapper = self.mapper(section);
        let mut pages = LastPages::default();
        loop {
            let page = {
                let _slot = self.limits.slot(&self.connector.connection().key).await;
                reader.next_page().await
            };
            match page {
                Ok(Some(page)) => {
                    pages.turn();
                    for item in &page.items {
                        let event = match mapper.event(item) {
                            Ok(event) => event,
                            Err(error) => {
                                findings.not_understood(&error);
                                continue;
                            }
                        };
                        // An application need not keep to the span, and lists shift while they are read.
                        if event.time < read_from || event.time > until || !pages.is_new(&event.id) {
                            continue;
                        }
                        findings.events += 1;
                        if take(event).is_break() {
                            findings.broken_off();
                            return Ok(findings.report(connection(), (span, read_from), requests(&reader)));
                        }
                    }
                }
                Ok(None) => break,
                Err(error) if pages.are_none() => return Err(ActivityError::Read(Box::new(error))),
                // It is what the list is incomplete for.
                Err(_) => break,
            }
        }
        if let Completeness::Incomplete { detail, .. } = reader.completeness() {
            findings.add(detail);
        }
        Ok(findings.report(connection(), (span, read_from), requests(&reader)))
    }

    fn open(
        &self,
        section: &Activity,
        (since, until): (Timestamp, Timestamp),
    ) -> Result<ItemReader, ActivityError> {
        // Whole seconds, which every application understands; what is outside of the span is left out later.
        let bound = Bound::new().with("since", seconds(since, RoundMode::Floor), BoundKind::Moment).with(
            "until",
            seconds(until, RoundMode::Ceil),
            BoundKind::Moment,
        );
        let governance = self.connector.connection().file.governance.as_ref();
        let requires = governance.and_then(|governance| governance.requires.clone());
        let answers = ListAnswers { unavailable: Vec::new(), requires };
        let list = self.connector.list((&section.request, PLACE), &bound, answers);
        Ok(list.map_err(|error| ActivityError::Read(Box::new(error)))?.open())
    }

    fn section(&self) -> Option<&Activity> {
        self.connector.connection().file.activity.as_deref()
    }

    fn mapper<'a>(&self, section: &'a Activity) -> EventMapper<'a> {
        EventMapper::new(self.connector.connection(), section)
    }

    /// The oldest moment of which the application still has events.
    fn oldest(&self, kept: Duration) -> Option<Timestamp> {
        let kept = SignedDuration::try_from(kept).ok()?;
        self.clock.now().checked_sub(kept).ok()
    }
}

fn requests(reader: &ItemReader) -> u64 {
    reader.stats().requests
}

fn seconds(time: Timestamp, mode: RoundMode) -> String {
    let whole = TimestampRound::new().smallest(Unit::Second).mode(mode);
    time.round(whole).unwrap_or(time).to_string()
}
