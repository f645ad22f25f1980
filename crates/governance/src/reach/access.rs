//! What a principal can reach.

use super::{AccessGraph, Bounded, Held};
use crate::entitlement_graph::{Marks, Passage};
use crate::number::{EntitlementNumber, ResourceNumber};

/// What can `principal` reach?
#[derive(Clone, Copy, Debug)]
pub struct AccessQuery {
    /// Who.
    pub principal: ResourceNumber,
    /// How many entitlements to tell of.
    pub limit: usize,
}

/// One entitlement that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Access {
    /// Which.
    pub entitlement: EntitlementNumber,
    /// How.
    pub held: Held,
}

impl AccessGraph {
    /// Every entitlement that the principal holds, each once: the direct ones by number, then those
    /// that are inherited, the nearest first.
    pub fn access(&self, query: &AccessQuery) -> Bounded<Access> {
        let direct = self.held.row(query.principal.0);
        let mut found = Bounded::new();
        for entitlement in direct.iter().copied().map(EntitlementNumber) {
            if found.add(query.limit, Access { entitlement, held: Held::Directly }).is_break() {
                return found;
            }
        }
        let Some(class) = self.graph.classes().get(self.class_of(query.principal.0)) else {
            return found;
        };
        let mut held = Marks::new(self.graph.count());
        let mut waiting = direct.to_vec();
        for entitlement in direct {
            held.set(*entitlement);
        }
        let mut next = 0;
        while let Some(reached) = waiting.get(next).copied() {
            let is_direct = next < direct.len();
            next += 1;
            for (destination, passage) in self.graph.open(class, reached) {
                if (is_direct || passage == Passage::All) && held.set(destination) {
                    waiting.push(destination);
                    let access =
                        Access { entitlement: EntitlementNumber(destination), held: Held::Inherited };
                    if found.add(query.limit, access).is_break() {
                        return found;
                    }
                }
            }
        }
        found
    }
}
