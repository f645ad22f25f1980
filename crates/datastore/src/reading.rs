//! Reading one collection: units of at most 1,000 searched values, page by page.
//!
//! The same shape as the reading of an application (`connector`): units do not know each other,
//! the rows of the collection are those of the units in order.

mod page_reader;
mod unit_hash;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use graph::{CollectedInputs, Traversal, TraversalNode, UnusableInput, collect_values};
use model::{CollectionAddress, Row, RowLines};
use serde_json::Value;

use crate::columns::{edge_paths, necessary};
use crate::condition::{Place, Searched};
use crate::select::{Output, Select};
use crate::table::Table;
use crate::{Database, DatabaseError, Fault};

pub use page_reader::PageReader;

/// Most values in the condition of one statement.
const MOST_VALUES: usize = 1000;

/// The units of one collection, checked against the schema and not yet sent.
#[derive(Debug)]
pub struct Reading {
    plan: Arc<Plan>,
    unusable: Vec<UnusableInput>,
}

/// What the units of a reading share.
pub(crate) struct Plan {
    database: Database,
    collection: CollectionAddress,
    table: Table,
    outputs: Vec<Output>,
    inputs: Vec<Input>,
    units: Vec<Vec<(usize, Range<usize>)>>,
    /// For each unit: its values and those of the units before it; made when somebody asks.
    value_hashes: OnceLock<Vec<[u8; 32]>>,
}

/// A place with everything that is searched there.
struct Input {
    place: Place,
    values: Vec<Searched>,
    /// In which unit a value is searched; empty if there is only one unit.
    unit_of: HashMap<String, usize>,
}

impl Database {
    /// Prepares the reading of `node` with the values gathered for it; asks the database for the
    /// table's columns and reads no row.
    ///
    /// # Errors
    /// [`DatabaseError`] if the database cannot be reached, or table or columns are not what the
    /// dataset says.
    pub async fn read(
        &self,
        traversal: &Traversal,
        node: &TraversalNode,
        inputs: &CollectedInputs,
    ) -> Result<Reading, DatabaseError> {
        let plan = self.plan(traversal, node, inputs).await;
        let (plan, unusable) = plan.map_err(|fault| self.error(Some(node.address()), fault))?;
        Ok(Reading { plan: Arc::new(plan), unusable })
    }

    async fn plan(
        &self,
        traversal: &Traversal,
        node: &TraversalNode,
        inputs: &CollectedInputs,
    ) -> Result<(Plan, Vec<UnusableInput>), Fault> {
        let table = self.table(node.address()).await?;
        let names = necessary(&node.collection, &edge_paths(node, traversal));
        let outputs = Output::list(&names, &node.collection, &table)?;
        let (usable, mut unusable) = inputs.usable(node);
        let mut found = Vec::new();
        for input in usable {
            let place = Place::find(&input.path, &node.collection, &table)?;
            let values: Vec<_> = input.values.iter().filter_map(|value| place.searched(value)).collect();
            if values.is_empty() {
                unusable.push(UnusableInput { path: input.path, received: input.values.len() });
            } else {
                found.push(Input { place, values, unit_of: HashMap::new() });
            }
        }
        let units = units(&mut found);
        let plan = Plan {
            database: self.clone(),
            collection: node.address().clone(),
            table,
            outputs,
            inputs: found,
            units,
            value_hashes: OnceLock::new(),
        };
        Ok((plan, unusable))
    }
}

impl Reading {
    /// How many units there are; none if there is nothing to search (privacy-requests P-7).
    pub fn units(&self) -> usize {
        self.plan.units.len()
    }

    /// Opens unit `unit`, counted from 0; a unit that does not exist has no pages. A unit that is
    /// opened again is read again from its beginning.
    pub fn open(&self, unit: usize) -> PageReader {
        PageReader::new(Arc::clone(&self.plan), unit)
    }

    /// Inputs of which no value can be in their column (privacy-requests D-15).
    pub fn unusable(&self) -> &[UnusableInput] {
        &self.unusable
    }
}

/// Shares the values out among units.
fn units(inputs: &mut [Input]) -> Vec<Vec<(usize, Range<usize>)>> {
    let mut units: Vec<Vec<(usize, Range<usize>)>> = Vec::new();
    let mut room = 0;
    for (position, input) in inputs.iter().enumerate() {
        let mut start = 0;
        while start < input.values.len() {
            if room == 0 {
                units.push(Vec::new());
                room = MOST_VALUES;
            }
            let end = input.values.len().min(start + room);
            if let Some(unit) = units.last_mut() {
                unit.push((position, start..end));
            }
            room -= end - start;
            start = end;
        }
    }
    if units.len() > 1 {
        for (unit, parts) in units.iter().enumerate() {
            for (position, range) in parts {
                let Some(input) = inputs.get_mut(*position) else { continue };
                let keys: Vec<_> =
                    input.values.get(range.clone()).unwrap_or_default().iter().map(Searched::key).collect();
                for key in keys {
                    input.unit_of.entry(key).or_insert(unit);
                }
            }
        }
    }
    units
}

impl Plan {
    fn select(&self, unit: usize) -> Option<Select> {
        let parts = self.units.get(unit)?;
        let conditions: Vec<(&Place, &[Searched])> = parts
            .iter()
            .filter_map(|(position, range)| {
                let input = self.inputs.get(*position)?;
                Some((&input.place, input.values.get(range.clone())?))
            })
            .collect();
        Some(Select::new(self.database.driver().dialect(), &self.table, &self.outputs, &conditions))
    }

    /// `rows` of a unit without those that an earlier one has as well.
    fn without_earlier(&self, unit: usize, rows: RowLines) -> RowLines {
        if unit == 0 {
            return rows;
        }
        let mut kept = RowLines::default();
        for line in rows.lines() {
            let row = serde_json::from_slice(line);
            if !row.is_ok_and(|row| self.is_in_earlier_unit(unit, &row)) {
                kept.push_line(line);
            }
        }
        kept
    }

    /// Whether an earlier unit has this row as well, so that it comes once (privacy-requests P-9).
    ///
    /// Where the database calls values equal that are not the same (letter case), a row may still
    /// come twice; it is never lost.
    fn is_in_earlier_unit(&self, unit: usize, row: &Row) -> bool {
        self.inputs.iter().any(|input| {
            let Some(value) = row.get(&input.place.column.name) else { return false };
            let mut is_earlier = false;
            let mut look = |value: &Value| {
                let key = input.place.searched(value).map(|searched| searched.key());
                is_earlier |= key.and_then(|key| input.unit_of.get(&key)).is_some_and(|first| *first < unit);
            };
            collect_values(value, &input.place.below, &mut look);
            is_earlier
        })
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("database", &self.database)
            .field("collection", &self.collection)
            .field("units", &self.units.len())
            .finish_non_exhaustive()
    }
}
