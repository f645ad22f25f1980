use rstest::rstest;

use super::*;
use crate::entitlement_graph::{Depth, Edge};
use crate::number::ResourceTypeNumber;

mod laws;
mod oracle;

const USER: u32 = 0;
const GROUP: u32 = 1;

/// Edges as (source, destination, depth, types), grants as (entitlement, principal); entitlement
/// `e` is on resource `100 + e / 2`, a group, and principals below 100 are of type `number % 3`.
#[derive(Clone, Debug, Default)]
struct Given {
    edges: Vec<(u32, u32, Depth, Vec<u32>)>,
    grants: Vec<(u32, u32)>,
}

const ENTITLEMENTS: u32 = 20;

fn type_of(principal: u32) -> u32 {
    if principal < 100 { principal % 3 } else { GROUP }
}

fn build(given: &Given) -> AccessGraph {
    let mut builder = AccessGraphBuilder::new();
    let greatest = given.edges.iter().flat_map(|edge| [edge.0, edge.1]).max().unwrap_or_default();
    for entitlement in 0..ENTITLEMENTS.max(greatest + 1) {
        let resource = ResourceNumber(100 + entitlement / 2);
        builder.entitlement(EntitlementNumber(entitlement), resource);
        builder.resource(resource, ResourceTypeNumber(GROUP));
    }
    for principal in 0..100 {
        builder.resource(ResourceNumber(principal), ResourceTypeNumber(type_of(principal)));
    }
    for (source, destination, depth, types) in &given.edges {
        let types: Vec<_> = types.iter().copied().map(ResourceTypeNumber).collect();
        builder.edge(Edge {
            source: EntitlementNumber(*source),
            destination: EntitlementNumber(*destination),
            depth: *depth,
            principal_types: &types,
        });
    }
    for (entitlement, principal) in &given.grants {
        builder.grant(EntitlementNumber(*entitlement), ResourceNumber(*principal));
    }
    builder.build()
}

fn deep(edges: &[(u32, u32)], grants: &[(u32, u32)]) -> Given {
    let edges = edges.iter().map(|(source, destination)| (*source, *destination, Depth::Deep, vec![]));
    Given { edges: edges.collect(), grants: grants.to_vec() }
}

fn holders(graph: &AccessGraph, target: Target, limit: usize) -> (Vec<(u32, u32, Held)>, bool) {
    let found = graph.holders(&HolderQuery { target, principal_types: &[], limit });
    let plain = |holder: &Holder| (holder.principal.0, holder.entitlement.0, holder.held);
    (found.items.iter().map(plain).collect(), found.more)
}

fn access(graph: &AccessGraph, principal: u32, limit: usize) -> (Vec<(u32, Held)>, bool) {
    let found = graph.access(&AccessQuery { principal: ResourceNumber(principal), limit });
    (found.items.iter().map(|access| (access.entitlement.0, access.held)).collect(), found.more)
}

fn paths(graph: &AccessGraph, principal: u32, target: Target, limit: usize) -> (Vec<String>, bool) {
    let found = graph.paths(&PathQuery { principal: ResourceNumber(principal), target, limit });
    let text = |path: &AccessPath| path.sentence("p", |entitlement| entitlement.0.to_string());
    (found.items.iter().map(text).collect(), found.more)
}

fn entitlement(number: u32) -> Target {
    Target::Entitlement(EntitlementNumber(number))
}

const ALL: usize = usize::MAX;

