use rstest::rstest;
use serde_json::json;

use super::*;
use crate::fixture::collection;

fn row(value: Value) -> Row {
    match value {
        Value::Object(members) => members,
        other => panic!("not a row: {other}"),
    }
}

// rule: privacy-requests R-7
#[test]
fn categories_match_by_whole_segments() {
    assert!(covers("user.contact", "user.contact"));
    assert!(covers("user.contact", "user.contact.email"));
    assert!(!covers("user.contact", "user.contact_preferences"));
    assert!(!covers("user.contact.email", "user.contact"));
}

// rule: privacy-requests 21.15
// rule: privacy-requests R-10
#[rstest]
#[case(&["a.b", "a.c"], json!({"a": [{"b": 1, "c": 2, "d": 3}, {"c": 4}, "x"], "z": 1}), Some(json!({"a": [{"b": 1, "c": 2}, {"c": 4}, "x"]})))]
#[case(&["a.b"], json!({"a": [{"d": 3}, {"b": 4}]}), Some(json!({"a": [{"b": 4}]})))]
#[case(&["a.b"], json!({"a": null}), Some(json!({"a": null})))]
#[case(&["a.b"], json!({"a": 5}), Some(json!({"a": 5})))]
#[case(&["a"], json!({"a": []}), None)]
#[case(&["a"], json!({"a": ""}), Some(json!({"a": ""})))]
#[case(&["a"], json!({"a": {"b": {"c": []}, "d": [{}, [1, {}]]}, "z": 1}), Some(json!({"a": {"d": [[1]]}})))]
#[case(&["a"], json!({"z": 1}), None)]
fn rows_keep_the_selected_paths_and_nothing_empty(
    #[case] paths: &[&str],
    #[case] before: Value,
    #[case] after: Option<Value>,
) {
    let selection = Selection::Fields(FieldTree::from_paths(paths.iter().copied()));

    let picked = selection.pick(row(before));

    assert_eq!(picked, after.map(row));
}

// rule: privacy-requests R-8
#[test]
fn a_targeted_collection_is_kept_whole() {
    let mut data = collection("A: id!system.operations");
    data.data_categories.push("user.behavior".into());

    let selection = Selection::of(&data, &["user".into()]);

    assert_eq!(selection, Selection::Whole);
    assert_eq!(selection.pick(row(json!({"id": 1, "e": {}}))), Some(row(json!({"id": 1, "e": {}}))));
}

// rule: privacy-requests R-9
#[test]
fn a_targeted_object_field_keeps_its_subtree_and_untargeted_collections_are_left_out() {
    let data = collection("A: id!system name.first name!user.name");

    let selection = Selection::of(&data, &["user.name".into()]);
    let picked = selection.pick(row(json!({"id": 1, "name": {"first": "Ana", "more": 2}})));

    assert_eq!(picked, Some(row(json!({"name": {"first": "Ana", "more": 2}}))));
    assert_eq!(Selection::of(&data, &["user.contact".into()]), Selection::Nothing);
}

// rule: privacy-requests R-11
#[test]
fn a_row_with_nothing_left_is_dropped() {
    let selection = Selection::of(&collection("A: id name!user.name"), &["user".into()]);

    assert_eq!(selection.pick(row(json!({"id": 1}))), None);
}
