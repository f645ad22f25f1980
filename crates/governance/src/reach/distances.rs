//! How many sets are still to be passed before a target is reached.

use super::AccessGraph;
use crate::entitlement_graph::{Class, Passage};

/// For each set (a circle, or an entitlement in none) the steps to the nearest target through
/// edges that all holders pass.
#[derive(Debug)]
pub(super) struct Distances {
    /// One more than the distance; 0 where no target is reached. Fresh memory is zero, and pages
    /// that are not written to cost nothing.
    steps: Vec<u32>,
}

impl Distances {
    /// Goes back from `targets`, never through the set `avoided`.
    pub(super) fn find(
        graph: &AccessGraph,
        class: &Class,
        targets: &[u32],
        avoided: Option<u32>,
    ) -> Distances {
        let greatest = targets.iter().max().map_or(0, |target| *target as usize + 1);
        let mut distances = Distances { steps: vec![0; graph.graph.count().max(greatest)] };
        let mut waiting = vec![];
        for target in targets {
            let set = class.circles.set(*target);
            if Some(set) != avoided && distances.enter(set, 1) {
                waiting.push(set);
            }
        }
        let mut next = 0;
        while let Some(set) = waiting.get(next).copied() {
            next += 1;
            let further = distances.get(set).map_or(0, |distance| distance + 2);
            for member in class.circles.members(&set) {
                for (source, passage) in graph.open_into(class, *member) {
                    let before = class.circles.set(source);
                    let counts = passage == Passage::All && Some(before) != avoided;
                    if counts && distances.enter(before, further) {
                        waiting.push(before);
                    }
                }
            }
        }
        distances
    }

    /// The steps from `set` to the nearest target; `None` if none is reached.
    pub(super) fn get(&self, set: u32) -> Option<u32> {
        self.steps.get(set as usize).and_then(|steps| steps.checked_sub(1))
    }

    fn enter(&mut self, set: u32, steps: u32) -> bool {
        match self.steps.get_mut(set as usize) {
            Some(slot) if *slot == 0 => {
                *slot = steps;
                true
            }
            _ => false,
        }
    }
}