#[rstest]
#[case::direct(deep(&[], &[(8, 3)]), &["p → 8"])]
#[case::through_a_group(deep(&[(0, 8)], &[(0, 3)]), &["p → 0 → 8"])]
#[case::gra2_direct_beside_inherited(deep(&[(0, 8)], &[(0, 3), (8, 3)]), &["p → 8", "p → 0 → 8"])]
#[case::nested_groups(deep(&[(0, 2), (2, 8)], &[(0, 3)]), &["p → 0 → 2 → 8"])]
#[case::two_groups(deep(&[(0, 8), (2, 8)], &[(0, 3), (2, 3)]), &["p → 0 → 8", "p → 2 → 8"])]
#[case::diamond(
    deep(&[(0, 2), (0, 4), (2, 8), (4, 8)], &[(0, 3)]),
    &["p → 0 → 2 → 8", "p → 0 → 4 → 8"]
)]
#[case::shortest_first(
    deep(&[(0, 2), (2, 4), (4, 8), (0, 8)], &[(0, 3)]),
    &["p → 0 → 8", "p → 0 → 2 → 4 → 8"]
)]
#[case::through_a_circle_once(
    deep(&[(0, 2), (2, 4), (4, 0), (4, 8)], &[(0, 3)]),
    &["p → 0 → 4 (a circle of 0, 2, 4) → 8"]
)]
#[case::target_in_a_circle(deep(&[(0, 8), (8, 0)], &[(0, 3)]), &["p → 0 → 8 (a circle of 0, 8)"])]
#[case::two_ways_out_of_a_circle(
    deep(&[(0, 2), (2, 0), (0, 8), (2, 8)], &[(0, 3)]),
    &["p → 0 → 8", "p → 0 → 2 (a circle of 0, 2) → 8"]
)]
#[case::none(deep(&[(0, 6)], &[(0, 3)]), &[])]
fn paths_are_told_shortest_first(#[case] given: Given, #[case] expected: &[&str]) {
    let graph = build(&given);

    let (found, more) = paths(&graph, 3, entitlement(8), ALL);

    assert_eq!(found, expected);
    assert!(!more);
}

#[test]
fn a_path_reads_as_a_sentence() {
    let graph = build(&deep(&[(0, 8)], &[(0, 3)]));
    let query = PathQuery { principal: ResourceNumber(3), target: entitlement(8), limit: 1 };
    let phrase = |entitlement: EntitlementNumber| match entitlement.0 {
        0 => "member of Growth".to_owned(),
        _ => "Source Admin on Website".to_owned(),
    };

    let found = graph.paths(&query);

    let path = found.items.first().unwrap();
    assert_eq!(path.sentence("ana", phrase), "ana → member of Growth → Source Admin on Website");
    let through = path.steps.first().unwrap().entitlement();
    assert_eq!(graph.resource_of(through), Some(ResourceNumber(100)));
    assert_eq!(graph.resource_of(EntitlementNumber(u32::MAX)), None);
}

#[test]
fn holders_of_a_resource_come_by_entitlement_and_direct_first() {
    let given = deep(&[(0, 8), (2, 0), (0, 9)], &[(8, 6), (9, 9), (0, 3), (2, 9), (2, 3), (8, 100)]);

    let (found, more) = holders(&build(&given), Target::Resource(ResourceNumber(104)), ALL);

    let expected = [
        (6, 8, Held::Directly),
        (100, 8, Held::Directly),
        (3, 8, Held::Inherited),
        (9, 8, Held::Inherited),
        (9, 9, Held::Directly),
        (3, 9, Held::Inherited),
    ];
    assert_eq!((found.as_slice(), more), (expected.as_slice(), false));
}

#[test]
fn holders_of_wanted_types_only() {
    let graph = build(&deep(&[(0, 8)], &[(8, 6), (8, 100), (0, 3), (0, 101)]));
    let principal_types = &[ResourceTypeNumber(USER)];
    let query = HolderQuery { target: entitlement(8), principal_types, limit: 2 };

    let found = graph.holders(&query);

    assert_eq!(found.items.iter().map(|holder| holder.principal.0).collect::<Vec<_>>(), [6, 3]);
    assert!(!found.more);
}

