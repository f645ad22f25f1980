use std::collections::{BTreeMap, BTreeSet};

use model::CollectionAddress;

use crate::edge::Link;
use crate::{Graph, GraphCollection};

/// In which order collections are erased: all at once, but for what they wait for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasureOrder {
    /// Every collection once, each behind all that it waits for; ties by address.
    order: Vec<CollectionAddress>,
    waits_for: BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>>,
}

impl ErasureOrder {
    /// The collections, each behind all that it waits for.
    pub fn collections(&self) -> &[CollectionAddress] {
        &self.order
    }

    /// What must be erased before `address`.
    pub fn waits_for(&self, address: &CollectionAddress) -> impl Iterator<Item = &CollectionAddress> {
        self.waits_for.get(address).into_iter().flatten()
    }

    /// The collections that may be erased first.
    pub fn first(&self) -> impl Iterator<Item = &CollectionAddress> {
        self.order.iter().filter(|address| self.waits_for(address).next().is_none())
    }

    /// The collections that nobody waits for.
    pub fn last(&self) -> impl Iterator<Item = &CollectionAddress> {
        self.order.iter().filter(|address| !self.waits_for.values().any(|first| first.contains(*address)))
    }
}

impl Graph {
    /// The order in which the collections of `part` are erased (privacy-requests X-5).
    ///
    /// A collection waits for those that its `erase_after` names, also across collections that are
    /// not part of it. One whose rows are deleted from a database also waits for the collections
    /// that refer to its keys, unless `erase_after` says the opposite (the better side of E-18).
    pub fn erasure_order(&self, part: &BTreeSet<CollectionAddress>) -> ErasureOrder {
        let part: BTreeSet<_> =
            part.iter().filter(|address| self.collections.contains_key(*address)).cloned().collect();
        let mut waits_for: BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>> =
            part.iter().map(|address| (address.clone(), self.erased_before(address, &part))).collect();
        for link in &self.links {
            if let Some((deleted, refers)) = self.deleted_and_referring(link)
                && part.contains(deleted)
                && part.contains(refers)
                && !reaches(&waits_for, refers, deleted)
                && let Some(first) = waits_for.get_mut(deleted)
            {
                first.insert(refers.clone());
            }
        }
        ErasureOrder { order: sorted(&waits_for), waits_for }
    }

    /// The members of `part` that `address` waits for; what is not part is stepped over.
    fn erased_before(
        &self,
        address: &CollectionAddress,
        part: &BTreeSet<CollectionAddress>,
    ) -> BTreeSet<CollectionAddress> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![address];
        while let Some(next) = open.pop() {
            for first in self.collections.get(next).into_iter().flat_map(|known| &known.erase_after) {
                if !seen.insert(first) {
                    continue;
                }
                if part.contains(first) {
                    found.insert(first.clone());
                } else {
                    open.push(first);
                }
            }
        }
        found
    }

    /// Of a link between a key and a field that refers to it: the side of the key, if its rows are
    /// deleted, and the side that refers.
    fn deleted_and_referring<'a>(
        &self,
        link: &'a Link,
    ) -> Option<(&'a CollectionAddress, &'a CollectionAddress)> {
        let is_key = |field: &model::FieldAddress| {
            let collection = self.collections.get(&field.collection)?;
            Some(collection.find_field(field.path.split('.'))?.primary_key)
        };
        let (from, to) = (is_key(&link.from).unwrap_or(false), is_key(&link.to).unwrap_or(false));
        let (key, refers) = match (from, to) {
            (true, false) => (&link.from, &link.to),
            (false, true) => (&link.to, &link.from),
            (true, true) | (false, false) => return None,
        };
        let deleted = self.collections.get(&key.collection).is_some_and(|known| deletes_rows(known));
        deleted.then_some((&key.collection, &refers.collection))
    }
}

/// Whether the dataset asks for deletion of rows (privacy-requests E-18).
pub(super) fn deletes_rows(collection: &GraphCollection) -> bool {
    collection.masking_strategy_override.as_ref().is_some_and(|own| own.strategy == "delete")
}

