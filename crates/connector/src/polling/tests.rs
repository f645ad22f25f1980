#![expect(clippy::too_many_arguments, reason = "each is a part of one answer")]

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use rstest::rstest;
use serde_json::json;
use spec::connector_file::AsyncConfig;

use super::*;
use crate::fixture;

fn polling(rest: &str) -> Polling {
    let request = fixture::read_request(&format!(
        "correlation_id_path: job.id\nasync_config:\n  strategy: polling\n  configuration:\n    \
         status_request: {{path: /jobs/<correlation_id>, method: GET, status_path: state, status_completed_value: 1}}\n    \
         result_request: {{path: /x, method: GET{rest}}}\n    failed_values: [FAILED]\n    empty_values: [NONE, 7]"
    ));
    match request.async_config {
        Some(AsyncConfig::Polling(polling)) => *polling,
        other => panic!("{other:?}"),
    }
}

fn reply(headers: &[(&str, &str)], body: &str) -> HttpReply {
    let header = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    let body = Bytes::copy_from_slice(body.as_bytes());
    HttpReply { status: 200, headers, body, rate_limit_wait: Duration::ZERO }
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

// rule: saas-config 1.7
// rule: saas-config 23.11
#[rstest]
#[case::complete(json!(1), PollingLook::Complete)]
#[case::by_value(json!(1.0), PollingLook::Complete)]
#[case::flag(json!(true), PollingLook::Complete)]
#[case::first_of_a_list(json!([1, 2]), PollingLook::Complete)]
#[case::text_is_no_number(json!("1"), PollingLook::Open { trouble: None })]
#[case::another(json!(2), PollingLook::Open { trouble: None })]
#[case::failed(json!("FAILED"), PollingLook::Failed("FAILED".to_owned()))]
#[case::empty(json!(7), PollingLook::Empty)]
#[case::empty_list(json!([]), PollingLook::Open { trouble: None })]
fn only_a_state_that_the_file_names_ends_a_job(#[case] state: Value, #[case] expected: PollingLook) {
    let found = look(&polling(""), &reply(&[JSON], &json!({"state": state}).to_string()));

    assert_eq!(found, expected);
}

// rule: saas-config 23.9
#[rstest]
#[case::text(json!({"job": {"id": "a/b"}}), Some("a/b"))]
#[case::number(json!({"job": {"id": 12}}), Some("12"))]
#[case::zero(json!({"job": {"id": 0}}), None)]
#[case::empty(json!({"job": {"id": ""}}), None)]
#[case::object(json!({"job": {"id": {"x": 1}}}), None)]
#[case::missing(json!({"job": {}}), None)]
fn a_job_has_an_id_or_was_not_started(#[case] answer: Value, #[case] expected: Option<&str>) {
    let started = started_job(&polling(""), &reply(&[JSON], &answer.to_string()));

    assert_eq!(started.ok().as_deref(), expected);
}

fn rows_of(rest: &str, path: &str, reply: &HttpReply) -> Result<Value, String> {
    match result(&polling(rest), path, reply) {
        Ok(PolledResult::Rows(rows)) => Ok(rows),
        Ok(PolledResult::File(file)) => Ok(Value::Object(file.row())),
        Ok(PolledResult::Nothing) => Ok(Value::Null),
        Err(rejected) => Err(rejected.problem),
    }
}

// rule: saas-config 23.14
#[rstest]
#[case::list("", &[JSON], r#"[{"a": 1}]"#, "/x", json!([{"a": 1}]))]
#[case::one("", &[JSON], r#"{"a": 1}"#, "/x", json!({"a": 1}))]
#[case::at_its_path(", result_path: d.rows", &[JSON], r#"{"d": {"rows": []}}"#, "/x", json!([]))]
#[case::json_without_a_kind("", &[], r#"[{"a": 1}]"#, "/x", json!([{"a": 1}]))]
fn json_is_rows(
    #[case] rest: &str,
    #[case] headers: &[(&str, &str)],
    #[case] body: &str,
    #[case] path: &str,
    #[case] expected: Value,
) {
    assert_eq!(rows_of(rest, path, &reply(headers, body)), Ok(expected));
}

// rule: saas-config 23.14
// rule: saas-config 23.15
#[rstest]
#[case::csv(&[("content-type", "text/csv")], "/jobs/1/people", "people")]
#[case::csv_of_another_name(&[("content-type", "application/csv")], "/jobs/1/", "polling_result")]
#[case::disposition(&[JSON, ("content-disposition", "attachment; filename=all.json")], "/x", "all.json")]
#[case::encoded(&[JSON, ("content-disposition", "attachment; filename=a; filename*=UTF-8''%C3%A4.csv")], "/x", "ä.csv")]
#[case::folders(&[JSON, ("content-disposition", "attachment; filename=\"..\\..\\a/b.zip\"")], "/x", "b.zip")]
#[case::ending(&[JSON], "/files/Report.CSV", "Report.CSV")]
#[case::no_json(&[("content-type", "text/plain")], "/files/a%20b", "a b")]
fn everything_else_is_a_file(#[case] headers: &[(&str, &str)], #[case] path: &str, #[case] name: &str) {
    let body = if headers.contains(&JSON) { "{}" } else { "id,name" };

    let row = rows_of("", path, &reply(headers, body)).unwrap();

    let file = row.pointer("/retrieved_attachments/0").unwrap();
    assert_eq!(file["file_name"], name);
    assert_eq!(file["file_size"], body.len());
    let url = file["download_url"].as_str().unwrap();
    assert!(url.starts_with("data:") && url.contains(";base64,"), "{url}");
}

// rule: saas-config 23.14
#[rstest]
#[case::missing(", result_path: rows", &[JSON], r#"{"data": []}"#, "no `rows`")]
#[case::null(", result_path: rows", &[JSON], r#"{"rows": null}"#, "no `rows`")]
#[case::scalar("", &[JSON], "3", "neither an object nor a list")]
#[case::broken("", &[JSON], "[{", "broken")]
#[case::empty("", &[], "", "empty")]
fn what_is_no_result_is_not_taken_for_no_rows(
    #[case] rest: &str,
    #[case] headers: &[(&str, &str)],
    #[case] body: &str,
    #[case] expected: &str,
) {
    let found = rows_of(rest, "/x", &reply(headers, body));

    assert!(found.as_ref().is_err_and(|problem| problem.contains(expected)), "{found:?}");
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let large = "x".repeat((8 << 20) + 1);

    let found = rows_of("", "/a.csv", &reply(&[], &large));

    assert!(found.is_err_and(|problem| problem.contains("at most 8388608 are kept")));
}
