use rstest::rstest;
use serde_json::json;
use spec::dataset_file::{DataKind, DataType};

use super::*;
use crate::TraversalNode;
use crate::fixture::node;

/// A collection whose fields at `paths` take values from elsewhere.
fn fed(paths: &[&str]) -> TraversalNode {
    let fields: Vec<String> = paths.iter().map(|path| format!("{path}<A.id")).collect();
    node(&["A: email^email id", &format!("B: {}", fields.join(" "))], "B")
}

fn filter(node: &TraversalNode, inputs: &[(&str, Value)]) -> RowFilter {
    let flat = inputs.iter().map(|(path, values)| ((*path).to_owned(), values.as_array().unwrap().clone()));
    RowFilter::new(node, &CollectedInputs { flat: flat.collect(), groups: vec![] })
}

fn row(value: &Value) -> Row {
    value.as_object().unwrap().clone()
}

// rule: privacy-requests 21.14
// rule: privacy-requests F-6
// rule: privacy-requests F-3
// rule: privacy-requests F-4
// rule: saas-config 19.13
#[rstest]
#[case::untouched_where_nothing_matches(
    &[("A", json!([9])), ("C.D", json!([5]))],
    json!({"A": [1, 2, 3], "C": [{"D": 3}, {"D": 5}]}),
    json!({"A": [1, 2, 3], "C": [{"D": 5}]}),
    json!({"A": [1, 2, 3], "C": [DO_NOT_MASK, {"D": 5}]})
)]
#[case::only_the_path_asked_for(
    &[("A", json!([2]))],
    json!({"A": [1, 2, 3], "C": [{"D": 3}, {"D": 5}]}),
    json!({"A": [2], "C": [{"D": 3}, {"D": 5}]}),
    json!({"A": [DO_NOT_MASK, 2, DO_NOT_MASK], "C": [{"D": 3}, {"D": 5}]})
)]
#[case::matches_of_all_paths_are_united(
    &[("A.x", json!([1])), ("A.y", json!([6]))],
    json!({"A": [{"x": [1, 2], "y": 5}, {"x": [3], "y": 6}]}),
    json!({"A": [{"x": [1], "y": 5}, {"x": [3], "y": 6}]}),
    json!({"A": [{"x": [1, DO_NOT_MASK], "y": 5}, {"x": [3], "y": 6}]})
)]
#[case::an_element_that_one_path_matches_stays_whatever_another_says(
    &[("A", json!([1])), ("A.z", json!([9]))],
    json!({"A": [1, 2, {"z": 9}, {"z": 8}]}),
    json!({"A": [1, {"z": 9}]}),
    json!({"A": [1, DO_NOT_MASK, {"z": 9}, DO_NOT_MASK]})
)]
#[case::arrays_in_arrays(
    &[("A", json!([3]))],
    json!({"A": [[1, 3], [2]]}),
    json!({"A": [[3]]}),
    json!({"A": [[DO_NOT_MASK, 3], DO_NOT_MASK]})
)]
#[case::texts_never_equal_numbers(
    &[("A", json!([1]))],
    json!({"A": ["1", 2]}),
    json!({"A": ["1", 2]}),
    json!({"A": ["1", 2]})
)]
#[case::true_equals_one(
    &[("A", json!([true]))],
    json!({"A": [1, 2, 3]}),
    json!({"A": [1]}),
    json!({"A": [1, DO_NOT_MASK, DO_NOT_MASK]})
)]
#[case::scalars_are_never_changed(
    &[("A", json!([2]))],
    json!({"A": 5, "B": [1]}),
    json!({"A": 5, "B": [1]}),
    json!({"A": 5, "B": [1]})
)]
fn elements_that_match_nothing_go_and_their_places_are_kept_for_erasure(
    #[case] inputs: &[(&str, Value)],
    #[case] before: Value,
    #[case] access: Value,
    #[case] erasure: Value,
) {
    let paths: Vec<_> = inputs.iter().map(|(path, _)| *path).collect();
    let filter = filter(&fed(&paths), inputs);

    assert_eq!(filter.access_row(row(&before)), row(&access));
    assert_eq!(filter.erasure_row(row(&before)), row(&erasure));
}

// rule: privacy-requests F-1
#[test]
fn a_field_that_returns_all_elements_keeps_them() {
    let mut node = fed(&["A", "C.D", "C.E"]);
    let mut collection = (*node.collection).clone();
    collection.fields[0].return_all_elements = true;
    collection.fields[1].fields[0].return_all_elements = true;
    node.collection = collection.into();
    let before = json!({"A": [1, 2], "C": [{"D": 1, "E": 1}, {"E": 2}]});

    let filter = filter(&node, &[("A", json!([1])), ("C.D", json!([1])), ("C.E", json!([1]))]);

    assert_eq!(filter.access_row(row(&before)), row(&before));
}

// rule: saas-config 19.13
#[test]
fn inputs_are_cast_to_the_type_of_their_field_before_they_are_compared() {
    let mut node = fed(&["A"]);
    let mut collection = (*node.collection).clone();
    collection.fields[0].data_type = Some(DataType { kind: DataKind::Integer, is_array: true });
    node.collection = collection.into();

    let cast = filter(&node, &[("A", json!(["2"]))]);
    let unusable = filter(&node, &[("A", json!(["x"]))]);

    assert_eq!(cast.access_row(row(&json!({"A": [1, 2]}))), row(&json!({"A": [2]})));
    assert_eq!(unusable.access_row(row(&json!({"A": [1, 2]}))), row(&json!({"A": [1, 2]})));
    assert_eq!(unusable.unusable().len(), 1);
}

// rule: saas-config 19.13
#[test]
fn a_param_filters_an_array_of_its_name_by_the_identity() {
    let node = node(&["person: email^email"], "person");
    let filter = filter(&node, &[("email", json!(["jo@x.test"]))]);

    let kept = filter.access_row(row(&json!({"id": 7, "email": ["jo@x.test", "b@x"]})));

    assert_eq!(kept, row(&json!({"id": 7, "email": ["jo@x.test"]})));
}

// rule: privacy-requests F-5
#[test]
fn a_kept_row_gives_the_access_form_and_the_row_as_received() {
    let node = fed(&["A"]);
    let filter = filter(&node, &[("A", json!([2]))]);
    let (mixed, own) = (row(&json!({"A": [1, 2, 3], "b": 1})), row(&json!({"A": [2]})));

    let kept = filter.kept_row(mixed.clone());

    assert_eq!(kept["A"], json!([2]), "others are read with the person's values only");
    assert_eq!(RowFilter::received(kept), mixed);
    assert_eq!(filter.kept_row(own.clone()), own, "nothing is kept twice");
    assert_eq!(RowFilter::received(own.clone()), own);
}

#[rstest]
#[case(r#"{"A":[1]}"#, true)]
#[case(r#"{"\u0041":[1]}"#, true)]
#[case(r#"{"B":{"A":2},"C":[1]}"#, true)]
#[case(r#"{"A":1}"#, false)]
#[case(r#"{"B":[1]}"#, false)]
fn text_in_which_nothing_may_change_is_known(#[case] text: &str, #[case] expected: bool) {
    let node = fed(&["A"]);
    let filter = filter(&node, &[("A", json!([9]))]);

    assert_eq!(filter.may_change_text(text), expected);
    assert!(!RowFilter::default().may_change_text(text));
}
