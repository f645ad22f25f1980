//! Sets of entitlements that pass their holders on to each other (baton E-4).
//!
//! The strongly connected sets of more than one entitlement, found by Tarjan's algorithm. It keeps
//! its own stack: groups may be nested ten thousand deep.

use std::collections::BTreeMap;
use std::slice;

/// The circles of a graph. An entitlement in none of them is a set of its own.
#[derive(Debug, Default)]
pub(crate) struct Circles {
    /// The smallest member of the set of each entitlement; empty if there is no circle.
    set_of: Vec<u32>,
    /// The members of each circle, sorted, by the smallest.
    members: BTreeMap<u32, Vec<u32>>,
}

impl Circles {
    /// The circles that `next` closes among what can be come to from `starts`.
    pub(crate) fn find<I: Iterator<Item = u32>>(
        count: usize,
        starts: impl Iterator<Item = u32>,
        next: impl Fn(u32) -> I,
    ) -> Circles {
        let mut search = Search { visits: vec![Visit::default(); count], ..Search::default() };
        for start in starts {
            search.walk(start, &next);
        }
        Circles::of(count, search.circles)
    }

    fn of(count: usize, circles: Vec<Vec<u32>>) -> Circles {
        if circles.is_empty() {
            return Circles::default();
        }
        let mut set_of: Vec<u32> = (0..count as u32).collect();
        let mut members = BTreeMap::new();
        for mut circle in circles {
            circle.sort_unstable();
            let Some(smallest) = circle.first().copied() else { continue };
            for member in &circle {
                if let Some(slot) = set_of.get_mut(*member as usize) {
                    *slot = smallest;
                }
            }
            members.insert(smallest, circle);
        }
        Circles { set_of, members }
    }

    /// The set that `entitlement` is in, named by its smallest member.
    pub(crate) fn set(&self, entitlement: u32) -> u32 {
        self.set_of.get(entitlement as usize).copied().unwrap_or(entitlement)
    }

    /// The members of a set, sorted.
    pub(crate) fn members<'a>(&'a self, set: &'a u32) -> &'a [u32] {
        self.members.get(set).map_or(slice::from_ref(set), Vec::as_slice)
    }

    /// Whether no entitlement is in a circle.
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let members =
            self.members.values().map(|members| size_of_val(members) + members.capacity() * size_of::<u32>());
        self.set_of.capacity() * size_of::<u32>() + members.sum::<usize>()
    }

    /// Every circle, by its smallest member.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.members.values().map(Vec::as_slice)
    }
}

/// A walk that is under way.
struct Search<I> {
    visits: Vec<Visit>,
    visited: u32,
    /// Entitlements whose set is not known yet, in order of visit.
    open: Vec<u32>,
    /// Where we stand: each entitlement with its edges that are not followed yet.
    path: Vec<(u32, I)>,
    circles: Vec<Vec<u32>>,
}

impl<I> Default for Search<I> {
    fn default() -> Search<I> {
        Search { visits: vec![], visited: 0, open: vec![], path: vec![], circles: vec![] }
    }
}

#[derive(Clone, Copy, Default)]
struct Visit {
    /// 0 = not visited; the greatest number = its set is known.
    order: u32,
    /// The earliest visit that can be come back to from here.
    earliest: u32,
}

const KNOWN: u32 = u32::MAX;

impl<I: Iterator<Item = u32>> Search<I> {
    fn walk(&mut self, start: u32, next: &impl Fn(u32) -> I) {
        if self.visit(start).order == 0 {
            self.enter(start, next);
        }
        while let Some((node, edges)) = self.path.last_mut() {
            let node = *node;
            let Some(other) = edges.next() else {
                self.path.pop();
                self.leave(node);
                continue;
            };
            match self.visit(other).order {
                0 => self.enter(other, next),
                order => self.lower(node, order),
            }
        }
    }

    fn visit(&self, node: u32) -> Visit {
        let beyond = Visit { order: KNOWN, earliest: KNOWN };
        self.visits.get(node as usize).copied().unwrap_or(beyond)
    }

    fn enter(&mut self, node: u32, next: &impl Fn(u32) -> I) {
        self.visited += 1;
        if let Some(visit) = self.visits.get_mut(node as usize) {
            *visit = Visit { order: self.visited, earliest: self.visited };
        }
        self.open.push(node);
        self.path.push((node, next(node)));
    }

    fn lower(&mut self, node: u32, order: u32) {
        if let Some(visit) = self.visits.get_mut(node as usize) {
            visit.earliest = visit.earliest.min(order);
        }
    }

    fn leave(&mut self, node: u32) {
        let Visit { order, earliest } = self.visit(node);
        if let Some((before, _)) = self.path.last() {
            let before = *before;
            self.lower(before, earliest);
        }
        if order != earliest {
            return;
        }
        let begin = self.open.iter().rposition(|open| *open == node).unwrap_or_default();
        let set = self.open.split_off(begin);
        for member in &set {
            if let Some(visit) = self.visits.get_mut(*member as usize) {
                visit.order = KNOWN;
            }
        }
        if set.len() > 1 {
            self.circles.push(set);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn circles_of(edges: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let next = |node| edges.iter().filter(move |(from, _)| *from == node).map(|(_, to)| *to);
        let found = Circles::find(10, 0..10, next);
        found.iter().map(<[u32]>::to_vec).collect()
    }

    #[rstest]
    #[case::no_edge(&[], vec![])]
    #[case::chain(&[(0, 1), (1, 2)], vec![])]
    #[case::diamond(&[(0, 1), (0, 2), (1, 3), (2, 3)], vec![])]
    #[case::pair(&[(4, 2), (2, 4)], vec![vec![2, 4]])]
    #[case::ring_with_ways_in_and_out(&[(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)], vec![vec![1, 2, 3]])]
    #[case::two_rings_joined_one_way(&[(0, 1), (1, 0), (1, 2), (2, 3), (3, 2)], vec![vec![0, 1], vec![2, 3]])]
    #[case::two_rings_sharing_one(&[(0, 1), (1, 0), (1, 2), (2, 1)], vec![vec![0, 1, 2]])]
    #[case::an_edge_into_a_known_set(&[(0, 1), (2, 1), (2, 3), (3, 2)], vec![vec![2, 3]])]
    fn circles_are_the_sets_that_lead_back(#[case] edges: &[(u32, u32)], #[case] expected: Vec<Vec<u32>>) {
        assert_eq!(circles_of(edges), expected);
    }

    #[test]
    fn a_hundred_thousand_in_one_ring_need_no_recursion() {
        let count = 100_000;

        let ring = Circles::find(count as usize, 0..count, |node| std::iter::once((node + 1) % count));

        assert_eq!(ring.members(&0).len(), count as usize);
        assert_eq!(ring.set(count - 1), 0);
    }
}
