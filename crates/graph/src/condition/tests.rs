use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn tree(document: &Value) -> ConditionTree {
    ConditionTree::parse(document).unwrap()
}

fn truth(operator: &str, found: &Found, value: &Value) -> Truth {
    ConditionOperator::find(operator).unwrap().holds(found, value)
}

// rule: privacy-requests POL-14
#[rstest]
#[case("eq", json!(["DE"]), json!("DE"), true)]
#[case("eq", json!(["DE", "FR"]), json!("FR"), true)]
#[case("eq", json!([1]), json!(1.0), true)]
#[case("eq", json!([1]), json!("1"), false)]
#[case("neq", json!(["DE"]), json!("FR"), true)]
#[case("neq", json!(["DE", "FR"]), json!("FR"), false)]
#[case("lt", json!([1]), json!(2), true)]
#[case("lt", json!([2]), json!(2), false)]
#[case("lte", json!([2]), json!(2), true)]
#[case("gt", json!(["2026-01-02"]), json!("2026-01-01"), true)]
#[case("gte", json!([2.5]), json!(2), true)]
#[case("exists", json!([0]), Value::Null, true)]
#[case("exists", json!([]), Value::Null, false)]
#[case("exists", json!([null, ""]), Value::Null, false)]
#[case("not_exists", json!([]), Value::Null, true)]
#[case("not_exists", json!([false]), Value::Null, false)]
#[case("list_contains", json!([["a", "b"]]), json!("b"), true)]
#[case("list_contains", json!(["b"]), json!(["a", "b"]), true)]
#[case("not_in_list", json!(["c"]), json!(["a", "b"]), true)]
#[case("not_in_list", json!(["a"]), json!(["a", "b"]), false)]
#[case("list_intersects", json!([["a", "x"]]), json!(["x", "y"]), true)]
#[case("list_intersects", json!([["a"]]), json!(["x", "y"]), false)]
#[case("list_subset", json!([["a", "b"]]), json!(["a", "b", "c"]), true)]
#[case("list_subset", json!([["a", "z"]]), json!(["a", "b", "c"]), false)]
#[case("list_superset", json!([["a", "b"]]), json!(["a"]), true)]
#[case("list_superset", json!([["b"]]), json!(["a"]), false)]
#[case("list_disjoint", json!([["b"]]), json!(["a"]), true)]
#[case("list_disjoint", json!([["a"]]), json!(["a"]), false)]
#[case("starts_with", json!(["user@x"]), json!("user"), true)]
#[case("ends_with", json!(["user@x"]), json!("@x"), true)]
#[case("contains", json!(["user@x"]), json!("r@"), true)]
#[case("contains", json!(["user@x"]), json!("z"), false)]
fn operators_compare_all_values_that_were_collected(
    #[case] operator: &str,
    #[case] collected: Value,
    #[case] value: Value,
    #[case] expected: bool,
) {
    let found = Found::whole(collected.as_array().unwrap());

    assert_eq!(truth(operator, &found, &value), Truth::of(expected));
}

#[rstest]
#[case::no_values("eq", Found::whole([]), json!("DE"))]
#[case::none_of_them_seen("neq", Found::whole([]), json!("DE"))]
#[case::no_order("lt", Found::whole([&json!("a")]), json!(1))]
#[case::no_text("contains", Found::whole([&json!(12)]), json!("1"))]
#[case::there_may_be_more("not_exists", Found::unknown(), Value::Null)]
#[case::another_may_be_equal("neq", Found { values: vec![json!("FR")], is_whole: false }, json!("DE"))]
fn what_was_not_seen_is_not_known(#[case] operator: &str, #[case] found: Found, #[case] value: Value) {
    assert_eq!(truth(operator, &found, &value), Truth::Unknown);
}

#[test]
fn groups_say_which_of_their_parts_are_met_and_no_values() {
    let condition = tree(&json!({"logical_operator": "or", "conditions": [
        {"field_address": "shop:customers:country", "operator": "eq", "value": "canary"},
        {"logical_operator": "and", "conditions": [
            {"field_address": "shop:orders:total", "operator": "gt", "value": 10},
            {"field_address": "crm:notes:text", "operator": "exists"},
        ]},
    ]}));
    let found = |address: &str| match address {
        "shop:customers:country" => Found::whole([&json!("canary-value")]),
        "shop:orders:total" => Found::whole([&json!(11)]),
        _ => Found::unknown(),
    };

    let Evaluation { truth, text } = condition.evaluate(&found);

    assert_eq!(truth, Truth::Unknown);
    let expected = "(`shop:customers:country` eq: not met or (`shop:orders:total` gt: met and `crm:notes:text` exists: not known))";
    assert_eq!(text, expected);
    assert_eq!(condition.addresses().len(), 3);
}

