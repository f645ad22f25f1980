use rstest::rstest;
use serde_json::json;
use spec::reference::Direction;

use super::*;
use crate::fixture::{person, read_request};

struct World {
    identities: Identities,
    filter_values: HashMap<FieldReference, Vec<Value>>,
}

impl World {
    fn new() -> Self {
        let identities = person(&[("email", "Ana@example.com"), ("customer_id", "c7")]).identities;
        Self { identities, filter_values: HashMap::new() }
    }

    fn with_values(mut self, collection: &str, field: &str, values: &Value) -> Self {
        let reference = FieldReference {
            dataset: "acme".into(),
            collection: collection.into(),
            path: vec![field.into()],
            direction: Direction::From,
        };
        self.filter_values.insert(reference, values.as_array().unwrap().clone());
        self
    }

    fn apply(&self, steps: &str, data: Value) -> Result<Value, PostprocessorError> {
        let request = read_request(&format!("postprocessors: {steps}"));
        let context = PostprocessorContext {
            place: &request.place,
            collection: "things",
            identities: &self.identities,
            filter_values: &self.filter_values,
        };
        apply(&request.postprocessors, data, context)
    }

    fn filter(&self, configuration: &str, data: Value) -> Result<Value, PostprocessorError> {
        self.apply(&format!("[{{strategy: filter, configuration: {{{configuration}}}}}]"), data)
    }
}

fn apply_steps(steps: &str, data: Value) -> Value {
    World::new().apply(steps, data).unwrap()
}

fn filter(configuration: &str, data: Value) -> Value {
    World::new().filter(configuration, data).unwrap()
}

// rule: saas-config 14.6
// rule: saas-config 15.2
#[test]
fn steps_run_in_order_each_on_the_result_before() {
    let steps = "[{strategy: unwrap, configuration: {data_path: a}}, \
        {strategy: filter, configuration: {field: x, value: '2'}}, \
        {strategy: extract_for_execution_log, configuration: {}}]";

    let result = apply_steps(steps, json!([{"a": [{"x": "1"}]}, {"a": [{"x": "2"}]}]));

    assert_eq!(result, json!([{"x": "2"}]));
}

// rule: saas-config 15.1
#[test]
fn failure_names_strategy_and_collection_and_no_value() {
    let error = World::new().filter("field: x, value: 'a'", json!([{"x": {"canary": 1}}])).unwrap_err();

    let text = error.to_string();
    assert!(text.contains("`filter`") && text.contains("things"), "{text}");
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(error.reason(), IncompleteReason::Malformed);
}

// rule: saas-config 15.3
#[rstest]
#[case(json!([{"a": [{"x": 1}]}, {"a": [{"x": 2}]}, {}]), json!([{"x": 1}, {"x": 2}]))]
#[case(json!([{"a": {"x": 1}}, {"a": [[{"x": 2}]]}]), json!([{"x": 1}, [{"x": 2}]]))]
#[case(json!([{"a": null}, 7, "t"]), json!([]))]
#[case(json!({"a": {"x": 1}}), json!({"x": 1}))]
#[case(json!({"b": 1}), json!([]))]
#[case(json!({"a": null}), json!([]))]
#[case(json!(null), json!([]))]
#[case(json!("text"), json!([]))]
#[case(json!(7), json!([]))]
fn unwrap_takes_the_value_at_a_path(#[case] data: Value, #[case] expected: Value) {
    assert_eq!(apply_steps("[{strategy: unwrap, configuration: {data_path: a}}]", data), expected);
}

// rule: saas-config 15.4
#[rstest]
#[case::defaults("field: x, value: ab", json!([{"x": "ab"}]))]
#[case::substring("field: x, value: ab, exact: false", json!([{"x": "ab"}, {"x": "cabd"}]))]
#[case::any_case("field: x, value: aB, case_sensitive: false", json!([{"x": "ab"}, {"x": "AB"}]))]
#[case::both("field: x, value: aB, exact: false, case_sensitive: false", json!([{"x": "ab"}, {"x": "AB"}, {"x": "cabd"}]))]
fn filter_compares_whole_or_part_and_case(#[case] configuration: &str, #[case] expected: Value) {
    let data = json!([{"x": "ab"}, {"x": "AB"}, {"x": "cabd"}, {"x": "z"}]);

    assert_eq!(filter(configuration, data), expected);
}

