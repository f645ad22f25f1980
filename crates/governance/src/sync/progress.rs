/// What a sync tells while it goes on: kinds and counts, nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncProgress {
    /// A list has so many units to be read, each a list of its own at the application.
    Started {
        /// Kind of the resources that it is about.
        kind: String,
        /// How many.
        units: usize,
    },
    /// A page was read and kept.
    Page {
        /// Kind of the resources that it is about.
        kind: String,
        /// Items on it.
        items: u64,
    },
    /// A list was read, or given up.
    Ended {
        /// Kind of the resources that it is about.
        kind: String,
    },
}
