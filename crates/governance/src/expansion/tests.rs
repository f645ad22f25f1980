use rstest::rstest;

use super::*;
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

mod laws;
mod oracle;

const USER: u32 = 0;
const GROUP: u32 = 1;

/// Edges as (source, destination, depth, types) and grants as (entitlement, principal, type, origin).
#[derive(Clone, Debug, Default)]
struct Given {
    edges: Vec<(u32, u32, Depth, Vec<u32>)>,
    grants: Vec<(u32, u32, u32, Origin)>,
}

/// A change without borrows: (principal, entitlement), standing, sources.
type Told = ((u32, u32), Standing, Vec<(u32, bool)>);

fn expandable(source: u32, entitlement: u32) -> ExpandableGrant<'static> {
    ExpandableGrant {
        entitlement: EntitlementNumber(entitlement),
        principal: ResourceNumber(1000 + source),
        source: EntitlementNumber(source),
        source_resource: Some(ResourceNumber(1000 + source)),
        depth: Depth::Deep,
        principal_types: &[],
    }
}

fn collect(given: &Given) -> GrantCollector {
    let mut edges = EdgeCollector::new();
    for (source, destination, depth, types) in &given.edges {
        let types: Vec<_> = types.iter().copied().map(ResourceTypeNumber).collect();
        let grant = expandable(*source, *destination);
        edges.add(&ExpandableGrant { depth: *depth, principal_types: &types, ..grant });
    }
    let mut grants = edges.finish();
    for (entitlement, principal, principal_type, origin) in &given.grants {
        grants.add(ReportedGrant {
            entitlement: EntitlementNumber(*entitlement),
            principal: ResourceNumber(*principal),
            principal_type: ResourceTypeNumber(*principal_type),
            origin: *origin,
        });
    }
    grants
}

fn as_told(change: &ChangedGrant<'_>) -> Told {
    let sources = change.sources.iter().map(|source| (source.entitlement.0, source.direct)).collect();
    ((change.principal.0, change.entitlement.0), change.standing, sources)
}

fn expand(given: &Given) -> Vec<Told> {
    let mut expansion = collect(given).expand();
    let mut told = vec![];
    while let Some(change) = expansion.next_change() {
        told.push(as_told(&change));
    }
    told
}

/// The same, with the grants that stay as they are.
fn expand_all(given: &Given) -> Vec<Told> {
    let mut expansion = collect(given).expand();
    let mut told = vec![];
    while let Some(grant) = expansion.next_grant() {
        told.push(as_told(&grant));
    }
    told
}

fn deep(edges: &[(u32, u32)]) -> Vec<(u32, u32, Depth, Vec<u32>)> {
    edges.iter().map(|(source, destination)| (*source, *destination, Depth::Deep, vec![])).collect()
}

/// Direct grants of users.
fn users(grants: &[(u32, u32)]) -> Vec<(u32, u32, u32, Origin)> {
    grants.iter().map(|(entitlement, user)| (*entitlement, *user, USER, Origin::Direct)).collect()
}

fn new(principal: u32, entitlement: u32, sources: &[(u32, bool)]) -> Told {
    ((principal, entitlement), Standing::New, sources.to_vec())
}

fn reported(principal: u32, entitlement: u32, sources: &[(u32, bool)]) -> Told {
    ((principal, entitlement), Standing::Reported, sources.to_vec())
}

fn unchanged(principal: u32, entitlement: u32) -> Told {
    ((principal, entitlement), Standing::Unchanged, vec![])
}

