//! Who can reach a resource, what a principal can reach, and by which ways.
//!
//! [`AccessGraph`] is an inventory as it was reported, without the grants that follow from others:
//! those are walked to here, so that every answer can say through which groups it comes. It holds
//! numbers in flat arrays (8 bytes for each grant, some 30 while it is built) and is only read by
//! queries, so any number of them may run at a time.
//!
//! Answers are bounded. One that says `more` was cut at the limit, never silently; one that does
//! not is whole. Circles of groups and any depth of nesting are no special case: walks keep marks,
//! and nothing here calls itself. The limits of edges (shallow, types of principals) mean the same
//! as in [`crate::expansion`], and the same circles count as one.

mod access;
mod bringers;
mod build;
mod distances;
mod holders;
mod path;
mod paths;

pub use access::{Access, AccessQuery};
pub use bringers::Bringers;
pub use build::AccessGraphBuilder;
pub use holders::{Holder, HolderQuery, HolderSearch};
pub use path::{AccessPath, Step};
pub use paths::PathQuery;

use crate::entitlement_graph::{Adjacency, Class, EntitlementGraph, Link, Passage};
use crate::number::{EntitlementNumber, ResourceNumber};

/// Reported grants and the edges between entitlements, ready to be asked.
#[derive(Debug)]
pub struct AccessGraph {
    graph: EntitlementGraph,
    /// The edges from their destination.
    incoming: Adjacency<Link>,
    /// The resource of each entitlement.
    resources: Vec<u32>,
    /// The entitlements of each resource.
    entitlements: Adjacency<u32>,
    /// The direct holders of each entitlement, and the entitlements that each principal holds.
    holders: Adjacency<u32>,
    held: Adjacency<u32>,
    /// The class of each resource as a principal.
    classes: Vec<u32>,
    /// The type of each resource.
    types: Vec<u32>,
}

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// This entitlement.
    Entitlement(EntitlementNumber),
    /// Any entitlement of this resource.
    Resource(ResourceNumber),
}

/// How something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Held {
    /// The application reported the grant. There may be other ways as well.
    Directly,
    /// Only through another entitlement.
    Inherited,
}

/// An answer that is cut at a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded<T> {
    /// At most as many as the limit.
    pub items: Vec<T>,
    /// Whether there are others.
    pub more: bool,
}

impl AccessGraph {
    /// The resource that an entitlement is on.
    pub fn resource_of(&self, entitlement: EntitlementNumber) -> Option<ResourceNumber> {
        let resource = self.resources.get(entitlement.0 as usize).copied();
        resource.filter(|resource| *resource != NO_RESOURCE).map(ResourceNumber)
    }

    /// Who holds the entitlement directly, by number.
    pub fn direct_holders(
        &self,
        entitlement: EntitlementNumber,
    ) -> impl Iterator<Item = ResourceNumber> + '_ {
        self.holders.row(entitlement.0).iter().copied().map(ResourceNumber)
    }

    /// What the principal holds directly, by number.
    pub fn held_directly(&self, principal: ResourceNumber) -> impl Iterator<Item = EntitlementNumber> + '_ {
        self.held.row(principal.0).iter().copied().map(EntitlementNumber)
    }

    /// Whether an edge begins or ends at the entitlement.
    pub fn touches(&self, entitlement: EntitlementNumber) -> bool {
        self.graph.touches(entitlement.0)
    }

    /// What it takes in memory, without the room for an allocator's own books.
    pub fn bytes(&self) -> usize {
        let tables = self.resources.capacity() + self.classes.capacity() + self.types.capacity();
        let rows = self.entitlements.bytes() + self.holders.bytes() + self.held.bytes();
        self.graph.bytes() + self.incoming.bytes() + rows + tables * size_of::<u32>()
    }

    /// The entitlements that `target` stands for, sorted.
    fn targets(&self, target: Target) -> Vec<u32> {
        match target {
            Target::Entitlement(entitlement) => vec![entitlement.0],
            Target::Resource(resource) => self.entitlements.row(resource.0).to_vec(),
        }
    }

    /// The place of a principal's class in the graph's list.
    fn class_of(&self, principal: u32) -> usize {
        self.classes.get(principal as usize).map_or(0, |class| *class as usize)
    }

    /// The edges into `entitlement` that are open to `class`, by source.
    fn open_into<'a>(
        &'a self,
        class: &'a Class,
        entitlement: u32,
    ) -> impl Iterator<Item = (u32, Passage)> + 'a {
        class.open(self.incoming.row(entitlement))
    }
}

impl<T> Bounded<T> {
    fn new() -> Bounded<T> {
        Bounded { items: vec![], more: false }
    }

    /// Adds an item, or notes that there is one more than `limit`. `Break` ends the search.
    fn add(&mut self, limit: usize, item: T) -> std::ops::ControlFlow<()> {
        if self.items.len() >= limit {
            self.more = true;
            return std::ops::ControlFlow::Break(());
        }
        self.items.push(item);
        std::ops::ControlFlow::Continue(())
    }
}

/// Stands for the resource of an entitlement that no row names.
const NO_RESOURCE: u32 = u32::MAX;

#[cfg(test)]
mod tests;
