//! The collection in which vendors stand, and its rows for one request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datastore::Database;
use engine::Source;
use graph::{CollectedInputs, Edge, GraphCollection, Targets, Traversal, TraversalNode};
use model::{CollectionAddress, Completeness, Identities, Row};
use serde_json::Value;
use store::Store;

use super::{LookupFault, MOST_ROWS, VendorFields};
use crate::dataset_trial::Alone;
use crate::worker::{Services, ServicesError};

/// Most rows that are read for one custom field: those of several fields are compared in memory.
const MOST_READ: usize = 10_000;

/// A collection of a database whose rows name vendors.
#[derive(Debug)]
pub(super) struct VendorTable {
    /// Where it is.
    pub(super) address: CollectionAddress,
    database: Database,
    traversal: Traversal,
    node: TraversalNode,
    /// What rows are found by: the path of a field, and the custom field of requests.
    keys: Vec<(String, String)>,
}

impl VendorTable {
    /// Finds the collection. Calls nobody.
    pub(super) async fn open(
        (store, services): (&Store, &dyn Services),
        fields: &VendorFields,
    ) -> Result<Self, LookupFault> {
        let dataset = fields.address.dataset.as_str();
        let Alone { graph, source, .. } = alone((store, services), dataset).await?;
        let Source::Database(database) = source else {
            return Err(LookupFault::NoDatabase { dataset: dataset.to_owned() });
        };
        let address = CollectionAddress::new(dataset, &fields.address.collection);
        let Some(collection) = graph.find(&address) else {
            return Err(LookupFault::NoCollection { address });
        };
        let keys: Vec<(String, String)> = collection
            .all_fields()
            .into_iter()
            .filter_map(|(path, field)| Some((path.join("."), field.custom_request_field.clone()?)))
            .collect();
        if keys.is_empty() {
            return Err(LookupFault::NoCustomField { address });
        }
        let named = [&fields.address, &fields.name].map(|field| field.path.join("."));
        let wanted: BTreeSet<&str> =
            named.iter().chain(keys.iter().map(|(path, _)| path)).map(String::as_str).collect();
        let node = node(collection, &wanted);
        let unusable = |reason: String| LookupFault::Unusable { dataset: dataset.to_owned(), reason };
        let traversal = graph
            .traverse(&Identities::default(), Targets::Everything)
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self { address, database, traversal, node, keys })
    }

    /// The rows that have what the request says in every field that it says something of.
    pub(super) async fn rows(&self, custom_fields: &Row) -> Result<Vec<Row>, LookupFault> {
        let mut found: Option<BTreeMap<String, Row>> = None;
        for (path, name) in &self.keys {
            let values = values_of(custom_fields, name);
            if values.is_empty() {
                continue;
            }
            let rows = self.read(path, values).await?;
            found = Some(match found {
                None => rows,
                Some(before) => before.into_iter().filter(|(text, _)| rows.contains_key(text)).collect(),
            });
        }
        let (address, names) = (self.address.clone(), self.names());
        match found {
            None => Err(LookupFault::NotGiven { address, names }),
            Some(rows) if rows.is_empty() => Err(LookupFault::NoRow { address, names }),
            Some(rows) if rows.len() > MOST_ROWS => {
                Err(LookupFault::TooMany { address, names, most: MOST_ROWS })
            }
            Some(rows) => Ok(rows.into_values().collect()),
        }
    }

    /// The rows that have one of the values in the field at `path`, by their text.
    async fn read(&self, path: &str, values: Vec<Value>) -> Result<BTreeMap<String, Row>, LookupFault> {
        let inputs = CollectedInputs { flat: vec![(path.to_owned(), values)], groups: Vec::new() };
        let reading = self.database.read(&self.traversal, &self.node, &inputs).await?;
        let mut rows = BTreeMap::new();
        for unit in 0..reading.units() {
            let mut pages = reading.open(unit);
            while let Some(page) = pages.next_page().await? {
                rows.extend(page.rows.into_iter().map(|row| (Value::Object(row.clone()).to_string(), row)));
                if rows.len() > MOST_READ {
                    let (address, names) = (self.address.clone(), self.names());
                    return Err(LookupFault::TooMany { address, names, most: MOST_READ });
                }
            }
            if let Completeness::Incomplete { detail, .. } = pages.completeness() {
                return Err(LookupFault::Unread { address: self.address.clone(), reason: detail });
            }
        }
        Ok(rows)
    }

    /// The custom fields that rows are found by.
    fn names(&self) -> String {
        let names: BTreeSet<&str> = self.keys.iter().map(|(_, name)| name.as_str()).collect();
        names.into_iter().collect::<Vec<_>>().join("`, `")
    }
}

/// The dataset by itself, from the first of its connections that can be read.
async fn alone((store, services): (&Store, &dyn Services), dataset: &str) -> Result<Alone, LookupFault> {
    let mut fault = LookupFault::NoDataset { dataset: dataset.to_owned() };
    for connection in store.dataset_connections(dataset).await? {
        match services.alone(&connection, dataset).await {
            Ok(alone) => return Ok(alone),
            Err(ServicesError::Store(error)) => return Err(error.into()),
            Err(error) => {
                fault = LookupFault::Unusable { dataset: dataset.to_owned(), reason: error.to_string() };
            }
        }
    }
    Err(fault)
}

/// The collection with nothing but what is wanted: no other column is read.
fn node(collection: &GraphCollection, wanted: &BTreeSet<&str>) -> TraversalNode {
    let mut reduced = collection.clone();
    let is_wanted = |name: &str| wanted.iter().any(|path| path.split('.').next() == Some(name));
    reduced.fields.retain(|field| is_wanted(&field.name));
    let incoming = wanted.iter().map(|path| {
        let target = collection.address.field(*path);
        Edge { source: graph::Source::Field(target.clone()), target }
    });
    TraversalNode {
        incoming: incoming.collect(),
        collection: Arc::new(reduced),
        cut: Vec::new(),
        waits_for: BTreeSet::new(),
    }
}

/// What a request says in one custom field; nothing for what is empty.
fn values_of(custom_fields: &Row, name: &str) -> Vec<Value> {
    let mut values = Vec::new();
    if let Some(field) = custom_fields.get(name) {
        graph::collect_values(field.get("value").unwrap_or(field), &[], &mut |value| {
            values.push(value.clone());
        });
    }
    values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_empty_finds_nobody() {
        let fields = json!({"site": {"label": "Site", "value": ""}, "sites": {"label": "Sites", "value": ["a", null, 7]}});
        let Value::Object(fields) = fields else { panic!("an object") };

        assert!(values_of(&fields, "site").is_empty() && values_of(&fields, "other").is_empty());
        assert_eq!(values_of(&fields, "sites"), [json!("a"), json!(7)]);
    }
}