#[rstest]
#[case::member_of_a_group(&[(1, 9)], &[(1, 50)], vec![new(50, 9, &[(1, true)])])]
#[case::a_chain_names_the_last_step_only(
    &[(1, 2), (2, 9)], &[(1, 50)],
    vec![new(50, 2, &[(1, true)]), new(50, 9, &[(2, false)])]
)]
#[case::direct_as_well(&[(1, 9)], &[(1, 50), (9, 50)], vec![reported(50, 9, &[(1, true), (9, true)])])]
#[case::through_two_groups(
    &[(1, 9), (2, 9)], &[(1, 50), (2, 50)],
    vec![new(50, 9, &[(1, true), (2, true)])]
)]
#[case::direct_and_inherited_is_direct(
    &[(1, 2), (2, 9)], &[(1, 50), (2, 50)],
    vec![reported(50, 2, &[(1, true), (2, true)]), new(50, 9, &[(2, true)])]
)]
#[case::nobody_in_the_group(&[(1, 9)], &[(9, 50)], vec![])]
#[case::an_edge_to_itself(&[(1, 1)], &[(1, 50)], vec![])]
#[case::principals_first(
    &[(1, 9), (1, 3)], &[(1, 60), (1, 50)],
    vec![new(50, 3, &[(1, true)]), new(50, 9, &[(1, true)]), new(60, 3, &[(1, true)]), new(60, 9, &[(1, true)])]
)]
fn e5_e6_sources_are_the_last_step(
    #[case] edges: &[(u32, u32)],
    #[case] grants: &[(u32, u32)],
    #[case] expected: Vec<Told>,
) {
    let given = Given { edges: deep(edges), grants: users(grants) };

    assert_eq!(expand(&given), expected);
}

#[rstest]
#[case::held_inside(
    &[(1, 2), (2, 1)], &[(1, 50)],
    vec![new(50, 2, &[(1, true)])]
)]
#[case::held_at_both(
    &[(1, 2), (2, 1)], &[(1, 50), (2, 50)],
    vec![reported(50, 1, &[(1, true), (2, true)]), reported(50, 2, &[(1, true), (2, true)])]
)]
#[case::entered_from_outside(
    &[(0, 1), (1, 2), (2, 1)], &[(0, 50)],
    vec![new(50, 1, &[(0, true)]), new(50, 2, &[(0, true)])]
)]
#[case::left_by_one_member(
    &[(1, 2), (2, 1), (2, 9)], &[(1, 50)],
    vec![new(50, 2, &[(1, true)]), new(50, 9, &[(2, false)])]
)]
#[case::all_members_hold_the_same(
    &[(1, 2), (2, 3), (3, 1)], &[(1, 50), (3, 60)],
    vec![
        new(50, 2, &[(1, true)]), new(50, 3, &[(1, true)]),
        new(60, 1, &[(3, true)]), new(60, 2, &[(3, true)]),
    ]
)]
fn e4_a_circle_has_the_sources_of_its_whole(
    #[case] edges: &[(u32, u32)],
    #[case] grants: &[(u32, u32)],
    #[case] expected: Vec<Told>,
) {
    let given = Given { edges: deep(edges), grants: users(grants) };

    assert_eq!(expand(&given), expected);
}

#[test]
fn e5_shallow_copies_direct_holders_only() {
    let mut edges = deep(&[(1, 2)]);
    edges.push((2, 9, Depth::Shallow, vec![]));
    let given = Given { edges, grants: users(&[(1, 50), (2, 60)]) };

    let told = expand(&given);

    assert_eq!(told, [new(50, 2, &[(1, true)]), new(60, 9, &[(2, true)])]);
}

#[test]
fn e5_a_filter_lets_its_types_through_only() {
    let edges = vec![(1, 9, Depth::Deep, vec![USER]), (1, 8, Depth::Deep, vec![])];
    let grants = vec![(1, 50, USER, Origin::Direct), (1, 70, GROUP, Origin::Direct)];

    let told = expand(&Given { edges, grants });

    let expected = [new(50, 8, &[(1, true)]), new(50, 9, &[(1, true)]), new(70, 8, &[(1, true)])];
    assert_eq!(told, expected);
}

#[test]
fn e4_limits_hold_inside_a_circle() {
    let edges = vec![(1, 2, Depth::Deep, vec![USER]), (2, 1, Depth::Deep, vec![])];
    let grants = vec![(1, 50, USER, Origin::Direct), (1, 70, GROUP, Origin::Direct)];

    let told = expand(&Given { edges, grants });

    assert_eq!(told, [new(50, 2, &[(1, true)])]);
}

