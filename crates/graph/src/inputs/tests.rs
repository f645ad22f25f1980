use serde_json::json;
use spec::dataset_file::DataKind;

use super::*;
use crate::fixture::{address, email, identities, node, typed};

fn row(value: Value) -> Row {
    match value {
        Value::Object(members) => members,
        other => panic!("not a row: {other}"),
    }
}

fn shown(inputs: &CollectedInputs) -> Value {
    let map = |pairs: &[(String, Vec<Value>)]| {
        Value::Object(
            pairs.iter().map(|(name, values)| (name.clone(), Value::from(values.clone()))).collect(),
        )
    };
    json!({"flat": map(&inputs.flat), "groups": inputs.groups.iter().map(|group| map(group)).collect::<Vec<_>>()})
}

// rule: saas-config 17.1
// rule: saas-config 17.3
// rule: privacy-requests P-1
#[test]
fn values_of_all_parent_rows_are_collected_without_repetition() {
    let node = node(&["A: email^email l.v", "B: x<A.l.v"], "B");
    let known = email();
    let mut collector = InputCollector::new(&node, &known);

    collector.add_row(&address("A"), row(json!({"l": {"v": [1, [2, 3], 0, null]}})));
    collector.add_row(&address("A"), row(json!({"l": [{"v": 5}, {"v": 5}, {"v": ""}]})));
    let inputs = collector.finish();

    // 0 is a value: the better side of the known defect.
    assert_eq!(shown(&inputs), json!({"flat": {"x": [1, 2, 3, 0, 5]}, "groups": []}));
}

// rule: saas-config 17.4
#[test]
fn a_name_without_values_is_absent() {
    let node = node(&["A: email^email", "B: x<A.id"], "B");
    let known = email();
    let mut collector = InputCollector::new(&node, &known);

    collector.add_row(&address("A"), row(json!({"other": 1})));

    assert_eq!(shown(&collector.finish()), json!({"flat": {}, "groups": []}));
}

// rule: saas-config 17.5
#[test]
fn an_identity_with_several_values_contributes_each() {
    let node = node(&["A: address^email"], "A");
    let known = identities(&[("email", json!("a@example.com")), ("email", json!("b@example.com"))]);

    let inputs = InputCollector::new(&node, &known).finish();

    assert_eq!(shown(&inputs)["flat"], json!({"address": ["a@example.com", "b@example.com"]}));
}

// rule: saas-config 17.6
// rule: privacy-requests P-6
#[test]
fn grouped_values_of_one_row_stay_together_with_the_identity() {
    let mut node = node(&["P: e^email", "B: org<P.org slug<P.slug q^email free^email"], "B");
    let mut collection = (*node.collection).clone();
    collection.grouped_inputs = vec!["org".into(), "slug".into(), "q".into()];
    node.collection = collection.into();
    let known = identities(&[("email", json!("e"))]);
    let mut collector = InputCollector::new(&node, &known);

    for slug in ["a", "b", "a"] {
        collector.add_row(&address("P"), row(json!({"org": "o1", "slug": slug})));
    }
    collector.add_row(&address("P"), row(json!({"org": "o2"})));
    let inputs = collector.finish();

    assert_eq!(
        shown(&inputs),
        json!({
            // An ungrouped identity keeps its values: the better side of the known defect.
            "flat": {"free": ["e"]},
            "groups": [
                {"org": ["o1"], "slug": ["a"], "q": ["e"]},
                {"org": ["o1"], "slug": ["b"], "q": ["e"]},
                {"org": ["o2"], "slug": [], "q": ["e"]},
            ]
        })
    );
}

// rule: privacy-requests X-4
#[test]
fn parents_are_read_in_the_order_of_their_addresses_with_the_identities_in_place() {
    let node = node(&["A: e^email id", "b: e^email id", "Z: x<b.id x<A.id x^email"], "Z");
    let known = identities(&[("email", json!("root"))]);
    let mut collector = InputCollector::new(&node, &known);

    let parents: Vec<_> = node.parents().into_iter().cloned().collect();
    for parent in &parents {
        collector.add_row(parent, row(json!({"id": parent.collection()})));
    }

    assert_eq!(parents, [address("A"), address("b")]);
    assert_eq!(shown(&collector.finish())["flat"], json!({"x": ["root", "A", "b"]}));
}

// rule: privacy-requests P-7
// rule: privacy-requests D-15
#[test]
fn usable_inputs_are_converted_and_those_that_cannot_be_are_named() {
    let mut node = node(&["A: email^email", "B: n<A.n t<A.t u<A.u"], "B");
    let mut collection = (*node.collection).clone();
    for field in &mut collection.fields {
        field.data_type = (field.name != "u").then(|| typed(DataKind::Integer));
    }
    node.collection = collection.into();
    let known = email();
    let mut collector = InputCollector::new(&node, &known);
    collector.add_row(&address("A"), row(json!({"n": ["1", 1, "x"], "t": ["x", "y"], "u": "x"})));

    let inputs = collector.finish();
    let (usable, unusable) = inputs.usable(&node);

    let usable: Vec<_> = usable.into_iter().map(|input| (input.path, input.values)).collect();
    assert_eq!(usable, [("n".to_owned(), vec![json!(1)]), ("u".to_owned(), vec![json!("x")])]);
    assert_eq!(unusable, [UnusableInput { path: "t".into(), received: 2 }]);
}
