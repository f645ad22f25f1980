use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::unit_state::KeptCompleteness;
use crate::{CollectionOutcome, SealedRows, Status};

/// The outcome of a collection as the store keeps it: everything but the rows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptOutcome {
    status: Status,
    completeness: KeptCompleteness,
    note: Option<String>,
    rows: u64,
    foreign_rows: u64,
    pages: u64,
    requests: u64,
    retries: u64,
    rate_limit_wait: Duration,
    duration: Duration,
}

impl From<&CollectionOutcome> for KeptOutcome {
    fn from(outcome: &CollectionOutcome) -> Self {
        Self {
            status: outcome.status,
            completeness: outcome.completeness.clone().into(),
            note: outcome.note.clone(),
            rows: outcome.rows,
            foreign_rows: outcome.foreign_rows,
            pages: outcome.pages,
            requests: outcome.requests,
            retries: outcome.retries,
            rate_limit_wait: outcome.rate_limit_wait,
            duration: outcome.duration,
        }
    }
}

impl KeptOutcome {
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The outcome, with the rows that belong to it.
    pub(crate) fn with(self, sealed: SealedRows) -> CollectionOutcome {
        CollectionOutcome {
            status: self.status,
            completeness: self.completeness.into(),
            note: self.note,
            rows: self.rows,
            foreign_rows: self.foreign_rows,
            pages: self.pages,
            requests: self.requests,
            retries: self.retries,
            rate_limit_wait: self.rate_limit_wait,
            duration: self.duration,
            sealed,
        }
    }
}
