//! The main loop of the traversal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::CollectionAddress;

use crate::{Graph, TraversalError};

/// The collections that `kinds` lead to, in order of first visit.
///
/// Breadth first from the identities; among equals the smaller address goes first. Which way an
/// undirected link is used follows from this order, so no link needs to be remembered here.
pub(super) fn order(graph: &Graph, kinds: &BTreeSet<&str>) -> Result<Vec<CollectionAddress>, TraversalError> {
    let neighbours = neighbours(graph);
    let mut state = State {
        graph,
        visited: BTreeSet::new(),
        order: Vec::new(),
        seen: BTreeSet::new(),
        ready: VecDeque::new(),
        waiting: BTreeSet::new(),
    };
    let seeded: BTreeSet<_> = graph
        .seeds
        .iter()
        .filter(|(kind, _)| kinds.contains(kind.as_str()))
        .map(|(_, field)| &field.collection)
        .collect();
    state.discover(seeded);
    while let Some(address) = state.ready.pop_front() {
        state.visited.insert(address);
        state.order.push(address.clone());
        state.release();
        state.discover(neighbours.get(address).into_iter().flatten().copied());
    }
    if state.waiting.is_empty() {
        Ok(state.order)
    } else {
        Err(TraversalError::Ordering { collections: state.waiting.into_iter().cloned().collect() })
    }
}

struct State<'a> {
    graph: &'a Graph,
    visited: BTreeSet<&'a CollectionAddress>,
    order: Vec<CollectionAddress>,
    seen: BTreeSet<&'a CollectionAddress>,
    ready: VecDeque<&'a CollectionAddress>,
    /// Discovered, but something of their `after` is not visited yet.
    waiting: BTreeSet<&'a CollectionAddress>,
}

impl<'a> State<'a> {
    /// Queues what was not seen before, unless `after` holds it back.
    fn discover(&mut self, found: impl IntoIterator<Item = &'a CollectionAddress>) {
        for address in found {
            if !self.seen.insert(address) {
                continue;
            }
            if self.may_be_visited(address) {
                self.ready.push_back(address);
            } else {
                self.waiting.insert(address);
            }
        }
    }

    /// Queues the waiting nodes that the last visit set free.
    fn release(&mut self) {
        let free: Vec<_> =
            self.waiting.iter().copied().filter(|address| self.may_be_visited(address)).collect();
        for address in free {
            self.waiting.remove(address);
            self.ready.push_back(address);
        }
    }

    fn may_be_visited(&self, address: &CollectionAddress) -> bool {
        self.graph.after.get(address).is_none_or(|first| first.iter().all(|one| self.visited.contains(one)))
    }
}

fn neighbours(graph: &Graph) -> BTreeMap<&CollectionAddress, BTreeSet<&CollectionAddress>> {
    let mut neighbours: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for link in &graph.links {
        neighbours.entry(&link.from.collection).or_default().insert(&link.to.collection);
        if link.undirected {
            neighbours.entry(&link.to.collection).or_default().insert(&link.from.collection);
        }
    }
    neighbours
}
