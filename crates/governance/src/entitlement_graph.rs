//! Which entitlement brings which other one: nodes are entitlements, an edge S → D says that
//! whoever holds S holds D too (baton E-1, E-3), within the limits of the edge.
//!
//! An edge is open to some types of principals and closed to others, so the graph that one
//! principal sees depends on its type only. Types that see the same graph form a *class*; there
//! are few. Everything that is asked about a principal is asked of its class.

use std::collections::BTreeMap;

use crate::number::{EntitlementNumber, ResourceTypeNumber};

mod adjacency;
mod circles;
mod class;
mod marks;

pub(crate) use adjacency::Adjacency;
pub(crate) use circles::Circles;
pub(crate) use class::{Class, Passage};
pub(crate) use marks::Marks;

/// How far an edge copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// Every holder of the source holds the destination.
    Deep,
    /// Only those who hold the source directly (`shallow` in `GrantExpandable`).
    Shallow,
}

/// Whoever holds `source` holds `destination` too.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'a> {
    /// S: usually the membership of a group.
    pub source: EntitlementNumber,
    /// D: what the group holds.
    pub destination: EntitlementNumber,
    /// Whether inherited holders count.
    pub depth: Depth,
    /// The types of principals that are let through; empty = all.
    pub principal_types: &'a [ResourceTypeNumber],
}

/// Edges while they are gathered.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgeList {
    edges: Vec<(u32, Link)>,
    limits: BTreeMap<Limits, u32>,
    count: usize,
}

/// The gathered edges, ready to be walked.
#[derive(Debug)]
pub(crate) struct EntitlementGraph {
    outgoing: Adjacency<Link>,
    touched: Vec<bool>,
    circles: Circles,
    classes: Vec<Class>,
    class_of_type: BTreeMap<u32, usize>,
}

/// The other end of an edge, and which limits it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    pub(crate) other: u32,
    pub(crate) limits: u32,
}

/// What an edge lets through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Limits {
    depth: Depth,
    /// Sorted; empty = all.
    types: Vec<u32>,
}

impl EdgeList {
    /// Adds one edge. An edge from an entitlement to itself says nothing and is left out.
    pub(crate) fn add(&mut self, edge: Edge<'_>) {
        let (source, destination) = (edge.source.0, edge.destination.0);
        if source == destination {
            return;
        }
        let mut types: Vec<_> = edge.principal_types.iter().map(|number| number.0).collect();
        types.sort_unstable();
        types.dedup();
        let next = self.limits.len() as u32;
        let limits = *self.limits.entry(Limits { depth: edge.depth, types }).or_insert(next);
        self.count = self.count.max(source.max(destination) as usize + 1);
        self.edges.push((source, Link { other: destination, limits }));
    }

    /// The edges seen from their destination.
    pub(crate) fn incoming(&self) -> Adjacency<Link> {
        let turned =
            |(source, link): &(u32, Link)| (link.other, Link { other: *source, limits: link.limits });
        Adjacency::build(self.count, self.edges.iter().map(turned).collect())
    }

    /// Finds classes and circles.
    pub(crate) fn build(self) -> EntitlementGraph {
        let mut touched = vec![false; self.count];
        for (source, link) in &self.edges {
            for end in [*source, link.other] {
                if let Some(slot) = touched.get_mut(end as usize) {
                    *slot = true;
                }
            }
        }
        let mut limits: Vec<_> = self.limits.into_iter().collect();
        limits.sort_unstable_by_key(|(_, number)| *number);
        let limits: Vec<_> = limits.into_iter().map(|(limits, _)| limits).collect();
        let outgoing = Adjacency::build(self.count, self.edges);
        let circles = class::widest_circles(self.count, &outgoing, &limits);
        let (classes, class_of_type) = class::classes(&outgoing, &limits, &circles);
        EntitlementGraph { outgoing, touched, circles, classes, class_of_type }
    }
}

impl EntitlementGraph {
    /// One more than the greatest entitlement that an edge names.
    pub(crate) fn count(&self) -> usize {
        self.touched.len()
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let classes = self.classes.iter().map(|class| class.circles.bytes()).sum::<usize>();
        self.outgoing.bytes() + self.touched.capacity() + self.circles.bytes() + classes
    }

    /// Whether an edge begins or ends at this entitlement.
    pub(crate) fn touches(&self, entitlement: u32) -> bool {
        self.touched.get(entitlement as usize).copied().unwrap_or(false)
    }

    /// Sets of entitlements that pass their holders on to each other, whatever the types.
    pub(crate) fn circles(&self) -> &Circles {
        &self.circles
    }

    /// The classes of principal types, that of the types no edge names first.
    pub(crate) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The place in [`Self::classes`] for principals of this type.
    pub(crate) fn class_of(&self, principal_type: u32) -> usize {
        self.class_of_type.get(&principal_type).copied().unwrap_or(0)
    }

    /// The edges from `entitlement` that are open to `class`, by destination.
    pub(crate) fn open<'a>(
        &'a self,
        class: &'a Class,
        entitlement: u32,
    ) -> impl Iterator<Item = (u32, Passage)> + 'a {
        class.open(self.outgoing.row(entitlement))
    }
}
