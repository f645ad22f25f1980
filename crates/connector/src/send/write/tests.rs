use bytes::Bytes;
use http::HeaderMap;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::acme::{Acme, Pieces};

const FORGET: &str = "data_protection_request:
  method: POST
  path: /forget
  gone: [410]
  ignore_errors: [403, 404, 409]
  retry: {statuses: [423], when: body.error == 'busy'}
  postprocessors: [{strategy: extract_for_execution_log, configuration: {path: note}}]
";

const TRACKED: &str = "data_protection_request:
  method: POST
  path: /forget
  track:
    id_path: data.id
    request: {method: GET, path: /jobs/<job_id>}
    status_path: state
    states: {DONE: erased}
";

fn reply(status: u16, body: &Value) -> HttpReply {
    HttpReply {
        status,
        headers: HeaderMap::from_iter([("retry-after".parse().unwrap(), "7".parse().unwrap())]),
        body: Bytes::from(body.to_string()),
        rate_limit_wait: Duration::ZERO,
    }
}

async fn judged(more: &str, status: u16, body: Value) -> WriteEnd {
    let acme = Acme::start(Pieces { more, ..Pieces::default() }, &[]).await;
    let file = &acme.connector.connection().file;
    acme.connector.judge_write(&file.data_protection_request[0], "api.acme.test", &reply(status, &body))
}

fn word(end: &WriteEnd) -> &'static str {
    match end {
        WriteEnd::Taken { .. } => "taken",
        WriteEnd::Absent { .. } => "absent",
        WriteEnd::Ignored { .. } => "ignored",
        WriteEnd::Refused { retry: Retry::Yes, .. } => "refused for now",
        WriteEnd::Refused { retry: Retry::No, .. } => "refused",
        WriteEnd::NotSent(_) => "not sent",
        WriteEnd::Unknown(_) => "unknown",
    }
}

#[rstest]
#[case(200, json!({}), "taken")]
#[case(204, json!({}), "taken")]
#[case(200, json!({"error": "busy"}), "refused for now")]
#[case(423, json!({}), "refused for now")]
#[case(429, json!({}), "refused for now")]
#[case(400, json!({}), "refused")]
#[case(401, json!({}), "refused")]
#[case(410, json!({}), "absent")]
#[case(404, json!({}), "absent")]
#[case(409, json!({}), "ignored")]
#[case::a_limit_that_is_told_as_a_refusal(403, json!({}), "refused for now")]
#[case(408, json!({}), "unknown")]
#[case(500, json!({}), "unknown")]
#[case(503, json!({}), "unknown")]
#[case(502, json!({"error": "busy"}), "unknown")]
#[tokio::test]
async fn only_a_clear_refusal_counts_as_without_effect(
    #[case] status: u16,
    #[case] body: Value,
    #[case] expected: &str,
) {
    let end = judged(FORGET, status, body).await;

    assert_eq!(word(&end), expected);
    if let WriteEnd::Refused { wait, .. } = end {
        assert_eq!(wait, Some(Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn a_started_job_without_id_is_unknown() {
    let named = judged(TRACKED, 200, json!({"data": {"id": 12}})).await;
    let nameless = judged(TRACKED, 200, json!({"data": {}})).await;

    assert!(matches!(named, WriteEnd::Taken { job_id: Some(id), .. } if id == "12"));
    assert_eq!(word(&nameless), "unknown");
}

// rule: saas-config 20.11
#[tokio::test]
async fn texts_for_the_log_are_taken_out_of_the_answer() {
    let acme = Acme::start(Pieces { more: FORGET, ..Pieces::default() }, &[]).await;
    let request = &acme.connector.connection().file.data_protection_request[0];

    assert_eq!(messages(request, &reply(200, &json!({"note": "queued"}))), ["queued"]);
    assert!(messages(request, &reply(200, &json!("text"))).is_empty());
}

#[rstest]
#[case(SendError::Connect { host: "h".into() }, false)]
#[case(SendError::Unresolvable { host: "h".into() }, false)]
#[case(SendError::Timeout { host: "h".into(), phase: TimeoutPhase::Connect }, false)]
#[case(SendError::Timeout { host: "h".into(), phase: TimeoutPhase::Read }, true)]
#[case(SendError::Reset { host: "h".into() }, true)]
#[case(SendError::Truncated { host: "h".into() }, true)]
fn a_call_that_broke_off_after_connecting_may_have_arrived(#[case] error: SendError, #[case] arrived: bool) {
    assert_eq!(may_have_arrived(&error), arrived);
}
