//! From the order of visits to edges and execution order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::CollectionAddress;

use super::TraversalNode;
use crate::edge::{Edge, Source, address_of};
use crate::{Graph, TraversalError};

/// Fixes the direction of every link between visited collections and derives what waits for what.
///
/// Values come first: links forward in the order of visits never close a circle; of the others each
/// is kept unless it would (privacy-requests T-13). Then `after` and filters are added, also as
/// execution order (the better side of T-8); if they contradict the flow of values, the order
/// cannot be satisfied.
pub(super) fn nodes(
    graph: &Graph,
    provided: &BTreeSet<&str>,
    order: &[CollectionAddress],
) -> Result<Vec<TraversalNode>, TraversalError> {
    let position: BTreeMap<_, _> = order.iter().enumerate().map(|(at, address)| (address, at)).collect();
    let mut nodes: BTreeMap<&CollectionAddress, TraversalNode> = BTreeMap::new();
    for address in order {
        if let Some(collection) = graph.find(address) {
            nodes.insert(
                address,
                TraversalNode {
                    collection: Arc::clone(collection),
                    incoming: Vec::new(),
                    cut: Vec::new(),
                    waits_for: BTreeSet::new(),
                },
            );
        }
    }
    for (kind, field) in &graph.seeds {
        if let Some(node) = nodes.get_mut(&field.collection).filter(|_| provided.contains(kind.as_str())) {
            node.incoming.push(Edge { source: Source::Identity(kind.clone()), target: field.clone() });
        }
    }
    let mut waits = Waits::default();
    let (forward, backward) = flows(graph, &position);
    for edge in forward.into_iter().chain(backward) {
        let (Some(parent), child) = (edge.parent(), edge.target.collection.clone()) else { continue };
        let closes_circle = !waits.add(&child, parent);
        if let Some(node) = nodes.get_mut(&child) {
            if closes_circle { node.cut.push(edge) } else { node.incoming.push(edge) }
        }
    }
    let mut impossible = BTreeSet::new();
    for (address, node) in &nodes {
        let filters =
            node.collection.filter_references.iter().map(|reference| address_of(reference).collection);
        let first = graph.after.get(*address).into_iter().flatten().cloned().chain(filters);
        for first in first.filter(|first| first != *address && nodes.contains_key(first)) {
            if !waits.add(address, &first) {
                impossible.extend([(*address).clone(), first]);
            }
        }
    }
    if !impossible.is_empty() {
        return Err(TraversalError::Ordering { collections: impossible.into_iter().collect() });
    }
    for (address, node) in &mut nodes {
        node.incoming.sort();
        node.waits_for = waits.of(address).cloned().unwrap_or_default();
    }
    Ok(nodes.into_values().collect())
}

/// The edges between visited collections: those that go forward in the order of visits, then those
/// that go back, each in a fixed order.
fn flows(graph: &Graph, position: &BTreeMap<&CollectionAddress, usize>) -> (BTreeSet<Edge>, Vec<Edge>) {
    let mut forward = BTreeSet::new();
    let mut backward = Vec::new();
    for link in &graph.links {
        let places = (position.get(&link.from.collection), position.get(&link.to.collection));
        let (Some(from), Some(to)) = places else { continue };
        let along = Edge { source: Source::Field(link.from.clone()), target: link.to.clone() };
        if from < to {
            forward.insert(along);
        } else if link.undirected {
            forward.insert(Edge { source: Source::Field(link.to.clone()), target: link.from.clone() });
        } else {
            backward.push((*from, *to, along));
        }
    }
    backward.sort();
    (forward, backward.into_iter().map(|(_, _, edge)| edge).collect())
}

/// Who waits for whom; never holds a circle.
#[derive(Default)]
struct Waits(BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>>);

impl Waits {
    /// Lets `child` wait for `parent`; `false`, and no change, if that would close a circle.
    fn add(&mut self, child: &CollectionAddress, parent: &CollectionAddress) -> bool {
        if self.waits(parent, child) {
            return false;
        }
        self.0.entry(child.clone()).or_default().insert(parent.clone());
        true
    }

    /// Whether `child` waits for `parent`, at any distance.
    fn waits(&self, child: &CollectionAddress, parent: &CollectionAddress) -> bool {
        let mut open = vec![child];
        let mut seen = BTreeSet::new();
        while let Some(address) = open.pop() {
            if address == parent {
                return true;
            }
            if seen.insert(address) {
                open.extend(self.0.get(address).into_iter().flatten());
            }
        }
        false
    }

    fn of(&self, child: &CollectionAddress) -> Option<&BTreeSet<CollectionAddress>> {
        self.0.get(child)
    }
}
