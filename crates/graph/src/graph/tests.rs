use super::*;
use crate::fixture::{address, dataset};

// rule: privacy-requests 21.11
// rule: saas-config A47
// rule: saas-config 16.10
// rule: privacy-requests G-7
#[test]
fn references_to_missing_collections_are_named_all_at_once() {
    let data = dataset(&["A: email^email q<Q.email", "B: r-R.id"]);

    let error = Graph::build(&[data]).unwrap_err();

    let text = error.to_string();
    assert!(text.contains("Referenced object d:Q:email from dataset d does not exist"), "{text}");
    assert!(text.contains("d:R:id"), "{text}");
}

// rule: privacy-requests 21.12
// rule: saas-config A48
// rule: privacy-requests G-6
#[test]
fn a_reference_to_the_own_collection_is_refused() {
    let error = Graph::build(&[dataset(&["A: id parent<A.id"])]).unwrap_err();

    assert!(matches!(error, GraphError::SelfReference(_)));
    assert!(error.to_string().contains("self-reference not allowed"), "{error}");
}

// rule: privacy-requests 21.10
// rule: saas-config A50
// rule: saas-config 16.12
#[test]
fn a_circle_in_erase_after_names_its_members_only() {
    let mut data = dataset(&["A: id", "B: id", "C: id", "D: id"]);
    data.collections[0].erase_after.push(address("B"));
    data.collections[1].erase_after.push(address("A"));
    data.collections[2].erase_after.push(address("A"));

    let error = Graph::build(&[data]).unwrap_err();

    assert_eq!(error, GraphError::EraseAfterCycle { members: vec![address("A"), address("B")] });
    assert!(error.to_string().contains("created a cycle"), "{error}");
}

// rule: saas-config 16.12
#[test]
fn erase_after_without_a_circle_is_fine() {
    let mut data = dataset(&["A: id", "B: id"]);
    data.collections[0].erase_after.push(address("B"));

    assert!(Graph::build(&[data]).is_ok());
}

// rule: privacy-requests X-7
#[test]
fn erase_after_of_an_unknown_collection_is_refused() {
    let mut data = dataset(&["A: id"]);
    data.collections[0].erase_after.push(address("Q"));

    let error = Graph::build(&[data]).unwrap_err();

    assert_eq!(error, GraphError::EraseAfterMissing { collection: address("A"), missing: address("Q") });
}

#[test]
fn two_datasets_of_one_key_are_refused() {
    let error = Graph::build(&[dataset(&["A: id"]), dataset(&["B: id"])]).unwrap_err();

    assert_eq!(error, GraphError::DuplicateDataset { key: "d".into() });
}

// rule: privacy-requests G-4
#[test]
fn identity_kinds_are_those_of_any_field_nested_or_not() {
    let graph = Graph::build(&[dataset(&["A: email^email", "B: profile.phone^phone_number"])]).unwrap();

    assert_eq!(graph.identity_kinds().into_iter().collect::<Vec<_>>(), ["email", "phone_number"]);
}
