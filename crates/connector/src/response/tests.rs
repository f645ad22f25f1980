use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::fixture::read_request;

fn reply(status: u16, body: impl Into<Bytes>) -> HttpReply {
    HttpReply {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
        rate_limit_wait: std::time::Duration::ZERO,
    }
}

fn json_of(yaml: &str, body: &str) -> Result<Option<Value>, ResponseError> {
    read_json(&read_request(yaml), &reply(200, body.to_owned()))
}

// rule: saas-config 14.3
#[test]
fn no_content_is_an_answer_without_data() {
    let request = read_request("data_path: d");

    assert_eq!(read_json(&request, &reply(204, "")), Ok(None));
}

// rule: saas-config 14.4
#[rstest]
#[case::empty("", "an empty body")]
#[case::blank("  \n", "an empty body")]
#[case::html("<!DOCTYPE html><title>canary</title>", "a page of HTML or XML")]
#[case::text("canary", "something else")]
#[case::two_values("{} canary", "something else")]
fn body_that_is_no_json_is_malformed_and_never_shown(#[case] body: &str, #[case] kind: &str) {
    let error = json_of("path: /v1/people", body).unwrap_err();

    assert_eq!(error.reason(), IncompleteReason::Malformed);
    let text = error.to_string();
    assert!(text.contains(kind) && text.contains("`/v1/people`"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

// rule: saas-config 14.4
#[rstest]
#[case(r#"{"d": [{"id": 1}, {"id"#)]
#[case("[1, 2")]
#[case(r#"{"d": "canary"#)]
fn json_that_stops_in_its_middle_is_truncated(#[case] body: &str) {
    let error = json_of("data_path: d", body).unwrap_err();

    assert_eq!(error.reason(), IncompleteReason::Truncated);
    assert!(!error.to_string().contains("canary"), "{error}");
}

// rule: saas-config 14.4
#[test]
fn content_type_is_not_looked_at_and_a_byte_order_mark_is_skipped() {
    let mut with_type = reply(200, "\u{feff}{\"d\": 1}");
    with_type.headers.insert("content-type", "text/html".parse().unwrap());

    let json = read_json(&read_request("data_path: d"), &with_type);

    assert_eq!(json, Ok(Some(json!({"d": 1}))));
}

// rule: saas-config 14.5
// rule: segment-api A11
#[rstest]
#[case::present("d.users", r#"{"d": {"users": [1]}}"#, true)]
#[case::present_and_null("d.users", r#"{"d": {"users": null}}"#, true)]
#[case::list_without_position("d.0", r#"{"d": []}"#, true)]
#[case::missing("d.users", r#"{"d": {}}"#, false)]
#[case::null_on_the_way("d.users", r#"{"d": null, "errors": [{}]}"#, false)]
#[case::error_object("d.users", r#"{"errors": [{"type": "RequestError"}]}"#, false)]
#[case::empty_object("d", "{}", false)]
#[case::list("d", "[]", false)]
fn answer_without_the_expected_key_is_malformed_not_empty(
    #[case] data_path: &str,
    #[case] body: &str,
    #[case] accepted: bool,
) {
    let result = json_of(&format!("data_path: {data_path}"), body);

    match result {
        Ok(json) => assert!(accepted && json.is_some(), "{json:?}"),
        Err(error) => {
            assert!(!accepted, "{error}");
            assert_eq!(error.reason(), IncompleteReason::Malformed);
            assert!(error.to_string().contains(data_path), "{error}");
        }
    }
}

// rule: saas-config 14.5
#[test]
fn without_data_path_the_whole_answer_counts() {
    assert_eq!(json_of("method: GET", "{}"), Ok(Some(json!({}))));
}

// rule: saas-config 14.7
#[rstest]
#[case(json!(null), 0)]
#[case(json!([]), 0)]
#[case(json!({}), 0)]
#[case(json!(0), 0)]
#[case(json!(""), 0)]
#[case(json!(false), 0)]
#[case(json!([{"a": 1}, {}]), 2)]
#[case(json!({"a": 1}), 1)]
fn rows_are_objects_and_lists_of_objects(#[case] data: Value, #[case] count: usize) {
    assert_eq!(rows(data).unwrap().len(), count);
}

// rule: saas-config 14.7
#[rstest]
#[case(json!([{"a": 1}, "canary"]), "a list")]
#[case(json!([[{"a": 1}]]), "a list")]
#[case(json!([null]), "a list")]
#[case(json!("canary"), "a text")]
#[case(json!(7), "a number")]
#[case(json!(true), "a boolean")]
fn anything_else_is_an_error_without_the_value(#[case] data: Value, #[case] kind: &str) {
    let error = rows(data).unwrap_err();

    assert_eq!(error.reason(), IncompleteReason::Malformed);
    assert!(error.to_string().contains(kind), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

// rule: saas-config 14.8
#[test]
fn rows_stay_as_they_came_to_the_digit() {
    let text = r#"[{"b":1.10,"a":123456789012345678901234567890,"e":1E3},{"b":1.10},{"b":1.10}]"#;
    let json = json_of("method: GET", text).unwrap().unwrap();

    let rows = rows(json).unwrap();

    assert_eq!(serde_json::to_string(&rows).unwrap(), text.replace("1E3", "1e+3"));
}

proptest! {
    #[test]
    fn a_cut_json_text_is_never_taken_for_an_answer(length in 1_usize..40) {
        let whole = r#"{"d": [{"id": 1, "name": "Ana"}], "n": 0}"#;

        let cut = json_of("data_path: d", &whole[..length]);

        prop_assert_eq!(cut.unwrap_err().reason(), IncompleteReason::Truncated);
    }
}
