//! The values that a collection is read with (saas-config 17, privacy-requests 5).

use std::collections::{BTreeSet, HashSet};

use model::{CollectionAddress, Identities, Row};
use serde_json::Value;

use crate::collect::{DistinctValues, ValueKey, collect_values};
use crate::edge::Source;
use crate::{Edge, GraphCollection, TraversalNode, convert};

/// Gathers the inputs of one collection while the rows of its parents stream by.
///
/// Rows are given parent by parent in the order of [`TraversalNode::parents`]; identities are in
/// from the start. Only values are kept, never rows.
pub struct InputCollector<'a> {
    node: &'a TraversalNode,
    identities: &'a Identities,
    flat: Vec<(String, DistinctValues)>,
    groups: Vec<Vec<(String, Vec<Value>)>>,
    known_groups: HashSet<Vec<Vec<ValueKey>>>,
    root_is_in: bool,
}

/// The values that a collection is read with.
#[derive(Clone, Default)]
pub struct CollectedInputs {
    /// Param name → values, distinct, in order of arrival; names without values are absent.
    pub flat: Vec<(String, Vec<Value>)>,
    /// One entry for each parent row that feeds a grouped param; a param without values has an
    /// empty list.
    pub groups: Vec<Vec<(String, Vec<Value>)>>,
}

/// Input values of one field after conversion to its type.
pub struct UsableInput {
    /// Path of the field.
    pub path: String,
    /// Converted values.
    pub values: Vec<Value>,
}

/// An input of which no value could be converted (privacy-requests D-15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableInput {
    /// Path of the field.
    pub path: String,
    /// How many values were received.
    pub received: usize,
}

impl<'a> InputCollector<'a> {
    /// Starts with the person's identities.
    pub fn new(node: &'a TraversalNode, identities: &'a Identities) -> Self {
        Self {
            node,
            identities,
            flat: Vec::new(),
            groups: Vec::new(),
            known_groups: HashSet::new(),
            root_is_in: false,
        }
    }

    /// Takes the values of one access row of `parent`.
    pub fn add_row(&mut self, parent: &CollectionAddress, row: Row) {
        // The identities stand where their address sorts among the parents (saas-config 17.1).
        if !self.root_is_in && ROOT < parent.to_string().as_str() {
            self.add_root();
        }
        let row = Value::Object(row);
        let node = self.node;
        let edges = || node.incoming.iter().filter(|edge| edge.parent() == Some(parent));
        for edge in edges().filter(|edge| !is_grouped(&node.collection, edge)) {
            let values = values_of(edge, &row);
            self.add_flat(&edge.target.path, &values);
        }
        let grouped: Vec<&Edge> = edges().filter(|edge| is_grouped(&node.collection, edge)).collect();
        if !grouped.is_empty() {
            self.add_group(&grouped, &row);
        }
    }

    /// The inputs gathered.
    pub fn finish(mut self) -> CollectedInputs {
        self.add_root();
        let flat = self.flat.into_iter().map(|(name, values)| (name, values.into_values()));
        CollectedInputs { flat: flat.collect(), groups: self.groups }
    }

    /// Ungrouped identities; grouped ones are put into every group instead (saas-config 17.6).
    fn add_root(&mut self) {
        if std::mem::replace(&mut self.root_is_in, true) {
            return;
        }
        let node = self.node;
        for edge in node.incoming.iter().filter(|edge| !is_grouped(&node.collection, edge)) {
            if let Source::Identity(kind) = &edge.source {
                let values = self.identities.values(kind);
                self.add_flat(&edge.target.path, values);
            }
        }
    }

    fn add_flat(&mut self, name: &str, values: &[Value]) {
        if values.is_empty() {
            return;
        }
        let position = self.flat.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.flat.push((name.to_owned(), DistinctValues::default()));
            self.flat.len() - 1
        });
        if let Some((_, list)) = self.flat.get_mut(position) {
            for value in values {
                list.add(value);
            }
        }
    }

    fn add_group(&mut self, edges: &[&Edge], row: &Value) {
        let mut group = Vec::new();
        for name in &self.node.collection.grouped_inputs {
            let mut values = DistinctValues::default();
            for edge in edges.iter().filter(|edge| edge.target.path == *name) {
                for value in values_of(edge, row) {
                    values.add(&value);
                }
            }
            for edge in self.node.incoming.iter().filter(|edge| edge.target.path == *name) {
                if let Source::Identity(kind) = &edge.source {
                    for value in self.identities.values(kind) {
                        values.add(value);
                    }
                }
            }
            group.push((name.clone(), values.into_values()));
        }
        let key = group.iter().map(|(_, values)| values.iter().map(ValueKey::of).collect()).collect();
        if self.known_groups.insert(key) {
            self.groups.push(group);
        }
    }
}

impl CollectedInputs {
    /// The values of `name` in the flat map and in all groups.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        let flat = self.flat.iter().filter(move |(known, _)| known == name);
        let grouped = self.groups.iter().flatten().filter(move |(known, _)| known == name);
        flat.chain(grouped).flat_map(|(_, values)| values)
    }

    /// The inputs as a store can use them: ends of incoming edges, converted to the type of their
    /// field (privacy-requests P-7, D-14), and those of which nothing was left (D-15).
    pub fn usable(&self, node: &TraversalNode) -> (Vec<UsableInput>, Vec<UnusableInput>) {
        let paths: BTreeSet<&str> = node.incoming.iter().map(|edge| edge.target.path.as_str()).collect();
        let mut usable = Vec::new();
        let mut unusable = Vec::new();
        for path in paths {
            let data_type = node.collection.find_field(path.split('.')).and_then(|field| field.data_type);
            let mut distinct = DistinctValues::default();
            let mut received = 0;
            for value in self.values(path) {
                received += 1;
                if let Some(converted) = convert(value, data_type) {
                    distinct.add(&converted);
                }
            }
            let values = distinct.into_values();
            if !values.is_empty() {
                usable.push(UsableInput { path: path.to_owned(), values });
            } else if received > 0 {
                unusable.push(UnusableInput { path: path.to_owned(), received });
            }
        }
        (usable, unusable)
    }
}

/// The address under which identities take part in orders (privacy-requests D-16).
const ROOT: &str = "__ROOT__:__ROOT__";

fn is_grouped(collection: &GraphCollection, edge: &Edge) -> bool {
    collection.grouped_inputs.contains(&edge.target.path)
}

fn values_of(edge: &Edge, row: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    if let Source::Field(field) = &edge.source {
        let path: Vec<String> = field.path.split('.').map(str::to_owned).collect();
        collect_values(row, &path, &mut |value| values.push(value.clone()));
    }
    values
}

#[cfg(test)]
mod tests;
