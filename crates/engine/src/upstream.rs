//! What the outcomes of parents mean for a collection, and whether the file reads it at all.

use std::collections::BTreeMap;

use graph::TraversalNode;
use model::{CollectionAddress, Completeness, IncompleteReason};

use crate::{CollectionOutcome, SealedRows, Source, Status};

/// Whether a collection can be read, and what it misses before it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// At least one source of values is there: an identity, or a parent that was read.
    pub(crate) readable: bool,
    /// Incomplete if anything that gives values was not read completely.
    pub(crate) completeness: Completeness,
    /// Why it is not read, where nothing went wrong.
    pub(crate) note: Option<String>,
}

impl Upstream {
    /// The same, unless `when` switches off every request by which `source` reads the collection: then
    /// nobody is asked, and having no rows says nothing.
    pub(crate) fn unless_switched_off(self, node: &TraversalNode, source: &Source) -> Self {
        if !is_switched_off(node.address(), source) {
            return self;
        }
        let why = "all its read requests are switched off by their `when` for this connection";
        Self { readable: false, completeness: Completeness::Complete, note: Some(why.to_owned()) }
    }

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
        let first = parents.first().copied().filter(|_| !readable);
        let why = first.map(|parent| sentence(parent, ended));
        let sources = parents.into_iter().cloned().chain(looked_at);
        let completeness = sources
            .filter(|address| !given.contains_key(address))
            .filter(|address| ended.get(address).is_some_and(|outcome| !outcome.completeness.is_complete()))
            .map(|address| Completeness::incomplete(IncompleteReason::Upstream, sentence(&address, ended)))
            .reduce(Completeness::and)
            .unwrap_or(Completeness::Complete);
        let why = why.filter(|_| completeness.is_complete());
        Self { readable, completeness, note: why }
    }
}

fn is_switched_off(address: &CollectionAddress, source: &Source) -> bool {
    let connection = match source {
        Source::Connector(connector) => connector.connection(),
        Source::Database(_) => return false,
    };
    let Some(endpoint) = connection.file.find_endpoint(address.collection()) else { return false };
    let mut reads = endpoint.read.iter();
    !endpoint.read.is_empty()
        && reads.all(|request| connection.applies(request).is_ok_and(|applies| !applies))
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
