//! The same answers found the slow way. Shares no code with what it checks.

use std::collections::{BTreeMap, BTreeSet};

use super::{Depth, Given, type_of};

/// What a twin of the oracle gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    None,
    LostFilter,
    ShallowIsDeep,
    OneRoundOnly,
    CirclesNotCondensed,
}

/// A path as stops: where each set is entered and left.
pub(super) type Stops = Vec<(u32, u32)>;

pub(super) struct Oracle {
    direct: BTreeSet<u32>,
    /// Open edges; `true` = all holders pass.
    open: BTreeSet<(u32, u32, bool)>,
    defect: Defect,
}

impl Oracle {
    pub(super) fn new(given: &Given, principal: u32, defect: Defect) -> Oracle {
        let open = given.edges.iter().filter(|(source, destination, _, types)| {
            let passes = types.is_empty() || types.contains(&type_of(principal));
            source != destination && (passes || defect == Defect::LostFilter)
        });
        let open = open.map(|(source, destination, depth, _)| {
            (*source, *destination, *depth == Depth::Deep || defect == Defect::ShallowIsDeep)
        });
        let direct = given.grants.iter().filter(|grant| grant.1 == principal).map(|grant| grant.0);
        Oracle { direct: direct.collect(), open: open.collect(), defect }
    }

    /// Each entitlement that is held, and whether directly.
    pub(super) fn held(&self) -> BTreeMap<u32, bool> {
        let mut held = self.direct.clone();
        loop {
            let before = held.len();
            let carried = self
                .open
                .iter()
                .filter(|(source, _, deep)| held.contains(source) && (*deep || self.direct.contains(source)));
            let carried: Vec<_> = carried.map(|edge| edge.1).collect();
            held.extend(carried);
            if held.len() == before || self.defect == Defect::OneRoundOnly {
                return held
                    .into_iter()
                    .map(|entitlement| (entitlement, self.direct.contains(&entitlement)))
                    .collect();
            }
        }
    }

    /// All simple walks from entitlement to entitlement, folded where they stay in a circle.
    pub(super) fn paths(&self, targets: &[u32]) -> BTreeSet<Stops> {
        let mut found = BTreeSet::new();
        for start in &self.direct {
            self.walk(&mut vec![*start], targets, &mut found);
        }
        found
    }

    fn walk(&self, walked: &mut Vec<u32>, targets: &[u32], found: &mut BTreeSet<Stops>) {
        let last = *walked.last().unwrap();
        if targets.contains(&last) {
            found.extend(self.fold(walked));
        }
        for (source, destination, deep) in &self.open {
            if *source == last && !walked.contains(destination) && (*deep || walked.len() == 1) {
                walked.push(*destination);
                self.walk(walked, targets, found);
                walked.pop();
            }
        }
    }

    /// `None` for a walk that comes back to a circle it has left.
    fn fold(&self, walked: &[u32]) -> Option<Stops> {
        let mut stops: Stops = vec![];
        for entitlement in walked.iter().copied() {
            let last = stops.len().wrapping_sub(1);
            match stops.iter().position(|stop| self.together(stop.0, entitlement)) {
                Some(at) if at == last => stops[at].1 = entitlement,
                Some(_) => return None,
                None => stops.push((entitlement, entitlement)),
            }
        }
        Some(stops)
    }

    fn together(&self, one: u32, two: u32) -> bool {
        let circle = self.defect != Defect::CirclesNotCondensed;
        one == two || circle && self.leads(one, two) && self.leads(two, one)
    }

    fn leads(&self, from: u32, to: u32) -> bool {
        let mut seen = BTreeSet::from([from]);
        loop {
            let before = seen.len();
            let next = self.open.iter().filter(|(source, _, deep)| *deep && seen.contains(source));
            let next: Vec<_> = next.map(|edge| edge.1).collect();
            seen.extend(next);
            if seen.len() == before {
                return seen.contains(&to);
            }
        }
    }
}