/// Whether `start` waits, directly or not, for `goal`.
fn reaches(
    waits_for: &BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>>,
    start: &CollectionAddress,
    goal: &CollectionAddress,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(next) = open.pop() {
        if next == goal {
            return true;
        }
        open.extend(waits_for.get(next).into_iter().flatten().filter(|first| seen.insert(*first)));
    }
    false
}

/// Topological order, ties by address. The graph has no circle: [`Graph::build`] refuses those of
/// `erase_after`, and no other edge is added that closes one.
fn sorted(waits_for: &BTreeMap<CollectionAddress, BTreeSet<CollectionAddress>>) -> Vec<CollectionAddress> {
    let mut order: Vec<CollectionAddress> = Vec::new();
    let mut done = BTreeSet::new();
    while order.len() < waits_for.len() {
        let next = waits_for
            .iter()
            .find(|(address, first)| !done.contains(address) && first.iter().all(|one| done.contains(&one)));
        let Some((address, _)) = next else { break };
        done.insert(address);
        order.push(address.clone());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{address, dataset};
    use spec::dataset_file::MaskingStrategy;

    fn part(names: &[&str]) -> BTreeSet<CollectionAddress> {
        names.iter().map(|name| address(name)).collect()
    }

    fn graph(collections: &[&str], erase_after: &[(&str, &str)], deleted: &[&str]) -> Graph {
        let mut dataset = dataset(collections);
        for collection in &mut dataset.collections {
            let name = collection.address.collection().to_owned();
            let first = erase_after.iter().filter(|(waits, _)| *waits == name);
            collection.erase_after = first.map(|(_, first)| address(first)).collect();
            if deleted.contains(&name.as_str()) {
                collection.masking_strategy_override = Some(MaskingStrategy {
                    strategy: "delete".into(),
                    configuration: serde_json::Value::Null,
                });
            }
            for field in collection.fields.iter_mut().filter(|field| field.name == "id") {
                field.primary_key = true;
            }
        }
        Graph::build(&[dataset]).unwrap()
    }

    fn names(order: &ErasureOrder) -> Vec<&str> {
        order.collections().iter().map(CollectionAddress::collection).collect()
    }

    // rule: privacy-requests X-5
    // rule: privacy-requests 21.10
    #[test]
    fn a_collection_waits_for_what_erase_after_names() {
        let graph = graph(&["A: id email^email", "B: id aid<A.id"], &[("A", "B")], &[]);

        let order = graph.erasure_order(&part(&["A", "B"]));

        assert_eq!(names(&order), ["B", "A"]);
        assert_eq!(order.waits_for(&address("A")).collect::<Vec<_>>(), [&address("B")]);
        assert_eq!(order.first().collect::<Vec<_>>(), [&address("B")]);
        assert_eq!(order.last().collect::<Vec<_>>(), [&address("A")]);
    }

    // rule: privacy-requests X-5
    #[test]
    fn without_erase_after_nothing_waits() {
        let graph = graph(&["A: id email^email", "B: id aid<A.id"], &[], &[]);

        let order = graph.erasure_order(&part(&["A", "B"]));

        assert_eq!(order.first().count(), 2);
        assert_eq!(order.last().count(), 2);
    }

    #[test]
    fn what_is_not_erased_is_stepped_over() {
        let chain = graph(&["A: id", "B: id", "C: id"], &[("A", "B"), ("B", "C")], &[]);

        let order = chain.erasure_order(&part(&["A", "C"]));

        assert_eq!(names(&order), ["C", "A"]);
    }

    // rule: privacy-requests E-18
    #[test]
    fn deleted_rows_go_after_the_rows_that_refer_to_them() {
        let deleting = graph(&["A: id email^email", "B: id aid<A.id"], &[], &["A"]);
        let opposite = graph(&["A: id email^email", "B: id aid<A.id"], &[("B", "A")], &["A"]);

        assert_eq!(names(&deleting.erasure_order(&part(&["A", "B"]))), ["B", "A"]);
        assert_eq!(names(&opposite.erasure_order(&part(&["A", "B"]))), ["A", "B"]);
    }

    #[test]
    fn mutual_references_of_deleted_collections_do_not_stop_the_order() {
        let graph = graph(&["A: id b<B.id", "B: id a<A.id"], &[], &["A", "B"]);

        assert_eq!(graph.erasure_order(&part(&["A", "B"])).collections().len(), 2);
    }
}