#[test]
fn parallel_edges_are_as_wide_as_the_widest() {
    let mut edges = deep(&[(1, 2)]);
    edges.push((2, 9, Depth::Shallow, vec![USER]));
    edges.push((2, 9, Depth::Deep, vec![USER]));
    let given = Given { edges, grants: users(&[(1, 50)]) };

    assert_eq!(expand(&given).last(), Some(&new(50, 9, &[(2, false)])));
}

#[test]
fn e7_the_group_keeps_its_own_grant() {
    let mut given = Given { edges: deep(&[(1, 9)]), grants: users(&[(1, 50)]) };
    given.grants.push((9, 1001, GROUP, Origin::Direct));

    assert_eq!(expand(&given), [new(50, 9, &[(1, true)])]);
}

#[test]
fn an_inherited_report_gets_sources_without_itself() {
    let mut given = Given { edges: deep(&[(1, 9), (9, 10)]), grants: users(&[(1, 50)]) };
    given.grants.push((9, 50, USER, Origin::Inherited));

    let told = expand(&given);

    assert_eq!(told, [reported(50, 9, &[(1, true)]), new(50, 10, &[(9, false)])]);
}

// Whoever writes grants once leaves those of the touched entitlements to expansion.
#[test]
fn each_grant_of_a_touched_entitlement_is_told_once_also_if_it_stays_as_it_is() {
    let mut grants = users(&[(1, 50), (9, 50), (9, 60), (7, 60), (1, 50), (3, 80)]);
    grants.push((9, 70, USER, Origin::Inherited));
    grants.push((9, 1001, GROUP, Origin::Direct));
    let given = Given { edges: deep(&[(1, 9), (3, 4), (4, 3)]), grants };

    let told = expand_all(&given);

    let expected = [
        unchanged(50, 1),
        reported(50, 9, &[(1, true), (9, true)]),
        unchanged(60, 9),
        unchanged(70, 9),
        unchanged(80, 3),
        new(80, 4, &[(3, true)]),
        unchanged(1001, 9),
    ];
    assert_eq!(told, expected);
}

#[test]
fn e2_findings_name_what_could_not_be_followed() {
    let mut edges = EdgeCollector::new();
    edges.add(&ExpandableGrant { source_resource: Some(ResourceNumber(7)), ..expandable(1, 9) });
    edges.add(&ExpandableGrant { source_resource: None, ..expandable(2, 9) });
    edges.add(&ExpandableGrant { source_resource: None, ..expandable(2, 9) });
    edges.add(&expandable(4, 3));
    edges.add(&expandable(3, 4));

    let grants = edges.finish();

    let entitlement = EntitlementNumber(9);
    let source_resource = ResourceNumber(7);
    let (one, two) = (EntitlementNumber(1), EntitlementNumber(2));
    let expected = [
        Finding::ForeignSource { entitlement, principal: ResourceNumber(1001), source: one, source_resource },
        Finding::MissingSource { entitlement, principal: ResourceNumber(1002), source: two },
        Finding::Circle { entitlements: vec![EntitlementNumber(3), EntitlementNumber(4)] },
    ];
    assert_eq!(grants.findings(), expected);
    assert!(!grants.wants(one) && !grants.wants(entitlement) && !grants.wants(EntitlementNumber(u32::MAX)));
}

#[test]
fn e5_ten_thousand_levels_are_no_limit() {
    const LEVELS: u32 = 10_000;
    let chain: Vec<_> = (0..LEVELS).map(|level| (level, level + 1)).collect();
    let given = Given { edges: deep(&chain), grants: users(&[(0, 50)]) };

    let told = expand(&given);

    assert_eq!(told.len(), LEVELS as usize);
    assert_eq!(told.last(), Some(&new(50, LEVELS, &[(LEVELS - 1, false)])));
}

#[test]
fn no_edges_no_changes() {
    let given = Given { edges: vec![], grants: users(&[(1, 50)]) };

    assert_eq!(expand(&given), []);
}
