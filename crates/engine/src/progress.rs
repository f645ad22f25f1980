use jiff::Timestamp;
use model::CollectionAddress;

use crate::Status;

/// What a run tells while it goes on: addresses and counts, nothing of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A collection starts.
    Started {
        /// Which.
        collection: CollectionAddress,
        /// Its units: one for each read request and combination of inputs.
        units: usize,
    },
    /// A page was read and stored.
    Page {
        /// Of which collection.
        collection: CollectionAddress,
        /// Rows of this page.
        rows: u64,
    },
    /// Jobs of an application make rows of a collection, and are waited for.
    Waits {
        /// Of which collection.
        collection: CollectionAddress,
        /// How many.
        jobs: usize,
        /// How many of them were started just now.
        started: usize,
        /// When the application is asked about the first of them.
        until: Timestamp,
    },
    /// A collection ended; skipped ones end without a start.
    Ended {
        /// Which.
        collection: CollectionAddress,
        /// How.
        status: Status,
        /// Rows in all.
        rows: u64,
    },
}
