use std::path::PathBuf;

use store::{RunKind, Store};

/// Where the rows of a run are kept.
#[derive(Debug, Clone)]
pub enum RowKeeping {
    /// Sealed in a folder made in this one, under a key that never leaves memory; gone with the outcome.
    /// For many people at once, where a person whose reading breaks off is simply read again.
    Spool(PathBuf),
    /// In the store: the run survives the process and goes on from the last page.
    Store(StoredRows),
}

/// A run whose rows are in the store. The run is there already (`Store::run_create`).
#[derive(Debug, Clone)]
pub struct StoredRows {
    /// The state.
    pub store: Store,
    /// Who works here; one name for each process.
    pub worker: String,
    /// Which reading of the run this is: the kind of its tasks (`read`, `again`, `verify-1`).
    pub stage: String,
    /// What is known of the run.
    pub begun: RunBegun,
}

/// What is known of a run before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunBegun {
    /// Nothing: the store is asked.
    Before,
    /// It was made just now, with the tasks of [`reading_tasks`](crate::reading_tasks) and without a
    /// deadline: nobody has read anything yet.
    Now(RunKind),
    /// It is there and has no deadline, and no task of this reading was made yet.
    Afresh(RunKind),
}
