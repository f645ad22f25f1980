use std::collections::BTreeMap;

use engine::{CollectionOutcome, RunOutcome, Status};
use model::{CollectionAddress, Completeness, IncompleteReason};
use serde::{Deserialize, Serialize};

use crate::manual_task::NotBrought;

/// What was read and what is missing: the content of `report.json`. Holds no personal data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// Of the whole run.
    pub outcome: ReportOutcome,
    /// By address.
    pub collections: BTreeMap<CollectionAddress, CollectionReport>,
}

/// Whether anything is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportOutcome {
    /// Every collection was read to its end, or there was nothing to ask it with.
    Complete,
    /// At least one collection is incomplete.
    Incomplete,
}

/// One collection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CollectionReport {
    /// How it ended.
    pub status: Status,
    /// Whether everything was seen.
    pub completeness: CompletenessReport,
    /// Rows read; a policy may deliver fewer.
    pub rows: u64,
    /// Pages read.
    pub pages: u64,
    /// Calls put on the wire.
    pub requests: u64,
    /// Those that repeated an earlier attempt.
    pub retries: u64,
    /// Time spent waiting for rate limits.
    pub rate_limit_wait_ms: u64,
    /// Time from start to end.
    pub duration_ms: u64,
}

/// Whether everything was seen, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletenessReport {
    /// Nothing is missing.
    pub complete: bool,
    /// Why something is missing; none for what people were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<IncompleteReason>,
    /// One sentence for a person; also says why a collection was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Report {
    /// The report of a run.
    pub fn of(outcome: &RunOutcome) -> Self {
        let collections = outcome.collections.iter().map(|(address, one)| (address.clone(), one.into()));
        Self {
            outcome: if outcome.is_complete() { ReportOutcome::Complete } else { ReportOutcome::Incomplete },
            collections: collections.collect(),
        }
    }

    /// The same with a line for each task that brought nothing: a shorter package says so (architecture
    /// law 4).
    pub(crate) fn with_not_brought(mut self, tasks: &[NotBrought]) -> Self {
        for task in tasks {
            if task.is_missing {
                self.outcome = ReportOutcome::Incomplete;
            }
            self.collections.insert(task.address.clone(), task.into());
        }
        self
    }
}

impl From<&NotBrought> for CollectionReport {
    fn from(task: &NotBrought) -> Self {
        Self {
            status: Status::Skipped,
            completeness: CompletenessReport {
                complete: !task.is_missing,
                reason: None,
                detail: Some(task.why.clone()),
            },
            rows: 0,
            pages: 0,
            requests: 0,
            retries: 0,
            rate_limit_wait_ms: 0,
            duration_ms: 0,
        }
    }
}

impl From<&CollectionOutcome> for CollectionReport {
    fn from(outcome: &CollectionOutcome) -> Self {
        let completeness = match &outcome.completeness {
            Completeness::Complete => {
                CompletenessReport { complete: true, reason: None, detail: outcome.note.clone() }
            }
            Completeness::Incomplete { reason, detail } => {
                CompletenessReport { complete: false, reason: Some(*reason), detail: Some(detail.clone()) }
            }
        };
        let milliseconds =
            |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            status: outcome.status,
            completeness,
            rows: outcome.rows,
            pages: outcome.pages,
            requests: outcome.requests,
            retries: outcome.retries,
            rate_limit_wait_ms: milliseconds(outcome.rate_limit_wait),
            duration_ms: milliseconds(outcome.duration),
        }
    }
}
