use std::collections::VecDeque;

use serde::Serialize;

use crate::Fault;

/// The last calls, for inspection.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    entries: VecDeque<LogEntry>,
    total: u64,
    writes: u64,
}

/// One call as it was answered.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LogEntry {
    /// Counts from 1.
    pub(super) number: u64,
    pub(super) service: &'static str,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// `null` if no answer was sent.
    pub(super) status: Option<u16>,
    pub(super) effect: LogEffect,
    pub(super) fault: Option<Fault>,
}

/// What a call changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogEffect {
    /// Looked only.
    Read,
    /// Changed something.
    Write,
    /// Would have written, but was refused or stopped by a fault first.
    None,
}

/// Number of calls kept.
const KEPT: usize = 10_000;

impl CallLog {
    pub(super) fn push(&mut self, mut entry: LogEntry) {
        self.total += 1;
        self.writes += u64::from(entry.effect == LogEffect::Write);
        entry.number = self.total;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        self.entries.iter()
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes
    }
}
