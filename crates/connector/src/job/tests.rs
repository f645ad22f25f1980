use std::sync::Arc;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::acme::{Acme, Pieces};
use crate::fixture::person;
use testkit::Answer as Served;

/// A file whose request for the whole person starts a job like Segment's.
const FORGET: &str = "data_protection_request:
  method: POST
  path: /regulations
  body: '{\"type\": \"DELETE\", \"ids\": [\"u1\", \"u2\"]}'
  track:
    id_path: data.id
    request: {method: GET, path: /regulations/<job_id>, gone: [404]}
    status_path: data.overallStatus
    states:
      INITIALIZED: accepted
      RUNNING: accepted
      FINISHED: erased
      FAILED: failed
      PARTIAL_SUCCESS: failed
      NOT_SUPPORTED: unsupported
      INVALID: failed
    destinations:
      path: data.streamStatus.destinationStatus
      name_path: name
      status_path: status
      message_path: errString
    same:
      request: {method: GET, path: /regulations, data_path: regulations}
      when: >-
        item.type == sent.type && size(item.ids) == size(sent.ids) && item.ids.all(id, id in sent.ids) &&
        item.createdAt >= since
      id_path: id
";

fn pieces() -> Pieces<'static> {
    Pieces { more: FORGET, ..Pieces::default() }
}

fn track() -> Track {
    crate::acme::file(pieces()).data_protection_request[0].track.as_deref().unwrap().clone()
}

fn regulation(overall: &str, parts: &[(&str, &str)]) -> Value {
    let part = |(name, status): &(&str, &str)| json!({"name": name, "id": "x", "status": status, "errString": "", "finishedAt": "0001-01-01T00:00:00Z"});
    let (first, second) = parts.split_at(parts.len() / 2);
    let stream = |parts: &[(&str, &str)]| json!({"id": "s", "destinationStatus": parts.iter().map(part).collect::<Vec<_>>()});
    json!({"data": {"overallStatus": overall, "streamStatus": [stream(first), stream(second)]}})
}

// rule: segment-api A79
// rule: segment-api A80
#[rstest]
#[case("INITIALIZED", &[], Outcome::Accepted)]
#[case("RUNNING", &[("S3", "FINISHED"), ("Mixpanel", "FAILED")], Outcome::Accepted)]
#[case("FINISHED", &[("S3", "FINISHED"), ("Mixpanel", "FINISHED")], Outcome::Erased)]
#[case("FINISHED", &[("S3", "RUNNING"), ("Mixpanel", "FINISHED")], Outcome::Accepted)]
#[case("FINISHED", &[("S3", "FINISHED"), ("Mixpanel", "NOT_SUPPORTED")], Outcome::Unsupported)]
#[case("FAILED", &[("S3", "FINISHED"), ("Mixpanel", "NOT_SUPPORTED")], Outcome::Failed)]
#[case("FAILED", &[("S3", "INITIALIZED")], Outcome::Failed)]
#[case("PARTIAL_SUCCESS", &[("S3", "FINISHED")], Outcome::Failed)]
#[case("NOT_SUPPORTED", &[], Outcome::Unsupported)]
#[case("SOMETHING_NEW", &[("S3", "FINISHED")], Outcome::Accepted)]
fn states_of_job_and_parts_decide_the_outcome(
    #[case] overall: &str,
    #[case] parts: &[(&str, &str)],
    #[case] expected: Outcome,
) {
    let seen = look(&track(), &regulation(overall, parts)).unwrap();

    assert_eq!(seen.outcome, expected);
    assert_eq!(seen.is_finished(), expected != Outcome::Accepted);
    assert_eq!(seen.state.as_deref(), Some(overall));
    let names: Vec<(&str, &str)> =
        seen.destinations.iter().map(|part| (part.name.as_str(), part.status.as_str())).collect();
    assert_eq!(names, parts, "every part of every stream is reported, in order");
}

// rule: segment-api A77
#[test]
fn a_date_of_the_year_one_and_an_empty_error_say_nothing() {
    let seen = look(&track(), &regulation("RUNNING", &[("S3", "RUNNING")])).unwrap();

    assert!(!seen.is_finished());
    assert_eq!(seen.destinations[0].message, None);
}

#[tokio::test]
async fn an_answer_without_state_is_no_look() {
    let acme = Acme::start(pieces(), &[]).await;
    acme.saas.on("GET", "/regulations/r1").then(Served::json(200, &json!({"data": {}})));
    let file = &acme.connector.connection().file;

    let error =
        acme.connector.look_at_job(&file.data_protection_request[0], "r1", &person(&[])).await.unwrap_err();

    assert!(error.to_string().contains("data.overallStatus"), "{error}");
}

// rule: segment-api A78
#[tokio::test]
async fn a_job_that_the_application_forgot_is_unknown_and_finished() {
    let acme = Acme::start(pieces(), &[]).await;
    acme.saas.on("GET", "/regulations/r1").then(Served::json(404, &json!({})));
    let file = &acme.connector.connection().file;

    let seen =
        acme.connector.look_at_job(&file.data_protection_request[0], "r1", &person(&[])).await.unwrap();

    let seen = seen.unwrap();
    assert_eq!((seen.state.clone(), seen.outcome, seen.is_finished()), (None, Outcome::Unknown, true));
}

fn sent() -> WriteRequest {
    WriteRequest {
        place: "data_protection_request".into(),
        endpoint: "data_protection_request".into(),
        method: "POST".into(),
        url: "https://api.acme.test/regulations".into(),
        headers: Vec::new(),
        body: Some(r#"{"type": "DELETE", "ids": ["u1", "u2"]}"#.into()),
    }
}

fn listed(id: &str, ids: &[&str], created: &str) -> Value {
    json!({"id": id, "type": "DELETE", "ids": ids, "createdAt": created})
}

async fn same_in(list: Served) -> SameJob {
    let acme = Acme::start(pieces(), &[]).await;
    acme.saas.on("GET", "/regulations").then(list);
    let file = Arc::clone(&acme.connector.connection().file);
    let at: Timestamp = "2025-03-01T10:00:00Z".parse().unwrap();
    let (write, sent) = (&file.data_protection_request[0], sent());
    acme.connector.find_same_job(write, &sent, (at, &person(&[]))).await.unwrap()
}

// rule: segment-api A85
#[tokio::test]
async fn an_equal_recent_job_is_found_before_one_is_made_again() {
    let list = json!({"regulations": [
        listed("other", &["u1", "u3"], "2025-03-01T10:00:01Z"),
        listed("more", &["u1", "u2", "u3"], "2025-03-01T10:00:01Z"),
        listed("old", &["u2", "u1"], "2025-02-01T10:00:00Z"),
        listed("equal", &["u2", "u1"], "2025-03-01T09:59:58Z"),
    ]});

    let same = same_in(Served::json(200, &list)).await;

    assert!(matches!(same, SameJob::Found { job_id } if job_id == "equal"));
}

#[tokio::test]
async fn only_a_complete_list_shows_that_there_is_none() {
    let none =
        same_in(Served::json(200, &json!({"regulations": [listed("x", &["u9"], "2025-03-01T10:00:01Z")]})))
            .await;
    let unreadable = same_in(Served::json(200, &json!({"regulations": [{"id": "x"}]}))).await;

    assert!(matches!(none, SameJob::None), "{none:?}");
    assert!(matches!(unreadable, SameJob::Unclear(_)), "{unreadable:?}");
}