#[rstest]
#[case(json!([]), json!([]))]
#[case(json!({"logical_operator": "xor", "conditions": [{}]}), json!(["logical_operator"]))]
#[case(json!({"logical_operator": "and", "conditions": []}), json!(["conditions"]))]
#[case(json!({"logical_operator": "and", "conditions": [{"operator": "eq", "value": 1}]}), json!(["conditions", 0, "field_address"]))]
#[case(json!({"field_address": "a:b:c", "operator": "like", "value": 1}), json!(["operator"]))]
#[case(json!({"field_address": "a:b:c", "operator": "eq"}), json!(["value"]))]
#[case(json!({"field_address": "a:b:c", "operator": "lt", "value": true}), json!(["value"]))]
#[case(json!({"field_address": "a:b:c", "operator": "list_subset", "value": []}), json!(["value"]))]
#[case(json!({"field_address": "a:b:c", "operator": "exists", "value": 1}), json!(["value"]))]
#[case(json!({"field_address": "a:b:c", "operator": "eq", "value": 1, "x": 1}), json!(["x"]))]
fn what_is_no_condition_is_refused_with_its_place(#[case] document: Value, #[case] place: Value) {
    let fault = ConditionTree::parse(&document).unwrap_err();

    assert_eq!(json!(fault.place), place);
}

#[test]
fn groups_within_groups_end() {
    let mut document = json!({"field_address": "a:b:c", "operator": "exists"});
    for _ in 0..20 {
        document = json!({"logical_operator": "and", "conditions": [document]});
    }

    assert!(ConditionTree::parse(&document).unwrap_err().text.contains("too deep"));
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..4_i64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[ab]{1,2}".prop_map(Value::from),
    ]
}

fn leaves() -> impl Strategy<Value = ConditionTree> {
    let operators = proptest::sample::select(ConditionOperator::ALL);
    (operators, "[xyz]", proptest::collection::vec(scalars(), 1..3)).prop_map(|(operator, name, values)| {
        let value = match operator.operand() {
            operator::Operand::None => Value::Null,
            operator::Operand::List => Value::Array(values),
            operator::Operand::Scalar | operator::Operand::Ordered | operator::Operand::Text => {
                values[0].clone()
            }
        };
        ConditionTree::Leaf(ConditionLeaf { field_address: name, operator, value })
    })
}

fn trees() -> impl Strategy<Value = ConditionTree> {
    leaves().prop_recursive(3, 12, 3, |inner| {
        let joined = prop_oneof![Just(ConditionJoin::And), Just(ConditionJoin::Or)];
        (joined, proptest::collection::vec(inner, 1..4))
            .prop_map(|(joined, conditions)| ConditionTree::Group { joined, conditions })
    })
}

fn one() -> impl Strategy<Value = Found> {
    (proptest::collection::vec(scalars(), 0..3), any::<bool>())
        .prop_map(|(values, is_whole)| Found { values, is_whole })
}

fn known() -> impl Strategy<Value = [Found; 3]> {
    [one(), one(), one()]
}

fn evaluated(tree: &ConditionTree, known: &[Found; 3]) -> Truth {
    let find = |address: &str| match address {
        "x" => known[0].clone(),
        "y" => known[1].clone(),
        _ => known[2].clone(),
    };
    tree.evaluate(&find).truth
}

proptest! {
    /// Where nothing is known nothing is met, whatever the condition.
    #[test]
    fn what_is_unknown_is_never_met(tree in trees()) {
        prop_assert_eq!(tree.evaluate(&|_| Found::unknown()).truth, Truth::Unknown);
    }

    /// What is met or not met stays so, whatever else there is to be seen.
    #[test]
    fn a_decision_does_not_change_when_more_is_seen(
        tree in trees(),
        known in known(),
        more in proptest::collection::vec(scalars(), 0..3),
        at in 0..3_usize,
    ) {
        let before = evaluated(&tree, &known);
        let mut later = known;
        if !later[at].is_whole {
            later[at].values.extend(more);
        }

        let after = evaluated(&tree, &later);

        prop_assert!(before == Truth::Unknown || after == before, "{before:?} {after:?}");
    }
}
