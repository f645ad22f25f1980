use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::basis::Basis;
use crate::unit_state::KeptCompleteness;
use crate::{CollectionOutcome, SealedRows, Status};

/// The outcome of a collection as the store keeps it: everything but the rows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptOutcome {
    /// What it rests on.
    #[serde(default)]
    basis: Option<Basis>,
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

impl KeptOutcome {
    pub(crate) fn new(basis: &Basis, outcome: &CollectionOutcome) -> Self {
        Self {
            basis: Some(basis.clone()),
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

    /// Whether it is what reading on this basis gave.
    pub(crate) fn rests_on(&self, basis: &Basis) -> bool {
        self.basis.as_ref() == Some(basis)
    }

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
