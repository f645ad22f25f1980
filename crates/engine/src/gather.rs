//! Inputs of a collection out of the stored rows of others; everything here blocks.

use std::collections::{BTreeMap, HashMap};

use connector::Inputs;
use graph::{DistinctValues, ForeignRows, InputCollector, RowFilter, TraversalNode, collect_values};
use model::{CollectionAddress, Identities};
use serde_json::Value;
use spec::reference::FieldReference;

use crate::{RowsError, SealedRows};

/// What a collection is read with.
pub struct Gathered {
    /// Values of placeholders and filters.
    pub inputs: Inputs,
    /// Takes out array elements that match no input.
    pub filter: RowFilter,
    /// Finds rows of other people.
    pub foreign: ForeignRows,
}

/// Streams the rows of all parents once, and those that filters look at. Blocks.
///
/// # Errors
/// [`RowsError`] if rows cannot be read back.
pub fn gather(
    node: &TraversalNode,
    identities: &Identities,
    rows: &BTreeMap<CollectionAddress, SealedRows>,
) -> Result<Gathered, RowsError> {
    let mut collector = InputCollector::new(node, identities);
    for parent in node.parents() {
        let Some(sealed) = rows.get(parent) else { continue };
        for page in sealed.pages() {
            for row in page? {
                collector.add_row(parent, row);
            }
        }
    }
    let collected = collector.finish();
    let filter = RowFilter::new(node, &collected);
    let mut filter_values = HashMap::new();
    for reference in &node.collection.filter_references {
        if let Some(values) = filter_values_of(reference, rows)? {
            filter_values.insert(reference.clone(), values);
        }
    }
    let inputs = Inputs {
        flat: collected.flat,
        groups: collected.groups,
        filter_values,
        field_list: field_list(node),
    };
    Ok(Gathered { inputs, filter, foreign: ForeignRows::new(node, identities) })
}

/// All values of a field in the rows of its collection; `None` if the collection was not read.
fn filter_values_of(
    reference: &FieldReference,
    rows: &BTreeMap<CollectionAddress, SealedRows>,
) -> Result<Option<Vec<Value>>, RowsError> {
    let address = CollectionAddress::new(&reference.dataset, &reference.collection);
    let Some(sealed) = rows.get(&address) else {
        return Ok(None);
    };
    let mut values = DistinctValues::default();
    for page in sealed.pages() {
        for row in page? {
            collect_values(&Value::Object(row), &reference.path, &mut |value| values.add(value));
        }
    }
    Ok(Some(values.into_values()))
}

/// Names of the typed top-level fields (saas-config 11.13).
fn field_list(node: &TraversalNode) -> Option<String> {
    let typed = node.collection.fields.iter().filter(|field| field.data_type.is_some());
    let names: Vec<_> = typed.map(|field| field.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(","))
}
