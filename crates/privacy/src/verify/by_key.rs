//! Reading the rows of a table by their primary key: it leads to them also where a mask replaced what
//! they were found by.

use std::collections::BTreeSet;
use std::sync::Arc;

use datastore::{Database, DatabaseError};
use engine::Cancellation;
use graph::{CollectedInputs, Edge, GraphCollection, Source, Traversal, TraversalNode};
use model::Row;

use super::traces::KeyValues;

/// Rows that are read by key.
pub(super) struct ByKey<'a> {
    pub(super) database: &'a Database,
    pub(super) collection: &'a Arc<GraphCollection>,
    pub(super) keys: KeyValues,
    pub(super) cancellation: &'a Cancellation,
}

impl ByKey<'_> {
    /// Gives every row that has one of the values; `false` if that may not be all of them.
    pub(super) async fn read(
        self,
        traversal: &Traversal,
        found: &mut dyn FnMut(&Row),
    ) -> Result<bool, DatabaseError> {
        let KeyValues { field, values } = self.keys;
        if values.is_empty() {
            return Ok(true);
        }
        // The values come from the rows themselves, as they were.
        let target = self.collection.address.field(field.as_str());
        let node = TraversalNode {
            collection: Arc::clone(self.collection),
            incoming: vec![Edge { source: Source::Field(target.clone()), target }],
            cut: Vec::new(),
            waits_for: BTreeSet::new(),
        };
        let inputs = CollectedInputs { flat: vec![(field, values)], groups: Vec::new() };
        let reading = self.database.read(traversal, &node, &inputs).await?;
        let mut is_whole = reading.units() > 0 && reading.unusable().is_empty();
        for unit in 0..reading.units() {
            let mut pages = reading.open(unit);
            while let Some(page) = pages.next_page().await? {
                page.rows.iter().for_each(&mut *found);
                if self.cancellation.is_cancelled() {
                    return Ok(false);
                }
            }
            is_whole &= pages.completeness().is_complete();
        }
        Ok(is_whole)
    }
}
