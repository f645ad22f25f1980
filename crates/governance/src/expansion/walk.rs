//! What one principal holds: a walk along the edges from what was reported for it.

use super::grants::{Holding, Origin};
use super::{GrantSource, Standing};
use crate::entitlement_graph::{Class, EntitlementGraph, Marks, Passage};
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// Walks for one principal after the other, in the same memory.
///
/// A *set* here is a circle, or an entitlement that is in none, named by its smallest member.
#[derive(Debug)]
pub(super) struct Walk {
    principal: (u32, u32),
    /// Entitlements that were reported, and those of them that are direct.
    reported: Marks,
    direct: Marks,
    /// Sets that are held, and those of them whose edges are still to be followed.
    held: Marks,
    waiting: Vec<u32>,
    arrivals: Vec<Arrival>,
    /// Sets with a reason that is not just an inherited report of a member.
    explained: Marks,
    changes: Vec<Change>,
    told: usize,
}

/// A reason for holding a set. The order of the members is that of sorting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    set: u32,
    source: u32,
    direct: bool,
}

/// A grant to tell of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    entitlement: u32,
    pub(super) standing: Standing,
    /// Its set's place among the arrivals.
    from: u32,
    to: u32,
}

impl Change {
    pub(super) fn entitlement(&self) -> EntitlementNumber {
        EntitlementNumber(self.entitlement)
    }
}

impl Walk {
    pub(super) fn new(entitlements: usize) -> Walk {
        Walk {
            principal: (0, 0),
            reported: Marks::new(entitlements),
            direct: Marks::new(entitlements),
            held: Marks::new(entitlements),
            waiting: vec![],
            arrivals: vec![],
            explained: Marks::new(entitlements),
            changes: vec![],
            told: 0,
        }
    }

    pub(super) fn principal(&self) -> ResourceNumber {
        ResourceNumber(self.principal.0)
    }

    pub(super) fn principal_type(&self) -> ResourceTypeNumber {
        ResourceTypeNumber(self.principal.1)
    }

    /// Finds all changes for the principal of these holdings.
    pub(super) fn run(&mut self, graph: &EntitlementGraph, holdings: &[Holding]) {
        let Some(first) = holdings.first() else { return };
        self.principal = first.principal();
        let Some(class) = graph.classes().get(graph.class_of(self.principal.1)) else { return };
        self.begin(class, holdings);
        while let Some(set) = self.waiting.pop() {
            for source in class.circles.members(&set) {
                self.follow(graph, class, *source);
            }
        }
        self.settle_reasons(class);
        self.find_changes(class);
    }

    fn begin(&mut self, class: &Class, holdings: &[Holding]) {
        self.reported.clear();
        self.direct.clear();
        self.held.clear();
        self.arrivals.clear();
        for Holding { entitlement, origin, .. } in holdings {
            self.reported.set(*entitlement);
            if *origin == Origin::Direct {
                self.direct.set(*entitlement);
            }
            self.arrive(class.circles.set(*entitlement), *entitlement);
        }
    }

    /// Follows the edges of one held entitlement. Those inside its own set say nothing new.
    fn follow(&mut self, graph: &EntitlementGraph, class: &Class, source: u32) {
        let own = class.circles.set(source);
        for (destination, passage) in graph.open(class, source) {
            let set = class.circles.set(destination);
            if set != own && (passage == Passage::All || self.direct.has(source)) {
                self.arrive(set, source);
            }
        }
    }

    fn arrive(&mut self, set: u32, source: u32) {
        self.arrivals.push(Arrival { set, source, direct: self.direct.has(source) });
        if self.held.set(set) {
            self.waiting.push(set);
        }
    }

    /// Sorts the reasons. An inherited report of a member came with its own sources; it is a reason
    /// for the rest of its circle only if there is no other, so that expanding twice changes nothing.
    fn settle_reasons(&mut self, class: &Class) {
        self.arrivals.sort_unstable();
        self.arrivals.dedup();
        let good = |arrival: &Arrival| arrival.direct || class.circles.set(arrival.source) != arrival.set;
        self.explained.clear();
        for arrival in self.arrivals.iter().filter(|arrival| good(arrival)) {
            self.explained.set(arrival.set);
        }
        let explained = &self.explained;
        self.arrivals.retain(|arrival| good(arrival) || !explained.has(arrival.set));
    }

    /// Every member of a held set is held, for the set's reasons: one that was not reported has another one.
    fn find_changes(&mut self, class: &Class) {
        self.changes.clear();
        self.told = 0;
        let mut from = 0;
        for of_one in self.arrivals.chunk_by(|one, two| one.set == two.set) {
            let Some(set) = of_one.first().map(|arrival| arrival.set) else { continue };
            let to = from + of_one.len() as u32;
            for member in class.circles.members(&set) {
                // Without a source but itself, the grant is as it was reported.
                let has_other = of_one.iter().any(|arrival| arrival.source != *member);
                let standing = match (self.reported.has(*member), has_other) {
                    (true, true) => Standing::Reported,
                    (true, false) => Standing::Unchanged,
                    (false, _) => Standing::New,
                };
                self.changes.push(Change { entitlement: *member, standing, from, to });
            }
            from = to;
        }
        self.changes.sort_unstable_by_key(|change| change.entitlement);
    }

    /// The next change of the last run.
    pub(super) fn next_change(&mut self) -> Option<Change> {
        let change = self.changes.get(self.told).copied()?;
        self.told += 1;
        Some(change)
    }

    /// The sources of a change. A grant is its own source only as a direct one.
    pub(super) fn sources(&self, change: &Change) -> impl Iterator<Item = GrantSource> + '_ {
        let own = change.entitlement;
        let reasons = self.arrivals.get(change.from as usize..change.to as usize).unwrap_or_default();
        let counts = move |arrival: &&Arrival| arrival.source != own || arrival.direct;
        reasons.iter().filter(counts).map(|arrival| GrantSource {
            entitlement: EntitlementNumber(arrival.source),
            direct: arrival.direct,
        })
    }
}
