//! Classes of principal types: those that the edges treat alike.

use std::collections::{BTreeMap, BTreeSet};

use super::{Adjacency, Circles, Depth, Limits, Link};

/// What gets through an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Passage {
    /// Nobody.
    Closed,
    /// Those who hold the source directly.
    Direct,
    /// Every holder of the source.
    All,
}

/// The types of principals that see the same graph, and what they see.
#[derive(Debug)]
pub(crate) struct Class {
    /// By number of the limits.
    passages: Vec<Passage>,
    /// The circles of edges through which all holders of this class pass.
    pub(crate) circles: Circles,
}

impl Class {
    /// The other ends of `links` that are open to this class. Where several edges join the same
    /// two entitlements, each lets its own through, so together they are as wide as the widest.
    pub(crate) fn open<'a>(&'a self, links: &'a [Link]) -> impl Iterator<Item = (u32, Passage)> + 'a {
        links.chunk_by(|one, two| one.other == two.other).filter_map(|same| {
            let widest = same.iter().map(|link| self.passage(link.limits)).max()?;
            (widest != Passage::Closed).then_some((same.first()?.other, widest))
        })
    }

    fn passage(&self, limits: u32) -> Passage {
        self.passages.get(limits as usize).copied().unwrap_or(Passage::Closed)
    }
}

/// The circles of deep edges, whatever types they let through. A circle of a class lies in one.
pub(super) fn widest_circles(count: usize, outgoing: &Adjacency<Link>, limits: &[Limits]) -> Circles {
    let deep =
        |link: &&Link| limits.get(link.limits as usize).is_some_and(|limits| limits.depth == Depth::Deep);
    Circles::find(count, 0..count as u32, |node| {
        outgoing.row(node).iter().filter(deep).map(|link| link.other)
    })
}

/// All classes, and which one each named type is in; every other type is in the first.
pub(super) fn classes(
    outgoing: &Adjacency<Link>,
    limits: &[Limits],
    widest: &Circles,
) -> (Vec<Class>, BTreeMap<u32, usize>) {
    let mut passages_seen = BTreeMap::new();
    let mut classes = vec![];
    let mut class_for = |passages: Vec<Passage>| {
        *passages_seen.entry(passages).or_insert_with_key(|passages| {
            classes.push(class(outgoing, passages.clone(), widest));
            classes.len() - 1
        })
    };
    class_for(limits.iter().map(|limits| passage(limits, None)).collect());
    let named: BTreeSet<u32> = limits.iter().flat_map(|limits| limits.types.iter().copied()).collect();
    let class_of_type = named
        .into_iter()
        .map(|named| {
            let passages = limits.iter().map(|limits| passage(limits, Some(named))).collect();
            (named, class_for(passages))
        })
        .collect();
    (classes, class_of_type)
}

fn passage(limits: &Limits, principal_type: Option<u32>) -> Passage {
    let named = principal_type.is_some_and(|number| limits.types.binary_search(&number).is_ok());
    match limits.depth {
        _ if !named && !limits.types.is_empty() => Passage::Closed,
        Depth::Deep => Passage::All,
        Depth::Shallow => Passage::Direct,
    }
}

/// Looks for circles only inside the widest ones, so that a graph without any costs one search
/// and not one per class.
fn class(outgoing: &Adjacency<Link>, passages: Vec<Passage>, widest: &Circles) -> Class {
    let class = Class { passages, circles: Circles::default() };
    if widest.is_empty() {
        return class;
    }
    let inside = widest.iter().flatten().copied();
    let circles = Circles::find(outgoing.rows(), inside, |node| {
        let set = widest.set(node);
        let stays = move |other: u32| widest.set(other) == set;
        let open = class.open(outgoing.row(node));
        open.filter_map(move |(other, passage)| (passage == Passage::All && stays(other)).then_some(other))
    });
    Class { circles, ..class }
}
