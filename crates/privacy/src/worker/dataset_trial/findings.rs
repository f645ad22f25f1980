//! What a trial found, and what is told of it: rows for the results, keys and counts for the log.

use engine::CollectionOutcome;
use graph::{Graph, Selection};
use jiff::Timestamp;
use model::{CollectionAddress, Completeness, IncompleteReason, Row};
use serde_json::Value;
use store::{DatasetTrialLevel as Level, DatasetTrialLog, DatasetTrialState};

use crate::dataset_trial::{MOST_BYTES, MOST_ROWS};
use crate::worker::log::read_words;

/// The part of the work that is no collection.
const TRIAL: &str = "trial";

/// What a trial found so far.
#[derive(Debug)]
pub(super) struct Findings {
    /// Address → rows.
    pub(super) rows: Row,
    /// Whether rows were left out.
    pub(super) is_cut: bool,
    /// What is told.
    pub(super) logs: Vec<DatasetTrialLog>,
    at: Timestamp,
    kept: u64,
    bytes: usize,
    is_faulty: bool,
}

impl Findings {
    /// Nothing yet.
    pub(super) fn new(at: Timestamp) -> Self {
        Self { rows: Row::new(), is_cut: false, logs: Vec::new(), at, kept: 0, bytes: 0, is_faulty: false }
    }

    /// The trial as a whole went wrong; what was found stays.
    pub(super) fn fail(&mut self, at: Timestamp, text: String) {
        self.at = at;
        self.is_faulty = true;
        self.tell(Level::Error, TRIAL, text);
    }

    /// Takes what `targets` select of a collection, as far as there is room.
    pub(super) fn take(
        &mut self,
        graph: &Graph,
        targets: &[String],
        (address, collection): (&CollectionAddress, &CollectionOutcome),
    ) {
        let level = self.level(collection);
        let (_, message) = read_words(collection);
        self.tell(level, &address.to_string(), message);
        let node = graph.find(address);
        let selection = node.map_or(Selection::Nothing, |node| Selection::of(node, targets));
        if collection.rows > 0 && selection == Selection::Nothing {
            let text = "the policy shows nothing of this collection".to_owned();
            return self.tell(Level::Info, &address.to_string(), text);
        }
        let mut shown = Vec::new();
        for page in collection.sealed.pages() {
            let Ok(page) = page else {
                self.is_faulty = true;
                return self.tell(
                    Level::Error,
                    &address.to_string(),
                    "its rows cannot be read back".to_owned(),
                );
            };
            for row in page.into_iter().filter_map(|row| selection.pick(row)) {
                if self.has_room_for(&row) {
                    shown.push(Value::Object(row));
                }
            }
        }
        if !shown.is_empty() {
            self.rows.insert(address.to_string(), Value::Array(shown));
        }
    }

    /// Says what came of it all.
    pub(super) fn conclude(&mut self) {
        if self.is_cut {
            let text = format!(
                "a trial reads and keeps {MOST_ROWS} rows and {} MiB at most; the rest is left out",
                MOST_BYTES / (1024 * 1024)
            );
            self.tell(Level::Warning, TRIAL, text);
        }
        self.tell(Level::Info, TRIAL, format!("ended with {} rows", self.kept));
    }

    /// How the trial ended.
    pub(super) fn state(&self) -> DatasetTrialState {
        if self.is_faulty { DatasetTrialState::Error } else { DatasetTrialState::Complete }
    }

    fn level(&mut self, collection: &CollectionOutcome) -> Level {
        let Completeness::Incomplete { reason, .. } = &collection.completeness else { return Level::Info };
        match reason {
            // Nobody stops a trial but itself.
            IncompleteReason::Cancelled => {
                self.is_cut = true;
                Level::Warning
            }
            IncompleteReason::IgnoredError | IncompleteReason::Upstream => Level::Warning,
            IncompleteReason::PageLoop
            | IncompleteReason::PageCap
            | IncompleteReason::Truncated
            | IncompleteReason::Malformed
            | IncompleteReason::Http429
            | IncompleteReason::Http5xx
            | IncompleteReason::Http4xx
            | IncompleteReason::Connection => {
                self.is_faulty = true;
                Level::Error
            }
        }
    }

    /// Counts a row, if there is room for it.
    fn has_room_for(&mut self, row: &Row) -> bool {
        let bytes = serde_json::to_string(row).map_or(usize::MAX, |text| text.len());
        if self.kept >= MOST_ROWS || self.bytes.saturating_add(bytes) > MOST_BYTES {
            self.is_cut = true;
            return false;
        }
        self.kept += 1;
        self.bytes += bytes;
        true
    }

    fn tell(&mut self, level: Level, place: &str, message: String) {
        self.logs.push(DatasetTrialLog { at: self.at, level, place: place.to_owned(), message });
    }
}
