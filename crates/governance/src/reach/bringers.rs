//! Through which of the entitlements that a principal holds directly it comes to another one.

use super::AccessGraph;
use crate::entitlement_graph::{Marks, Passage};
use crate::number::{EntitlementNumber, ResourceNumber};

/// The entitlements that bring a target, asked for one principal after the other.
#[derive(Debug)]
pub struct Bringers<'a> {
    graph: &'a AccessGraph,
    target: u32,
    /// By class, once somebody of it was asked for: the entitlements whose direct holders come to hold the target.
    bringing: Vec<Option<Marks>>,
}

impl AccessGraph {
    /// What brings `target`.
    pub fn bringers(&self, target: EntitlementNumber) -> Bringers<'_> {
        let bringing = self.graph.classes().iter().map(|_| None).collect();
        Bringers { graph: self, target: target.0, bringing }
    }

    /// All that the principal comes to hold through what it holds directly: pairs of the one that is brought and the
    /// direct one that brings it, sorted. One that is held directly as well is among them if another one brings it.
    pub fn brought(&self, principal: ResourceNumber) -> Vec<(EntitlementNumber, EntitlementNumber)> {
        let mut found = vec![];
        let Some(class) = self.graph.classes().get(self.class_of(principal.0)) else { return found };
        let mut held = Marks::new(self.graph.count());
        let mut waiting = vec![];
        for start in self.held.row(principal.0).iter().copied() {
            if !self.graph.touches(start) {
                continue;
            }
            held.clear();
            held.set(start);
            waiting.clear();
            waiting.push(start);
            let mut next = 0;
            while let Some(reached) = waiting.get(next).copied() {
                next += 1;
                for (destination, passage) in self.graph.open(class, reached) {
                    if (next == 1 || passage == Passage::All) && held.set(destination) {
                        waiting.push(destination);
                        found.push((EntitlementNumber(destination), EntitlementNumber(start)));
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }
}

impl Bringers<'_> {
    /// The entitlements that `principal` holds directly and that bring the target, by number; the target itself is
    /// never among them.
    pub fn held_by(&mut self, principal: ResourceNumber) -> Vec<EntitlementNumber> {
        let graph = self.graph;
        let class = graph.class_of(principal.0);
        let target = self.target;
        let Some(slot) = self.bringing.get_mut(class) else { return vec![] };
        let bringing = slot.get_or_insert_with(|| bringing(graph, class, target));
        let held = graph.held.row(principal.0).iter().copied();
        held.filter(|held| *held != target && bringing.has(*held)).map(EntitlementNumber).collect()
    }
}

/// Goes back along the edges that are open to a class. The target itself is not marked.
fn bringing(graph: &AccessGraph, class: usize, target: u32) -> Marks {
    let (mut bringing, mut passed) = (Marks::new(graph.graph.count()), Marks::new(graph.graph.count()));
    let Some(class) = graph.graph.classes().get(class) else { return bringing };
    let mut waiting = vec![target];
    passed.set(target);
    let mut next = 0;
    while let Some(reached) = waiting.get(next).copied() {
        next += 1;
        for (source, passage) in graph.open_into(class, reached) {
            bringing.set(source);
            if passage == Passage::All && passed.set(source) {
                waiting.push(source);
            }
        }
    }
    bringing
}
