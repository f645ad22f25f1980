//! What the outcomes of parents mean for a collection.

use std::collections::BTreeMap;

use graph::TraversalNode;
use model::{CollectionAddress, Completeness, IncompleteReason};

use crate::{CollectionOutcome, SealedRows, Status};

/// Whether a collection can be read, and what it misses before it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// At least one source of values is there: an identity, or a parent that was read.
    pub(crate) readable: bool,
    /// Incomplete if anything that gives values was not read completely.
    pub(crate) completeness: Completeness,
}

impl Upstream {
    /// Judges the sources of `node`. Collections that are only waited for because of `after` give
    /// no values, so their failure changes nothing here.
    ///
    /// Where rows are `given`, how the collection ended now says nothing.
    pub(crate) fn of(
        node: &TraversalNode,
        ended: &BTreeMap<CollectionAddress, CollectionOutcome>,
        given: &BTreeMap<CollectionAddress, SealedRows>,
    ) -> Self {
        let parents = node.parents();
        let usable = |address: &CollectionAddress| {
            given.contains_key(address) || ended.get(address).is_some_and(CollectionOutcome::is_usable)
        };
        let readable = !node.seeded_by().is_empty() || parents.iter().copied().any(usable);
        let filters = node.collection.filter_references.iter();
        let looked_at =
            filters.map(|reference| CollectionAddress::new(&reference.dataset, &reference.collection));
        let sources = parents.into_iter().cloned().chain(looked_at);
        let completeness = sources
            .filter(|address| !given.contains_key(address))
            .filter(|address| ended.get(address).is_some_and(|outcome| !outcome.completeness.is_complete()))
            .map(|address| Completeness::incomplete(IncompleteReason::Upstream, sentence(&address, ended)))
            .reduce(Completeness::and)
            .unwrap_or(Completeness::Complete);
        Self { readable, completeness }
    }
}

fn sentence(parent: &CollectionAddress, ended: &BTreeMap<CollectionAddress, CollectionOutcome>) -> String {
    match ended.get(parent).map(|outcome| outcome.status) {
        Some(Status::Failed) => format!("takes values from `{parent}`, which could not be read"),
        Some(Status::Skipped) => format!("takes values from `{parent}`, which was not read"),
        Some(Status::Complete | Status::Incomplete) | None => {
            format!("takes values from `{parent}`, which was not read to its end")
        }
    }
}
