use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use spec::template::Template;

use super::*;

/// The values of one object, all from references.
fn values(object: &Value) -> ValueMap {
    values_from(object, Origin::Reference)
}

fn values_from(object: &Value, origin: Origin) -> ValueMap {
    let mut values = ValueMap::new();
    for (name, value) in object.as_object().unwrap() {
        values.insert(name.clone(), value.clone(), origin);
    }
    values
}

fn fill(template: &str, place: Place, object: &Value) -> Result<String, FillError> {
    Filler::new(&values(object)).fill(&Template::parse(template), place).map(|filled| filled.text)
}

// rule: saas-config 11.4
#[rstest]
#[case("/u/<id>/o/<oid>", json!({"id": 1, "oid": "a"}), "/u/1/o/a")]
#[case(r#"{"n": "<n?>"}"#, json!({}), r#"{"n": null}"#)]
#[case(r#"{"n": "<n?>"}"#, json!({"n": "x"}), r#"{"n": "x"}"#)]
#[case(r#"{<obj>, "k": <list>}"#, json!({"obj": {"a": 1}, "list": ["x"]}), r#"{"a": 1, "k": ["x"]}"#)]
#[case("v=<f>", json!({"f": false}), "v=false")]
#[case("v=<e>", json!({"e": ""}), "v=")]
#[case("<<a>>", json!({"a": "x"}), "<x>")]
#[case("", json!({}), "")]
fn templates_of_the_contract(#[case] template: &str, #[case] object: Value, #[case] expected: &str) {
    assert_eq!(fill(template, Place::Text, &object), Ok(expected.to_owned()));
}

// rule: saas-config 11.1
#[rstest]
#[case("a < b <x> c", "a < b 1 c")]
#[case("<>", "<>")]
#[case("<a b>", "2")]
fn a_placeholder_is_the_text_between_the_nearest_signs(#[case] template: &str, #[case] expected: &str) {
    assert_eq!(fill(template, Place::Text, &json!({"x": 1, "a b": 2})), Ok(expected.to_owned()));
}

// rule: saas-config 11.2
#[test]
fn a_final_question_mark_makes_it_optional_and_belongs_not_to_the_name() {
    assert_eq!(fill("<n?>", Place::Text, &json!({"n": "x"})), Ok("x".to_owned()));
    assert_eq!(fill("<n?>", Place::Text, &json!({"n?": "x"})), Ok(String::new()));
}

// rule: saas-config 11.4
// rule: saas-config 11.5
#[test]
fn required_placeholders_without_value_are_all_named() {
    let missing = fill("/u/<id>/o/<oid>/<x?>/<id>", Place::Path, &json!({"id": null}));

    assert_eq!(missing, Err(FillError::Missing { names: vec!["id".into(), "oid".into()] }));
}

// rule: saas-config 11.5
#[rstest]
#[case(Place::Path, "/u/<id?>", "/u/")]
#[case(Place::Query, "a<id?>b", "ab")]
#[case(Place::Header, "v<id?>", "v")]
#[case(Place::Json, r#"{"n": <id?>}"#, r#"{"n": null}"#)]
#[case(Place::Json, r#"{"n": "<id?>", "m": "x"}"#, r#"{"n": null, "m": "x"}"#)]
#[case(Place::Json, r#"{"n": "a <id?>", "m": "x"}"#, r#"{"n": "a ", "m": "x"}"#)]
fn optional_without_value_disappears_or_is_null_in_json(
    #[case] place: Place,
    #[case] template: &str,
    #[case] expected: &str,
) {
    assert_eq!(fill(template, place, &json!({})), Ok(expected.to_owned()));
}

// rule: saas-config 11.5
#[test]
fn filling_is_a_single_pass() {
    assert_eq!(fill("<a><b>", Place::Text, &json!({"a": "<b>", "b": "Z"})), Ok("<b>Z".to_owned()));
}

// rule: saas-config 11.5
#[rstest]
#[case("a/b", "/u/a%2Fb/x")]
#[case("a?b=1", "/u/a%3Fb%3D1/x")]
#[case("a#b", "/u/a%23b/x")]
#[case("100%", "/u/100%25/x")]
#[case("%2F", "/u/%252F/x")]
#[case("a&b+c:d", "/u/a%26b%2Bc%3Ad/x")]
#[case("ana@example.com", "/u/ana%40example.com/x")]
#[case("é b", "/u/%C3%A9%20b/x")]
#[case("o'brien\"\\", "/u/o%27brien%22%5C/x")]
#[case("...", "/u/.../x")]
fn a_path_value_stays_one_segment(#[case] value: &str, #[case] expected: &str) {
    assert_eq!(fill("/u/<v>/x", Place::Path, &json!({"v": value})), Ok(expected.to_owned()));
}