// rule: saas-config 15.4
#[rstest]
#[case("STRASSE", "straße")]
#[case("straße", "STRASSE")]
#[case("ΟΔΟΣ", "οδος")]
#[case("ﬁn", "FIN")]
fn case_is_folded_as_unicode_says(#[case] wanted: &str, #[case] target: &str) {
    let row = json!([{"x": target}]);

    assert_eq!(filter(&format!("field: x, value: '{wanted}', case_sensitive: false"), row.clone()), row);
    assert_eq!(filter(&format!("field: x, value: '{wanted}'"), row), json!([]));
}

// rule: saas-config 15.5
#[rstest]
#[case(json!(null))]
#[case(json!([]))]
#[case(json!({}))]
#[case(json!(0))]
fn filter_of_nothing_is_nothing(#[case] data: Value) {
    assert_eq!(filter("field: x, value: a", data), json!([]));
}

// rule: saas-config 15.5
#[test]
fn filter_takes_identities_and_values_read_before() {
    let world = World::new().with_values("users", "id", &json!(["u1", "u2", ""])).with_values(
        "none",
        "id",
        &json!([]),
    );
    let mail = json!([{"x": "ana@EXAMPLE.com"}, {"x": "ben@example.com"}]);
    let users = json!([{"u": "u2"}, {"u": "u3"}, {"u": ""}]);

    let by_mail = world.filter("field: x, value: {identity: email}, case_sensitive: false", mail.clone());
    let by_phone = world.filter("field: x, value: {identity: phone_number}", mail);
    let by_user = world.filter("field: u, value: {dataset_reference: acme.users.id}", users.clone());
    let by_nobody =
        world.filter("field: u, value: {dataset_reference: acme.none.id}, exact: false", users.clone());
    let unread = world.filter("field: u, value: {dataset_reference: acme.orders.id}", users).unwrap_err();

    assert_eq!(by_mail.unwrap(), json!([{"x": "ana@EXAMPLE.com"}]));
    assert_eq!(by_phone.unwrap(), json!([]));
    assert_eq!(by_user.unwrap(), json!([{"u": "u2"}]));
    assert_eq!(by_nobody.unwrap(), json!([]));
    assert!(unread.to_string().contains("acme.orders.id"), "{unread}");
}

#[test]
fn empty_value_read_before_does_not_match_everybody() {
    let world = World::new().with_values("users", "name", &json!([""]));
    let everybody = json!([{"x": "Ana"}, {"x": "Ben"}]);

    let kept = world.filter("field: x, value: {dataset_reference: acme.users.name}, exact: false", everybody);

    assert_eq!(kept.unwrap(), json!([]));
}

// rule: saas-config 15.5
#[test]
fn filter_keeps_an_object_that_matches_and_drops_one_that_does_not() {
    assert_eq!(filter("field: x, value: a", json!({"x": "a", "y": 1})), json!({"x": "a", "y": 1}));
    assert_eq!(filter("field: x, value: a", json!({"x": "b"})), json!([]));
    assert!(World::new().filter("field: x, value: a", json!("text")).is_err());
}

// rule: saas-config 15.6
#[rstest]
#[case("orgs.members.email", json!({"orgs": [{"members": [{"email": "a"}, {"email": "z"}]}, {"members": []}]}), true)]
#[case("orgs.members.email", json!({"orgs": [{"members": [{"email": "z"}]}, {"members": [{"email": "a"}]}]}), true)]
#[case("orgs.members.email", json!({"orgs": [{"members": [{"email": "z"}]}]}), false)]
#[case("a.b", json!({"a": "a"}), true)]
#[case("a.b", json!({"a": null}), false)]
#[case("a.b", json!({"a": {"b": ["a", "z"]}}), true)]
fn filter_enters_objects_and_lists(#[case] field: &str, #[case] row: Value, #[case] kept: bool) {
    let expected = if kept { json!([row]) } else { json!([]) };

    assert_eq!(filter(&format!("field: {field}, value: a"), json!([row])), expected);
}

