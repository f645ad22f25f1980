//! All ways by which a principal reaches a target.
//!
//! A circle is one stop, so the sets of one class have an order and a way never comes back. The
//! search knows from every set how far the nearest target is ([`Distances`]) and always takes up
//! the way that can end soonest: ways are told shortest first, and each one that is begun leads to
//! a target, so the cost follows what is told and not the ways that there are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::distances::Distances;
use super::{AccessGraph, AccessPath, Bounded, Step, Target};
use crate::entitlement_graph::{Class, Passage};
use crate::number::{EntitlementNumber, ResourceNumber};

/// By which ways does `principal` reach `target`?
#[derive(Clone, Copy, Debug)]
pub struct PathQuery {
    /// Who.
    pub principal: ResourceNumber,
    /// What.
    pub target: Target,
    /// How many ways to tell.
    pub limit: usize,
}

impl AccessGraph {
    /// The ways, shortest first, in an order that depends on the inventory only.
    ///
    /// Two ways differ if they use different grants: two groups of a circle that both hold the next
    /// entitlement make two ways. The order inside a circle makes none.
    pub fn paths(&self, query: &PathQuery) -> Bounded<AccessPath> {
        let Some(class) = self.graph.classes().get(self.class_of(query.principal.0)) else {
            return Bounded::new();
        };
        let targets = self.targets(query.target);
        let distances = vec![Distances::find(self, class, &targets, None)];
        let (stops, waiting) = (vec![], BinaryHeap::new());
        let mut search = Search { graph: self, class, query, targets, distances, stops, waiting };
        for start in self.held.row(query.principal.0) {
            search.start(*start);
        }
        search.run()
    }
}

struct Search<'a> {
    graph: &'a AccessGraph,
    class: &'a Class,
    query: &'a PathQuery,
    /// Sorted.
    targets: Vec<u32>,
    /// The first one counts for almost every way; see [`Self::start_shallow`] for the others.
    distances: Vec<Distances>,
    stops: Vec<Stop>,
    waiting: BinaryHeap<Waiting>,
}

/// A set on the way, with the way that leads to it.
#[derive(Clone, Copy)]
struct Stop {
    /// The stop before, and the entitlement by which that one was left.
    before: Option<(usize, u32)>,
    entered: u32,
    /// How many stops the way has.
    length: u32,
    /// Which distances count.
    distances: usize,
}

/// The shortest whole way first; of equal ones the one that is further on, then the one found first.
type Waiting = (Reverse<u32>, u32, Reverse<usize>);

impl Search<'_> {
    /// Begins at an entitlement that is held directly.
    fn start(&mut self, entitlement: u32) {
        let start = Stop { before: None, entered: entitlement, length: 1, distances: 0 };
        let at = self.stops.len();
        self.stops.push(start);
        self.wait_for(at);
        self.start_shallow(at, entitlement);
    }

    /// Follows the edges that only direct holders pass: they lead from a start, never from further on.
    ///
    /// They are not among those that circles are made of, so the way might come back to where it
    /// began. If it can, it needs distances that avoid the start.
    fn start_shallow(&mut self, at: usize, entitlement: u32) {
        let (graph, class) = (self.graph, self.class);
        let own = class.circles.set(entitlement);
        let mut returns = None;
        for (destination, passage) in graph.graph.open(class, entitlement) {
            let set = class.circles.set(destination);
            let leads_on = self.distance(0, set).is_some() && set != own;
            if passage != Passage::Direct || !leads_on {
                continue;
            }
            let returns = returns.get_or_insert_with(|| Distances::find(graph, class, &[entitlement], None));
            let mut distances = 0;
            if returns.get(set).is_some() {
                distances = self.distances.len();
                self.distances.push(Distances::find(graph, class, &self.targets, Some(own)));
            }
            self.reach(Stop { before: Some((at, entitlement)), entered: destination, length: 2, distances });
        }
    }

    fn run(mut self) -> Bounded<AccessPath> {
        let (graph, class) = (self.graph, self.class);
        let mut found = Bounded::new();
        while let Some((_, _, Reverse(at))) = self.waiting.pop() {
            let Some(stop) = self.stops.get(at).copied() else { continue };
            let set = class.circles.set(stop.entered);
            for member in class.circles.members(&set) {
                let is_target = self.targets.binary_search(member).is_ok();
                if is_target && found.add(self.query.limit, self.path(at, *member)).is_break() {
                    return found;
                }
            }
            for member in class.circles.members(&set) {
                for (destination, passage) in graph.graph.open(class, *member) {
                    if passage == Passage::All && class.circles.set(destination) != set {
                        let before = Some((at, *member));
                        self.reach(Stop { before, entered: destination, length: stop.length + 1, ..stop });
                    }
                }
            }
        }
        found
    }

    /// Notes a stop if it leads to a target.
    fn reach(&mut self, stop: Stop) {
        if self.distance(stop.distances, self.class.circles.set(stop.entered)).is_some() {
            self.stops.push(stop);
            self.wait_for(self.stops.len() - 1);
        }
    }

    fn wait_for(&mut self, at: usize) {
        let Some(stop) = self.stops.get(at) else { return };
        if let Some(distance) = self.distance(stop.distances, self.class.circles.set(stop.entered)) {
            self.waiting.push((Reverse(stop.length + distance), stop.length, Reverse(at)));
        }
    }

    fn distance(&self, distances: usize, set: u32) -> Option<u32> {
        self.distances.get(distances)?.get(set)
    }

    /// The way to `left`, which is in the set of the stop `at`.
    fn path(&self, at: usize, left: u32) -> AccessPath {
        let mut steps = vec![];
        let mut next = Some((at, left));
        while let Some((at, left)) = next {
            let Some(stop) = self.stops.get(at) else { break };
            steps.push(self.step(stop.entered, left));
            next = stop.before;
        }
        steps.reverse();
        AccessPath { principal: self.query.principal, steps }
    }

    fn step(&self, entered: u32, left: u32) -> Step {
        if entered == left {
            return Step::Entitlement(EntitlementNumber(left));
        }
        let set = self.class.circles.set(entered);
        let members = self.class.circles.members(&set).iter().copied().map(EntitlementNumber).collect();
        Step::Circle { entered: EntitlementNumber(entered), left: EntitlementNumber(left), members }
    }
}