#[rstest]
#[case("")]
#[case(".")]
#[case("..")]
#[case("%2e%2e")]
#[case("%2E.")]
#[case(".%2e")]
#[case("%2e")]
#[case("%252e%252E")]
fn a_path_value_that_leads_elsewhere_is_refused(#[case] value: &str) {
    let refused = fill("/u/<v>/x", Place::Path, &json!({"v": value}));

    assert_eq!(refused, Err(FillError::PathValue { name: "v".into() }));
    assert!(fill("/u?q=<v>", Place::Path, &json!({"v": value})).is_ok(), "harmless in a query");
}

// rule: saas-config 13.2
#[rstest]
#[case("/u/a b/é?d=1&e=@:", "/u/a%20b/%C3%A9?d=1&e=@:")]
#[case("/u/%2F/50%/%zz", "/u/%2F/50%25/%25zz")]
#[case("/x[0]\\", "/x[0]%5C")]
fn fixed_text_of_a_path_keeps_reserved_characters(#[case] template: &str, #[case] expected: &str) {
    assert_eq!(fill(template, Place::Path, &json!({})), Ok(expected.to_owned()));
}

#[rstest]
#[case(Place::Path)]
#[case(Place::Query)]
#[case(Place::Header)]
#[case(Place::Plain)]
fn control_characters_are_refused(#[case] place: Place) {
    let refused = fill("/<v>", place, &json!({"v": "a\r\nX-Evil: 1"}));

    assert_eq!(refused, Err(FillError::Control { name: "v".into() }));
}

// rule: saas-config 11.5
#[test]
fn text_inside_json_quotes_is_escaped() {
    let object = json!({"v": "a\"b\\c\nd", "n": 12, "o": {"k": "x"}});

    let text = fill(r#"{"v": "<v>", "n": <n>, "s": "<n>", <o>}"#, Place::Json, &object).unwrap();

    let parsed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed, json!({"v": "a\"b\\c\nd", "n": 12, "s": "12", "k": "x"}));
}

// rule: saas-config 1.5
// rule: saas-config 11.5
#[rstest]
#[case(Origin::Reference, json!("7"), "7")]
#[case(Origin::Reference, json!("abc"), "\"abc\"")]
#[case(Origin::Reference, json!("1, \"admin\": true"), "\"1, \\\"admin\\\": true\"")]
#[case(Origin::Identity, json!({"$ne": null}), "\"$ne\": null")]
#[case(Origin::Identity, json!("{\"$ne\": null}"), "\"{\\\"$ne\\\": null}\"")]
#[case(Origin::Secret, json!("{\"a\": 1}"), "{\"a\": 1}")]
#[case(Origin::Secret, json!("\"a\": 1"), "\"a\": 1")]
#[case(Origin::Secret, json!("abc"), "\"abc\"")]
#[case(Origin::Reference, json!(true), "true")]
#[case(Origin::Reference, json!(123.50), "123.5")]
fn text_outside_json_quotes_stays_one_value(
    #[case] origin: Origin,
    #[case] value: Value,
    #[case] expected: &str,
) {
    let values = values_from(&json!({"v": value}), origin);

    let filled = Filler::new(&values).fill(&Template::parse("<v>"), Place::Json).unwrap();

    assert_eq!(filled.text, expected);
}

const ATTACK: &str = "x' OR Name LIKE '%";

/// Architecture §13.18: escaped for the language, or refused.
#[rstest]
#[case(
    "SELECT Id FROM Contact WHERE Email='<v>'",
    "SELECT Id FROM Contact WHERE Email='x'' OR Name LIKE ''%'"
)]
#[case("phone:'<v>'", "phone:'x\\' OR Name LIKE \\'%'")]
#[case("mail eq '<v>'", "mail eq 'x'' OR Name LIKE ''%'")]
#[case("{\"email\": \"<v>\"}", "{\"email\": \"x' OR Name LIKE '%\"}")]
#[case("don't <v>", "don't x' OR Name LIKE '%")]
#[case("<v>", ATTACK)]
fn quoted_query_is_escaped_for_its_language(#[case] template: &str, #[case] expected: &str) {
    assert_eq!(fill(template, Place::Query, &json!({"v": ATTACK})), Ok(expected.to_owned()));
}

