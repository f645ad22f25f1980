use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rstest::rstest;

use super::oracle::{Defect, Oracle, Stops};
use super::*;

fn given() -> impl Strategy<Value = Given> {
    let depth = prop_oneof![3 => Just(Depth::Deep), 1 => Just(Depth::Shallow)];
    let types = prop_oneof![
        3 => Just(vec![]),
        1 => proptest::collection::vec(0..3u32, 1..3),
    ];
    let edges = proptest::collection::vec((0..7u32, 0..7u32, depth, types), 0..14);
    let grants = proptest::collection::vec((0..8u32, 0..5u32), 0..10);
    (edges, grants).prop_map(|(edges, grants)| Given { edges, grants })
}

fn stops(graph: &AccessGraph, principal: u32, target: Target) -> Vec<Stops> {
    let found = graph.paths(&PathQuery { principal: ResourceNumber(principal), target, limit: ALL });
    assert!(!found.more);
    let plain = |step: &Step| match step {
        Step::Entitlement(entitlement) => (entitlement.0, entitlement.0),
        Step::Circle { entered, left, .. } => (entered.0, left.0),
    };
    found.items.iter().map(|path| path.steps.iter().map(plain).collect()).collect()
}

/// What each principal holds, by the graph's two walks: forwards and backwards.
fn held(graph: &AccessGraph) -> [BTreeMap<(u32, u32), bool>; 2] {
    let forwards = (0..5).flat_map(|principal| {
        let found = access(graph, principal, ALL).0;
        found.into_iter().map(move |(entitlement, held)| ((principal, entitlement), held == Held::Directly))
    });
    let backwards = (0..8).flat_map(|number| {
        let found = holders(graph, entitlement(number), ALL).0;
        found
            .into_iter()
            .map(|(principal, entitlement, held)| ((principal, entitlement), held == Held::Directly))
    });
    [forwards.collect(), backwards.collect()]
}

fn held_by_oracle(given: &Given, defect: Defect) -> BTreeMap<(u32, u32), bool> {
    let of = |principal| {
        let held = Oracle::new(given, principal, defect).held();
        held.into_iter().map(move |(entitlement, direct)| ((principal, entitlement), direct))
    };
    (0..5).flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn both_directions_equal_the_slow_way(given in given()) {
        let expected = held_by_oracle(&given, Defect::None);

        let [forwards, backwards] = held(&build(&given));

        prop_assert_eq!(&forwards, &expected);
        prop_assert_eq!(&backwards, &expected);
    }

    #[test]
    fn paths_equal_the_slow_way(given in given(), resource in 100..104u32) {
        let graph = build(&given);
        let of_resource = [(resource - 100) * 2, (resource - 100) * 2 + 1];
        for principal in 0..5 {
            let expected = Oracle::new(&given, principal, Defect::None).paths(&of_resource);

            let found = stops(&graph, principal, Target::Resource(ResourceNumber(resource)));

            let lengths: Vec<_> = found.iter().map(Vec::len).collect();
            prop_assert!(lengths.is_sorted());
            prop_assert_eq!(found.len(), expected.len());
            prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }

    #[test]
    fn a_cut_answer_is_the_beginning_of_the_whole_one(given in given(), limit in 0..4usize) {
        let graph = build(&given);
        for number in 0..8 {
            let (whole, cut) = (paths(&graph, 0, entitlement(number), ALL), paths(&graph, 0, entitlement(number), limit));
            prop_assert_eq!(cut.1, whole.0.len() > limit);
            prop_assert_eq!(&cut.0[..], &whole.0[..limit.min(whole.0.len())]);
            let (whole, cut) = (holders(&graph, entitlement(number), ALL), holders(&graph, entitlement(number), limit));
            prop_assert_eq!(cut.1, whole.0.len() > limit);
            prop_assert_eq!(&cut.0[..], &whole.0[..limit.min(whole.0.len())]);
        }
    }
}

/// Something that each defect gets wrong: a chain, a circle, a filter and a shallow edge.
fn telling() -> Given {
    let mut given = deep(&[(0, 1), (1, 2), (2, 1), (2, 3)], &[(0, 0), (1, 3), (3, 1)]);
    given.edges.push((3, 4, Depth::Shallow, vec![]));
    given.edges.push((3, 5, Depth::Deep, vec![USER]));
    given
}

#[rstest]
fn a_planted_defect_is_seen(
    #[values(Defect::LostFilter, Defect::ShallowIsDeep, Defect::OneRoundOnly)] defect: Defect,
) {
    let [found, _] = held(&build(&telling()));

    assert_eq!(found, held_by_oracle(&telling(), Defect::None));
    assert_ne!(found, held_by_oracle(&telling(), defect));
}

#[rstest]
fn a_planted_defect_is_seen_in_paths(
    #[values(Defect::ShallowIsDeep, Defect::CirclesNotCondensed)] defect: Defect,
) {
    let found: BTreeSet<_> = [4, 5]
        .map(|number| stops(&build(&telling()), 0, entitlement(number)))
        .into_iter()
        .flatten()
        .collect();
    let expected = |defect| Oracle::new(&telling(), 0, defect).paths(&[4, 5]);

    assert_eq!(found, expected(Defect::None));
    assert_ne!(found, expected(defect));
}