#[test]
fn limits_of_edges_hold() {
    let mut given = deep(&[(0, 2)], &[(0, 3), (0, 100), (2, 6)]);
    given.edges.push((2, 8, Depth::Shallow, vec![]));
    given.edges.push((0, 9, Depth::Deep, vec![USER]));
    let graph = build(&given);

    assert_eq!(holders(&graph, entitlement(8), ALL).0, [(6, 8, Held::Inherited)]);
    assert_eq!(holders(&graph, entitlement(9), ALL).0, [(3, 9, Held::Inherited)]);
    assert_eq!(access(&graph, 3, ALL).0, [(0, Held::Directly), (2, Held::Inherited), (9, Held::Inherited)]);
    assert_eq!(access(&graph, 100, ALL).0, [(0, Held::Directly), (2, Held::Inherited)]);
    assert_eq!(paths(&graph, 3, entitlement(8), ALL).0, [""; 0]);
    assert_eq!(paths(&graph, 6, entitlement(8), ALL).0, ["p → 2 → 8"]);
}

#[test]
fn a_shallow_edge_does_not_lead_a_path_back_to_its_start() {
    let mut given = deep(&[(2, 0), (0, 8), (2, 4), (4, 8)], &[(0, 3)]);
    given.edges.push((0, 2, Depth::Shallow, vec![]));

    let (found, more) = paths(&build(&given), 3, entitlement(8), ALL);

    assert_eq!(found, ["p → 0 → 8", "p → 0 → 2 → 4 → 8"]);
    assert!(!more);
}

#[test]
fn answers_say_whether_there_is_more() {
    let graph = build(&deep(&[(0, 8), (2, 8)], &[(0, 3), (2, 3), (8, 6)]));

    assert!(!holders(&graph, entitlement(8), 2).1);
    assert_eq!(holders(&graph, entitlement(8), 1), (vec![(6, 8, Held::Directly)], true));
    assert!(!access(&graph, 3, 3).1);
    assert!(access(&graph, 3, 2).1);
    assert!(!paths(&graph, 3, entitlement(8), 2).1);
    assert_eq!(paths(&graph, 3, entitlement(8), 1), (vec!["p → 0 → 8".to_owned()], true));
    assert_eq!(paths(&graph, 3, entitlement(8), 0), (vec![], true));
}

#[test]
fn numbers_that_were_never_given_reach_nothing() {
    let graph = build(&deep(&[(0, 8)], &[(0, 3)]));
    let nobody = u32::MAX - 1;

    assert_eq!(holders(&graph, entitlement(nobody), ALL), (vec![], false));
    assert_eq!(holders(&graph, Target::Resource(ResourceNumber(nobody)), ALL), (vec![], false));
    assert_eq!(access(&graph, nobody, ALL), (vec![], false));
    assert_eq!(paths(&graph, nobody, entitlement(8), ALL), (vec![], false));
}

#[test]
fn ten_thousand_levels_are_walked_without_recursion() {
    const LEVELS: u32 = 10_000;
    let chain: Vec<_> = (0..LEVELS).map(|level| (level, level + 1)).collect();
    let graph = build(&deep(&chain, &[(0, 3)]));
    let query = PathQuery { principal: ResourceNumber(3), target: entitlement(LEVELS), limit: 10 };

    let found = graph.paths(&query);

    assert_eq!(found.items.first().map(|path| path.steps.len()), Some(LEVELS as usize + 1));
    assert!(!found.more);
    assert_eq!(holders(&graph, entitlement(LEVELS), ALL).0, [(3, LEVELS, Held::Inherited)]);
    assert_eq!(access(&graph, 3, ALL).0.len(), LEVELS as usize + 1);
}

#[test]
fn a_ladder_of_countless_paths_costs_only_those_that_are_told() {
    // Two ways at each of 200 rungs: 2^200 paths, all of the same length.
    let rungs = (0..200).flat_map(|rung| {
        let at = rung * 3;
        [(at, at + 1), (at, at + 2), (at + 1, at + 3), (at + 2, at + 3)]
    });
    let graph = build(&deep(&rungs.collect::<Vec<_>>(), &[(0, 3)]));

    let (found, more) = paths(&graph, 3, entitlement(600), 100);

    assert_eq!(found.len(), 100);
    assert!(more);
}