#[test]
fn quote_in_a_query_of_an_unknown_language_is_refused_and_other_values_pass() {
    let template = "Name = '<v>'";

    let refused = fill(template, Place::Query, &json!({"v": ATTACK}));

    assert_eq!(refused, Err(FillError::Quoted { name: "v".into() }));
    assert!(!refused.unwrap_err().to_string().contains("LIKE"), "values stay out of messages");
    assert!(fill(template, Place::Query, &json!({"v": "back\\slash"})).is_err());
    assert_eq!(fill(template, Place::Query, &json!({"v": "ana"})), Ok("Name = 'ana'".to_owned()));
}

#[test]
fn soql_is_told_from_sql_by_the_path() {
    let values = values(&json!({"v": ATTACK}));
    let template = Template::parse("SELECT Id FROM Contact WHERE Email LIKE '<v>'");
    let path = Template::parse("/services/data/v54.0/query");

    let filled = Filler::new(&values).for_path(&path).fill(&template, Place::Query).unwrap();

    assert_eq!(filled.text, "SELECT Id FROM Contact WHERE Email LIKE 'x\\' OR Name LIKE \\'%'");
}

#[test]
fn backslash_cannot_undo_the_doubled_quote_of_sql() {
    let refused = fill("select a from b where c = '<v>'", Place::Query, &json!({"v": "\\' or 1=1 --"}));

    assert_eq!(refused, Err(FillError::Quoted { name: "v".into() }));
}

#[rstest]
#[case(r#"{"query": "{ user(email: \"<v>\") { id } }"}"#, "{ user(email: \"a\\\"b\\\\c\") { id } }")]
#[case(r#"{"query": "name:'<v>'"}"#, "name:'a\"b\\\\c'")]
fn query_inside_a_json_string_is_escaped_twice(#[case] template: &str, #[case] expected: &str) {
    let text = fill(template, Place::Json, &json!({"v": "a\"b\\c"})).unwrap();

    let parsed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["query"], expected);
}

#[test]
fn personal_values_are_collected_and_secrets_are_not() {
    let mut values = values(&json!({"id": [7, "seven"]}));
    values.insert("email", json!("ana@example.com"), Origin::Identity);
    values.insert("key", json!("k"), Origin::Secret);

    let filled = Filler::new(&values).fill(&Template::parse("<email> <key> <id>"), Place::Text).unwrap();

    assert_eq!(filled.personal, ["ana@example.com", "7", "seven"]);
    assert!(filled.secret && filled.identity);
}

proptest! {
    /// Whatever the value, the path keeps its segments and has no query.
    #[test]
    fn no_value_changes_the_shape_of_a_path(value in "\\PC{1,20}") {
        if let Ok(path) = fill("/a/<v>/b", Place::Path, &json!({"v": value})) {
            let url = url::Url::parse(&format!("https://api.example.com{path}")).unwrap();

            prop_assert_eq!(url.path_segments().unwrap().count(), 3);
            prop_assert!(url.query().is_none() && url.fragment().is_none());
            let segment = url.path_segments().unwrap().nth(1).unwrap();
            let decoded = percent_encoding::percent_decode_str(segment).decode_utf8().unwrap();
            prop_assert_eq!(decoded, value);
        }
    }

    /// Whatever the value, a JSON string stays that one string.
    #[test]
    fn no_value_leaves_its_json_string(value in ".*") {
        let text = fill(r#"{"v": "<v>", "w": 1}"#, Place::Json, &json!({"v": value})).unwrap();

        let parsed: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(parsed, json!({"v": value, "w": 1}));
    }

    /// Whatever the value, SQL with doubled quotes sees one literal.
    #[test]
    fn no_value_leaves_its_sql_literal(value in "[a-z'\\\\% ]{0,12}") {
        if let Ok(text) = fill("select a from b where c = '<v>'", Place::Query, &json!({"v": value})) {
            let literal = text.strip_prefix("select a from b where c = '").unwrap().strip_suffix('\'').unwrap();

            prop_assert_eq!(literal.replace("''", "").matches('\'').count(), 0);
            prop_assert!(!literal.contains('\\'));
        }
    }
}
