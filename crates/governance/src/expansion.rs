//! Grants that follow from grants: who holds an entitlement through a group (baton §9).
//!
//! A grant with `GrantExpandable` says: group P holds D, and whoever holds S (usually P's own
//! membership) holds D too. That is an edge S → D. Two passes over the grants feed this module: the
//! first gives the edges ([`EdgeCollector`]), the second the grants of entitlements that the edges
//! touch ([`GrantCollector`], which passes over all others). [`Expansion`] then tells, one by one,
//! which grants are new and which reported ones have further sources. Nothing is kept of what was
//! told, so memory follows the grants that were reported, not those that follow from them.
//!
//! # What a source is
//! `sources` answers "why does this principal hold D?" by one step, not by the whole way (baton
//! E-6). In a chain S1 → S2 → D the grant on D has the source S2 alone: only the edge S2 → D copies
//! to D. S1 stands in the sources of the grant on S2. `direct` tells of a source whether the
//! principal's grant *on that source* was reported by the application: for S2 it is false here, and
//! true as well as inherited is still true. Where D itself was reported too, D is among its own
//! sources, as direct; that is the mark by which a shallow edge and an access change tell a grant
//! that can be revoked at D from one that must be revoked at its source.
//!
//! # Circles
//! Groups that contain each other are one node (baton E-4): whoever holds one of the entitlements
//! holds all of them. There is no order in which such members could be each other's source: told
//! edge by edge, a direct membership would come back along the circle as its own reason, and a
//! review would show as inherited what is direct. So a circle is asked as a whole, where its access
//! comes from: edges that enter it *from outside at any member*, and members that are held
//! directly. Each member has these same sources. Someone who holds only X of the circle {X, Y},
//! directly, therefore has an unchanged grant on X and a new one on Y with the source X. An edge
//! that leaves the circle is an ordinary edge: its source is the one entitlement that it starts at.
//!
//! # Limits of an edge hold inside a circle
//! An edge that is closed to a type of principal, or shallow, does not make a circle for it. The
//! circles are therefore looked for among the deep edges that are open to the type at hand. Merging
//! through every edge, as the reference does, would tell of access that no edge gives: with
//! X → Y for users only, and Y → X for all, a group that holds X would come to hold Y. A way back
//! that needs a shallow edge is no circle either; there the rule is that of chains.
//!
//! # Order
//! The result is sorted by principal, then by entitlement, and depends on nothing else: not on the
//! order, the pages or the repetition of what was fed (baton E-8). Cost: one step for each source
//! that is told, and the sorting of the reported grants. There is no limit of depth.

mod change;
mod edges;
mod grants;
mod walk;

pub use change::{ChangedGrant, GrantSource, Standing};
pub use edges::{EdgeCollector, ExpandableGrant, Finding};
pub use grants::{GrantCollector, Origin, ReportedGrant};

pub use crate::entitlement_graph::{Depth, Edge};

use crate::entitlement_graph::EntitlementGraph;
use grants::Holding;
use walk::{Change, Walk};

/// The grants that expansion adds or changes, told one at a time.
#[derive(Debug)]
pub struct Expansion {
    graph: EntitlementGraph,
    holdings: Vec<Holding>,
    /// Holdings before this one have been walked.
    walked: usize,
    walk: Walk,
    sources: Vec<GrantSource>,
}

impl Expansion {
    fn new(graph: EntitlementGraph, mut holdings: Vec<Holding>) -> Expansion {
        // A direct report sorts before an inherited one, so that it is the one that stays.
        holdings.sort_unstable();
        holdings.dedup_by_key(|holding| holding.grant());
        let walk = Walk::new(graph.count());
        Expansion { graph, holdings, walked: 0, walk, sources: vec![] }
    }

    /// The next grant that is new or has further sources, by principal and then by entitlement. What it borrows is
    /// overwritten by the next call, so that a million rows are written without a second copy.
    pub fn next_change(&mut self) -> Option<ChangedGrant<'_>> {
        let change = loop {
            let change = self.next_told()?;
            if change.standing != Standing::Unchanged {
                break change;
            }
        };
        Some(self.tell(change))
    }

    /// The same, with the grants that were reported and stay as they are in between: each grant of the entitlements
    /// that the edges touch comes once.
    pub fn next_grant(&mut self) -> Option<ChangedGrant<'_>> {
        let change = self.next_told()?;
        Some(self.tell(change))
    }

    fn next_told(&mut self) -> Option<Change> {
        loop {
            match self.walk.next_change() {
                Some(change) => return Some(change),
                None => self.walk_principal()?,
            }
        }
    }

    fn tell(&mut self, change: Change) -> ChangedGrant<'_> {
        self.sources.clear();
        if change.standing != Standing::Unchanged {
            self.sources.extend(self.walk.sources(&change));
        }
        ChangedGrant {
            entitlement: change.entitlement(),
            principal: self.walk.principal(),
            principal_type: self.walk.principal_type(),
            standing: change.standing,
            sources: &self.sources,
        }
    }

    /// Walks from all that the next principal was reported to hold; `None` after the last one.
    fn walk_principal(&mut self) -> Option<()> {
        let rest = self.holdings.get(self.walked..)?;
        let of_one = rest.chunk_by(|one, two| one.principal() == two.principal()).next()?;
        self.walked += of_one.len();
        self.walk.run(&self.graph, of_one);
        Some(())
    }
}

#[cfg(test)]
mod tests;
