//! How far events of use are known in the time that is asked for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::ActivityState;

/// The time for which access is to be unused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UseWindow {
    /// Its beginning.
    pub since: Timestamp,
    /// Its end: when the inventory was true.
    pub until: Timestamp,
}

impl UseWindow {
    /// So long before `until`; none if no calendar goes back so far.
    pub fn before(until: Timestamp, time: Duration) -> Option<Self> {
        let time = SignedDuration::try_from(time).ok()?;
        until.checked_sub(time).ok().map(|since| Self { since, until })
    }
}

/// What is known of events in that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityEvidence {
    /// Whether all of it is.
    pub standing: ActivityStanding,
    /// From when on all events were read …
    pub from: Option<Timestamp>,
    /// … and up to when.
    pub until: Option<Timestamp>,
    /// From when on it is known on what.
    pub resources_from: Option<Timestamp>,
    /// When reading was tried last.
    pub tried_at: Option<Timestamp>,
    /// What is missing, and why.
    pub reason: Option<String>,
}

/// Whether events are known in the time that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityStanding {
    /// None were ever read: the application has no list of them, or nobody asked for it.
    None,
    /// All of the time was read.
    Complete,
    /// All of it was read, but on what something was done is not known of all of it.
    AccountsOnly,
    /// Some of it was not read.
    Incomplete,
}

impl ActivityEvidence {
    pub(super) fn of(state: Option<&ActivityState>, window: &UseWindow) -> Self {
        let Some(state) = state else {
            let reason = None;
            let standing = ActivityStanding::None;
            return Self { standing, from: None, until: None, resources_from: None, tried_at: None, reason };
        };
        let (standing, gap) = (ActivityStanding::of(Some(state), window), gap(state, window));
        let newest = state
            .reason
            .as_ref()
            .map(|reason| format!("the newest reading, at {}: {reason}", state.tried_at));
        let reason: Vec<String> = gap.into_iter().chain(newest).collect();
        Self {
            standing,
            from: state.span.map(|span| span.from),
            until: state.span.map(|span| span.until),
            resources_from: state.span.map(|span| span.resources_from),
            tried_at: Some(state.tried_at),
            reason: (!reason.is_empty()).then(|| reason.join("; ")),
        }
    }
}

impl ActivityStanding {
    pub(super) fn of(state: Option<&ActivityState>, UseWindow { since, until }: &UseWindow) -> Self {
        let Some(state) = state else { return Self::None };
        match state.span {
            None => Self::Incomplete,
            Some(span) if span.from > *since || span.until < *until => Self::Incomplete,
            Some(span) if span.resources_from > *since => Self::AccountsOnly,
            Some(_) => Self::Complete,
        }
    }

    /// Whether something is missing of what could be known.
    pub fn is_incomplete(self) -> bool {
        match self {
            Self::None | Self::Complete => false,
            Self::AccountsOnly | Self::Incomplete => true,
        }
    }
}

/// What of the time is not known, in words.
fn gap(state: &ActivityState, UseWindow { since, until }: &UseWindow) -> Option<String> {
    let Some(span) = state.span else { return Some("no time was read without a gap".to_owned()) };
    if span.from > *since {
        Some(format!("events are known from {} on, and {since} is before that", span.from))
    } else if span.until < *until {
        Some(format!("events are known up to {}, and the inventory is as of {until}", span.until))
    } else if span.resources_from > *since {
        Some(format!(
            "there were too many: on what something was done is known from {} on, and {since} is before that",
            span.resources_from
        ))
    } else {
        None
    }
}
