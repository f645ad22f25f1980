use std::collections::BTreeSet;

use proptest::prelude::*;
use rstest::rstest;

use super::oracle::{Defect, told};
use super::*;

fn given() -> impl Strategy<Value = Given> {
    let depth = prop_oneof![3 => Just(Depth::Deep), 1 => Just(Depth::Shallow)];
    let types = prop_oneof![
        3 => Just(vec![]),
        1 => proptest::collection::vec(0..3u32, 1..3),
    ];
    let origin = prop_oneof![5 => Just(Origin::Direct), 1 => Just(Origin::Inherited)];
    // A principal has one type, as in the rows.
    let grant = (0..8u32, 0..4u32, origin)
        .prop_map(|(entitlement, principal, origin)| (entitlement, 50 + principal, principal % 3, origin));
    let edges = proptest::collection::vec((0..7u32, 0..7u32, depth, types), 0..16);
    let grants = proptest::collection::vec(grant, 0..10);
    (edges, grants).prop_map(|(edges, grants)| Given { edges, grants })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn e4_to_e7_equal_the_slow_way(given in given()) {
        prop_assert_eq!(expand(&given), told(&given, Defect::None));
    }

    #[test]
    fn e8_order_and_repetition_of_the_input_do_not_matter(
        (given, shuffled) in given().prop_flat_map(|given| {
            let edges = [given.edges.clone(), given.edges.clone()].concat();
            let grants = [given.grants.clone(), given.grants.clone()].concat();
            let shuffled = (Just(edges).prop_shuffle(), Just(grants).prop_shuffle());
            (Just(given), shuffled.prop_map(|(edges, grants)| Given { edges, grants }))
        })
    ) {
        prop_assert_eq!(expand(&given), expand(&shuffled));
        prop_assert_eq!(collect(&given).findings().to_vec(), collect(&shuffled).findings().to_vec());
    }

    #[test]
    fn every_reported_grant_of_a_touched_entitlement_is_told_once_beside_the_changes(given in given()) {
        let collector = collect(&given);
        let touched = given.grants.iter().filter(|grant| collector.wants(EntitlementNumber(grant.0)));
        let reported: BTreeSet<(u32, u32)> = touched.map(|grant| (grant.1, grant.0)).collect();

        let all = expand_all(&given);

        prop_assert!(all.windows(2).all(|two| two[0].0 < two[1].0), "sorted, and nothing twice");
        let stand = all.iter().filter(|(_, standing, _)| *standing != Standing::New).map(|(grant, ..)| *grant);
        prop_assert_eq!(stand.collect::<BTreeSet<_>>(), reported);
        let has_sources = |(_, standing, sources): &Told| (*standing != Standing::Unchanged) != sources.is_empty();
        prop_assert!(all.iter().all(has_sources));
        let changes = all.into_iter().filter(|(_, standing, _)| *standing != Standing::Unchanged);
        prop_assert_eq!(changes.collect::<Vec<_>>(), expand(&given));
    }

    #[test]
    fn expanding_the_result_again_adds_no_grant_and_no_source(given in given()) {
        let direct: Vec<_> = given.grants.iter().filter(|grant| grant.3 == Origin::Direct).copied().collect();
        let first = Given { grants: direct, ..given };
        let once = expand(&first);
        let mut second = first;
        for ((principal, entitlement), standing, _) in &once {
            if *standing == Standing::New {
                second.grants.push((*entitlement, *principal, (*principal - 50) % 3, Origin::Inherited));
            }
        }

        let twice = expand(&second);

        let without_standing = |told: Vec<Told>| -> Vec<_> {
            told.into_iter().map(|(grant, _, sources)| (grant, sources)).collect()
        };
        prop_assert!(twice.iter().all(|(_, standing, _)| *standing == Standing::Reported));
        prop_assert_eq!(without_standing(twice), without_standing(once));
    }
}

/// Something that each defect gets wrong: a chain, a circle, a filter and a shallow edge.
fn telling() -> Given {
    let mut edges = deep(&[(1, 2), (2, 3), (3, 2), (3, 4)]);
    edges.push((4, 5, Depth::Shallow, vec![]));
    edges.push((4, 6, Depth::Deep, vec![USER]));
    let mut grants = users(&[(1, 50), (2, 60)]);
    grants.push((4, 70, GROUP, Origin::Direct));
    Given { edges, grants }
}

#[rstest]
fn a_planted_defect_is_seen(
    #[values(
        Defect::LostFilter,
        Defect::ShallowIsDeep,
        Defect::LostDirect,
        Defect::OneRoundOnly,
        Defect::EchoInCircles
    )]
    defect: Defect,
) {
    let found = expand(&telling());

    assert_eq!(found, told(&telling(), Defect::None));
    assert_ne!(found, told(&telling(), defect));
}