// rule: saas-config 15.7
#[rstest]
#[case::null(json!(null), false)]
#[case::text(json!("5"), true)]
#[case::integer_is_no_text(json!(5), false)]
#[case::boolean(json!(true), false)]
#[case::texts(json!(["4", "5"]), true)]
#[case::integers(json!([4, 5]), false)]
fn text_matches_texts_only(#[case] target: Value, #[case] kept: bool) {
    let data = json!([{"x": target}]);
    let expected = if kept { data.clone() } else { json!([]) };

    assert_eq!(filter("field: x, value: '5'", data), expected);
}

// rule: saas-config 15.7
#[rstest]
#[case::integer(json!(1), true)]
#[case::boolean_counts_as_integer(json!(true), true)]
#[case::integers(json!([7, 1]), true)]
#[case::other(json!(2), false)]
#[case::text(json!("1"), false)]
fn integer_matches_integers_only(#[case] target: Value, #[case] kept: bool) {
    let world = World::new().with_values("users", "id", &json!([1, 9]));
    let data = json!([{"x": target}]);
    let expected = if kept { data.clone() } else { json!([]) };

    assert_eq!(world.filter("field: x, value: {dataset_reference: acme.users.id}", data).unwrap(), expected);
}

// rule: saas-config 15.7
#[rstest]
#[case(json!(1.5))]
#[case(json!({"a": 1}))]
#[case(json!(["a", 1]))]
#[case(json!(["a", null]))]
#[case(json!([1.5]))]
fn target_that_cannot_be_compared_is_an_error(#[case] target: Value) {
    assert!(World::new().filter("field: x, value: a", json!([{"x": target}])).is_err());
}

// rule: saas-config 15.7
#[test]
fn wanted_values_of_mixed_kinds_are_an_error() {
    let world = World::new().with_values("users", "id", &json!([1, "a"]));

    let error =
        world.filter("field: x, value: {dataset_reference: acme.users.id}", json!([{"x": 1}])).unwrap_err();

    assert!(error.to_string().contains("mixed kinds"), "{error}");
}

// rule: saas-config 15.8
#[test]
fn element_without_the_field_is_dropped_alone_and_an_empty_list_does_not_match() {
    let data = json!([{"x": "a", "n": 1}, {"y": "a"}, {"x": []}, {"x": "a", "n": 2}]);

    assert_eq!(filter("field: x, value: a", data), json!([{"x": "a", "n": 1}, {"x": "a", "n": 2}]));
}

// rule: saas-config 15.8
// rule: saas-config 10.6
#[rstest]
#[case("customer_id")]
#[case("customer_id.value")]
fn custom_identity_is_its_plain_value(#[case] kind: &str) {
    let data = json!([{"x": "c7"}, {"x": "c8"}]);

    assert_eq!(filter(&format!("field: x, value: {{identity: {kind}}}"), data), json!([{"x": "c7"}]));
}

// rule: saas-config 15.9
#[rstest]
#[case::path("{path: m.t}", Some("done"))]
#[case::number("{path: m.n}", Some("1.10"))]
#[case::object("{path: m.o}", Some(r#"{"a": 1}"#))]
#[case::missing("{path: m.x}", None)]
#[case::null("{path: m.z}", None)]
fn message_is_taken_from_the_raw_answer(#[case] configuration: &str, #[case] expected: Option<&str>) {
    let steps =
        format!("postprocessors: [{{strategy: extract_for_execution_log, configuration: {configuration}}}]");
    let body = r#"{"m": {"t": "  done \n", "n": 1.10, "o": {"a": 1}, "z": null}, "d": []}"#;
    let json: Value = serde_json::from_str(body).unwrap();

    let found = messages(&read_request(&steps).postprocessors, body.as_bytes(), Some(&json));

    assert_eq!(found.first().map(String::as_str), expected);
}

// rule: saas-config 15.9
#[test]
fn message_without_path_is_the_whole_body_and_never_fails() {
    let steps = read_request("postprocessors: [{strategy: extract_for_execution_log, configuration: {}}]");
    let at_path =
        read_request("postprocessors: [{strategy: extract_for_execution_log, configuration: {path: a}}]");

    assert_eq!(messages(&steps.postprocessors, b" plain \xff text\n", None), ["plain \u{fffd} text"]);
    assert!(messages(&steps.postprocessors, b"  ", None).is_empty());
    assert!(messages(&at_path.postprocessors, b"no json", None).is_empty());
}
