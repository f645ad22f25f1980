//! Which collections a person's identities lead to, and in which order (privacy-requests 3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{CollectionAddress, Identities};

use crate::category::is_targeted;
use crate::edge::{Edge, Source};
use crate::{Graph, GraphCollection, TraversalError};

mod dependencies;
mod node_text;
mod skip;
mod visit;

pub(crate) use node_text::CollectionTexts;
pub use skip::{SkipReason, Skipped};

/// The collections to read for one person, and those that are not read.
#[derive(Debug, Clone)]
pub struct Traversal {
    nodes: Vec<TraversalNode>,
    skipped: Vec<Skipped>,
    texts: CollectionTexts,
}

/// One collection to read.
#[derive(Debug, Clone)]
pub struct TraversalNode {
    /// The collection.
    pub collection: Arc<GraphCollection>,
    /// The edges that bring values, sorted.
    pub incoming: Vec<Edge>,
    /// Edges that would have closed a circle and are not followed: this collection was already on
    /// the way to them (privacy-requests T-13).
    pub cut: Vec<Edge>,
    /// Collections that must have ended before this one may start: where values come from, what
    /// `after` names, and what a filter looks at.
    pub waits_for: BTreeSet<CollectionAddress>,
}

/// What a traversal may leave out.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// No policy: everything that can be reached is read, and what cannot is named.
    Everything,
    /// A policy with these categories: a targeted collection that nothing leads to is an error.
    Categories(&'a [String]),
}

impl Traversal {
    /// The collections to read, in order of visit: a parent before its children, except across a
    /// circle.
    pub fn nodes(&self) -> &[TraversalNode] {
        &self.nodes
    }

    /// The collections that are not read, by address, each with its reason.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The node at `address`.
    pub fn find(&self, address: &CollectionAddress) -> Option<&TraversalNode> {
        self.nodes.iter().find(|node| node.address() == address)
    }
}

impl TraversalNode {
    /// The collection's address.
    pub fn address(&self) -> &CollectionAddress {
        &self.collection.address
    }

    /// The collections that give values to this one, in input order: sorted by their text
    /// (privacy-requests X-4).
    pub fn parents(&self) -> Vec<&CollectionAddress> {
        let distinct: BTreeSet<_> = self.incoming.iter().filter_map(Edge::parent).collect();
        let mut parents: Vec<_> = distinct.into_iter().collect();
        parents.sort_by_cached_key(ToString::to_string);
        parents
    }

    /// The identity kinds that seed this collection directly.
    pub fn seeded_by(&self) -> BTreeSet<&str> {
        self.incoming
            .iter()
            .filter_map(|edge| match &edge.source {
                Source::Identity(kind) => Some(kind.as_str()),
                Source::Field(_) => None,
            })
            .collect()
    }
}

impl Graph {
    /// Decides what is read for a person of whom `identities` are known, and in which order.
    ///
    /// Ties are broken by address, so equal graphs give equal traversals (privacy-requests T-6).
    ///
    /// # Errors
    /// [`TraversalError::Ordering`] if `after` cannot be satisfied;
    /// [`TraversalError::Unreachable`] if nothing leads to a collection that a policy targets.
    pub fn traverse(
        &self,
        identities: &Identities,
        targets: Targets<'_>,
    ) -> Result<Traversal, TraversalError> {
        let provided: BTreeSet<&str> = identities.kinds().collect();
        let order = visit::order(self, &provided)?;
        let mut nodes = dependencies::nodes(self, &provided, &order)?;
        let positions: BTreeMap<_, _> =
            order.iter().enumerate().map(|(position, address)| (address, position)).collect();
        nodes.sort_by_key(|node| positions.get(node.address()).copied());
        let skipped = skip::skipped(self, &provided, &order);
        refuse_targeted(self, &skipped, targets)?;
        Ok(Traversal { nodes, skipped, texts: self.texts.clone() })
    }
}

/// The last filter of privacy-requests T-9: a node that nothing leads to must not be targeted.
fn refuse_targeted(graph: &Graph, skipped: &[Skipped], targets: Targets<'_>) -> Result<(), TraversalError> {
    let Targets::Categories(categories) = targets else {
        return Ok(());
    };
    let nothing_leads_there = skipped.iter().filter(|skip| skip.reason == SkipReason::NothingLeadsThere);
    let collections: Vec<_> = nothing_leads_there
        .map(|skip| &skip.address)
        .filter(|address| graph.find(address).is_some_and(|collection| is_targeted(collection, categories)))
        .cloned()
        .collect();
    if collections.is_empty() { Ok(()) } else { Err(TraversalError::Unreachable { collections }) }
}

#[cfg(test)]
mod tests;
