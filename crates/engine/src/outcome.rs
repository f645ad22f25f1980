use std::collections::BTreeMap;
use std::time::Duration;

use model::{CollectionAddress, Completeness, IncompleteReason, RunId};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

use crate::SealedRows;

/// What became of a run: one outcome for each collection of the graph.
///
/// Holds the sealed rows; dropping it removes them from disk.
#[derive(Debug)]
pub struct RunOutcome {
    /// By address.
    pub collections: BTreeMap<CollectionAddress, CollectionOutcome>,
}

/// What became of one collection.
#[derive(Debug)]
pub struct CollectionOutcome {
    /// How it ended.
    pub status: Status,
    /// Whether everything was seen.
    pub completeness: Completeness,
    /// One sentence about a complete outcome that a person should know: why it was skipped.
    pub note: Option<String>,
    /// Rows stored.
    pub rows: u64,
    /// Those among them that carry only somebody else's e-mail address or phone number, in a
    /// collection that is read by it (architecture §13.17).
    pub foreign_rows: u64,
    /// Pages read.
    pub pages: u64,
    /// Calls put on the wire.
    pub requests: u64,
    /// Those that repeated an earlier attempt.
    pub retries: u64,
    /// Time spent waiting for rate limits.
    pub rate_limit_wait: Duration,
    /// From the first to the last moment of work.
    pub duration: Duration,
    /// The rows.
    pub sealed: SealedRows,
}

/// How a collection ended; the text form is what `report.json` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everything was read.
    Complete,
    /// Something was read, something is or may be missing.
    Incomplete,
    /// Nothing could be read.
    Failed,
    /// Not read: nothing that was provided leads to it, what leads to it could not be read, or the file
    /// does not read it for this connection.
    Skipped,
}

impl Status {
    /// The word that reports use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl RunOutcome {
    /// Whether every collection is complete; finding nothing is complete too.
    pub fn is_complete(&self) -> bool {
        self.collections.values().all(|outcome| outcome.completeness.is_complete())
    }

    /// Whether nothing could be produced: some collection failed and none was read
    /// (architecture §13.22). Gives the sentence of the first failure.
    pub fn nothing_produced(&self) -> Option<&str> {
        let read = |outcome: &&CollectionOutcome| match outcome.status {
            Status::Complete | Status::Incomplete => true,
            Status::Failed | Status::Skipped => false,
        };
        if self.collections.values().any(|outcome| read(&outcome)) {
            return None;
        }
        self.collections.values().filter(|outcome| outcome.status == Status::Failed).find_map(|outcome| {
            match &outcome.completeness {
                Completeness::Complete => None,
                Completeness::Incomplete { detail, .. } => Some(detail.as_str()),
            }
        })
    }

    /// The same with the rows that this process still has, which the store is not asked for any more. It is
    /// asked once whether they were destroyed meanwhile; later that is noticed only of other rows.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] if they were.
    pub async fn in_hand(mut self, store: &Store, run: &RunId) -> Result<Self, StoreError> {
        if self.collections.values().any(|one| one.sealed.are_in_hand()) {
            if store.get_run(run).await?.forgotten_at.is_some() {
                return Err(StoreError::Forgotten { run: run.clone() });
            }
            for one in self.collections.values_mut() {
                one.sealed = one.sealed.clone().out_of_hand();
            }
        }
        Ok(self)
    }

    /// Calls put on the wire, in all.
    pub fn requests(&self) -> u64 {
        self.collections.values().map(|outcome| outcome.requests).sum()
    }
}

impl CollectionOutcome {
    /// A collection that was not read.
    pub(crate) fn unread(status: Status, completeness: Completeness, sealed: SealedRows) -> Self {
        Self {
            status,
            completeness,
            note: None,
            rows: 0,
            foreign_rows: 0,
            pages: 0,
            requests: 0,
            retries: 0,
            rate_limit_wait: Duration::ZERO,
            duration: Duration::ZERO,
            sealed,
        }
    }

    /// Whether its rows may feed other collections.
    pub(crate) fn is_usable(&self) -> bool {
        match self.status {
            Status::Complete | Status::Incomplete => true,
            Status::Failed | Status::Skipped => false,
        }
    }

    /// The reason why it is incomplete.
    pub fn reason(&self) -> Option<IncompleteReason> {
        match &self.completeness {
            Completeness::Complete => None,
            Completeness::Incomplete { reason, .. } => Some(*reason),
        }
    }
}
