use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{CollectionAddress, FieldAddress};

use crate::edge::{self, Link};
use crate::traversal::CollectionTexts;
use crate::{GraphCollection, GraphDataset, GraphError};

/// Every collection of every dataset of a run, with the edges between them.
///
/// Built once; walked for each person ([`Graph::traverse`](crate::Graph::traverse)). The order in
/// which datasets and collections are given changes nothing.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) collections: BTreeMap<CollectionAddress, Arc<GraphCollection>>,
    /// Collection → those that must be visited first, restricted to what is in the graph.
    pub(crate) after: BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>>,
    pub(crate) seeds: BTreeSet<(String, FieldAddress)>,
    pub(crate) links: BTreeSet<Link>,
    pub(crate) texts: CollectionTexts,
}

impl Graph {
    /// Joins datasets into one graph and checks everything that needs no person.
    ///
    /// # Errors
    /// References to missing collections (all of them, in one error), self-references, and
    /// impossible erasure orders. References to fields that no dataset declares are fine: rows of
    /// an API hold more fields than their dataset.
    pub fn build(datasets: &[GraphDataset]) -> Result<Self, GraphError> {
        let mut keys = BTreeSet::new();
        if let Some(twice) = datasets.iter().find(|dataset| !keys.insert(&dataset.fides_key)) {
            return Err(GraphError::DuplicateDataset { key: twice.fides_key.clone() });
        }
        let all: Vec<&GraphCollection> = datasets.iter().flat_map(|dataset| &dataset.collections).collect();
        let links = edge::links(&all)?;
        let seeds = edge::seeds(&all);
        let collections: BTreeMap<_, _> = all
            .iter()
            .map(|collection| (collection.address.clone(), Arc::new((*collection).clone())))
            .collect();
        check_erasure_order(&collections)?;
        let after = ordering(datasets, &collections);
        let texts = CollectionTexts::of(collections.keys());
        Ok(Self { collections, after, seeds, links, texts })
    }

    /// The collection at `address`.
    pub fn find(&self, address: &CollectionAddress) -> Option<&Arc<GraphCollection>> {
        self.collections.get(address)
    }

    /// All collections, by address.
    pub fn collections(&self) -> impl Iterator<Item = &Arc<GraphCollection>> {
        self.collections.values()
    }

    /// The identity kinds that seed some field, in alphabetical order.
    pub fn identity_kinds(&self) -> BTreeSet<&str> {
        self.seeds.iter().map(|(kind, _)| kind.as_str()).collect()
    }
}

/// `after` of collections and of datasets; names outside the graph are ignored
/// (privacy-requests T-7, saas-config 16.11).
fn ordering(
    datasets: &[GraphDataset],
    collections: &BTreeMap<CollectionAddress, Arc<GraphCollection>>,
) -> BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>> {
    let mut after: BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>> = BTreeMap::new();
    for dataset in datasets {
        let of_datasets = collections.keys().filter(|address| {
            address.dataset() != dataset.fides_key && dataset.after.iter().any(|key| key == address.dataset())
        });
        let of_datasets: Vec<_> = of_datasets.collect();
        for collection in &dataset.collections {
            let own = collection.after.iter().filter(|address| collections.contains_key(*address));
            let first: BTreeSet<_> = own.chain(of_datasets.iter().copied()).cloned().collect();
            if !first.is_empty() {
                after.insert(collection.address.clone(), first);
            }
        }
    }
    after
}

/// `erase_after` must name existing collections and must not go round in a circle.
fn check_erasure_order(
    collections: &BTreeMap<CollectionAddress, Arc<GraphCollection>>,
) -> Result<(), GraphError> {
    let mut waiting: BTreeMap<&CollectionAddress, BTreeSet<&CollectionAddress>> = BTreeMap::new();
    for (address, collection) in collections {
        if let Some(missing) = collection.erase_after.iter().find(|first| !collections.contains_key(*first)) {
            return Err(GraphError::EraseAfterMissing {
                collection: address.clone(),
                missing: missing.clone(),
            });
        }
        waiting.insert(address, collection.erase_after.iter().collect());
    }
    // Take away what waits for nothing until nothing changes; what stays waits for a cycle.
    loop {
        let free: Vec<_> =
            waiting.iter().filter(|(_, first)| first.is_empty()).map(|(address, _)| *address).collect();
        if free.is_empty() {
            break;
        }
        for address in free {
            waiting.remove(address);
            for first in waiting.values_mut() {
                first.remove(address);
            }
        }
    }
    // What only waits behind the cycle is no member of it.
    while let Some(behind) =
        waiting.keys().copied().find(|address| !waiting.values().any(|f| f.contains(address)))
    {
        waiting.remove(behind);
    }
    if waiting.is_empty() {
        Ok(())
    } else {
        Err(GraphError::EraseAfterCycle { members: waiting.into_keys().cloned().collect() })
    }
}

#[cfg(test)]
mod tests;
