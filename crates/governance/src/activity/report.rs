use std::time::Duration;

use jiff::Timestamp;
use model::ConnectionKey;
use serde::{Deserialize, Serialize};

use super::ActivitySpan;
use crate::mapping::MappingError;

/// How the reading of events ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityReport {
    /// Whose events.
    pub connection: ConnectionKey,
    /// From when on they were wanted.
    pub since: Timestamp,
    /// Up to when.
    pub until: Timestamp,
    /// From when on they were read: later than `since` where the application has forgotten what was before.
    pub read_from: Timestamp,
    /// Whether all of the span was read.
    pub outcome: ActivityOutcome,
    /// What is missing, and why.
    pub reason: Option<String>,
    /// How many events were handed over.
    pub events: u64,
    /// How many could not be understood.
    pub not_understood: u64,
    /// Calls made.
    pub requests: u64,
}

/// Whether all of the span was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityOutcome {
    /// It was: what is not among the events did not happen, as far as the application tells.
    Complete,
    /// Something of it is missing.
    Incomplete,
}

/// What is found while events are read.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) events: u64,
    not_understood: u64,
    /// What is wrong with the first one that is not understood.
    first_error: Option<String>,
    reasons: Vec<String>,
}

impl Findings {
    pub(super) fn add(&mut self, reason: String) {
        self.reasons.push(reason);
    }

    pub(super) fn not_kept(&mut self, kept: Duration, read_from: Timestamp) {
        let days = kept.as_secs() / 86_400;
        self.add(format!(
            "the application keeps events for {days} days; what happened before {read_from} is not known"
        ));
    }

    pub(super) fn not_understood(&mut self, error: &MappingError) {
        self.not_understood += 1;
        self.first_error.get_or_insert_with(|| error.to_string());
    }

    pub(super) fn broken_off(&mut self) {
        self.add("it was broken off before the end".to_owned());
    }

    pub(super) fn report(
        mut self,
        connection: ConnectionKey,
        (span, read_from): (ActivitySpan, Timestamp),
        requests: u64,
    ) -> ActivityReport {
        if let Some(error) = self.first_error.take() {
            self.add(format!("{} events are not understood: {error}", self.not_understood));
        }
        let outcome =
            if self.reasons.is_empty() { ActivityOutcome::Complete } else { ActivityOutcome::Incomplete };
        ActivityReport {
            connection,
            since: span.since,
            until: span.until.unwrap_or(read_from),
            read_from,
            outcome,
            reason: (!self.reasons.is_empty()).then(|| self.reasons.join("; ")),
            events: self.events,
            not_understood: self.not_understood,
            requests,
        }
    }
}
