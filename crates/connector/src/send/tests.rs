use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use testkit::Answer as Reply;

use super::*;
use crate::acme::{Acme, Pieces};
use crate::values::ValueMap;

/// What came of one call of the read request, and what it cost.
async fn call(acme: &Acme) -> (Result<Answer<Value>, CallError>, CallStats) {
    let mut stats = CallStats::default();
    let prepared = acme.prepare(&ValueMap::new()).unwrap();
    let result = acme.connector.call(&prepared, &mut stats, json_with_data).await;
    (result, stats)
}

/// Accepts JSON that has the key `data`.
#[expect(clippy::needless_pass_by_value, reason = "the form that `call` asks for")]
fn json_with_data(reply: HttpReply) -> Result<Value, Rejected> {
    let rejected = |problem: &str| Rejected {
        reason: IncompleteReason::Malformed,
        problem: problem.to_owned(),
        retry: Retry::Yes,
    };
    let body: Value = serde_json::from_slice(&reply.body).map_err(|_| rejected("not JSON"))?;
    body.get("data").cloned().ok_or_else(|| rejected("`data` is missing"))
}

async fn start(read: &str) -> Acme {
    Acme::start(Pieces { read, ..Pieces::default() }, &[]).await
}

const PLAIN: &str = "method: GET\npath: /things";

fn good() -> Reply {
    Reply::json(200, &json!({"data": [1]}))
}

fn seconds(values: &[u64]) -> Vec<Duration> {
    values.iter().map(|value| Duration::from_secs(*value)).collect()
}

// rule: saas-config 13.10
// rule: saas-config 13.11
// rule: saas-config 13.16
#[rstest]
#[case(Reply::status(429))]
#[case(Reply::status(500))]
#[case(Reply::status(503))]
#[case::a_limit_that_is_told_as_a_refusal(Reply::status(403).header("X-RateLimit-Remaining", "0"))]
#[case(Reply::reset())]
#[case(Reply::text(200, "<html>").delivered(testkit::Delivery::CutAt(3)))]
#[case(Reply::html(200, "<html>maintenance</html>"))]
#[case(Reply::json(200, &json!({"error": "no data"})))]
#[tokio::test]
async fn a_read_is_tried_four_times_with_growing_waits(#[case] fault: Reply) {
    let acme = start(PLAIN).await;
    acme.saas.on("GET", "/things").then(fault.clone()).then(fault.clone()).then(fault).then(good());

    let (result, stats) = call(&acme).await;

    assert!(matches!(result, Ok(Answer::Accepted(data)) if data == json!([1])));
    assert_eq!(acme.clock.sleeps(), seconds(&[2, 4, 8]));
    assert_eq!((stats.requests, stats.retries), (4, 3));
}

#[tokio::test]
async fn a_limit_that_is_told_as_a_refusal_does_not_mean_unavailable() {
    let acme = start(PLAIN).await;
    let limited = Reply::status(403).header("Retry-After", "3");
    acme.saas.on("GET", "/things").then(limited).then(Reply::status(403));
    let prepared = acme.prepare(&ValueMap::new()).unwrap().with_unavailable(&[403]);

    let mut stats = CallStats::default();
    let result = acme.connector.call(&prepared, &mut stats, json_with_data).await;

    assert_eq!(result.unwrap_err().status(), Some(403));
    assert_eq!((stats.requests, stats.rate_limit_wait), (2, Duration::from_secs(3)));
}

// rule: saas-config 13.13
#[rstest]
#[case(429, IncompleteReason::Http429)]
#[case(502, IncompleteReason::Http5xx)]
#[tokio::test]
async fn after_the_last_attempt_the_status_is_the_error(
    #[case] status: u16,
    #[case] reason: IncompleteReason,
) {
    let acme = start(PLAIN).await;
    acme.saas.on("GET", "/things").then(Reply::status(status));

    let (result, stats) = call(&acme).await;

    let error = result.unwrap_err();
    assert!(error.to_string().contains(&format!("Client call failed with status code {status}")), "{error}");
    assert_eq!((error.reason(), error.retry(), error.status()), (reason, Retry::Yes, Some(status)));
    assert_eq!((stats.requests, stats.retries), (4, 3));
}

// rule: saas-config 13.13
#[rstest]
#[case(400)]
#[case(401)]
#[case(404)]
#[case(422)]
#[tokio::test]
async fn other_failing_statuses_are_not_tried_again(#[case] status: u16) {
    let acme = start(PLAIN).await;
    acme.saas.on("GET", "/things").then(Reply::status(status)).then(good());

    let (result, stats) = call(&acme).await;

    let error = result.unwrap_err();
    assert_eq!((error.reason(), error.retry()), (IncompleteReason::Http4xx, Retry::No));
    assert_eq!((stats.requests, stats.retries), (1, 0));
}

// rule: saas-config 13.11
#[tokio::test]
async fn retry_after_replaces_the_wait_of_its_attempt_only() {
    let acme = start(PLAIN).await;
    let wait = |text: &str| Reply::status(503).header("Retry-After", text);
    acme.saas.on("GET", "/things").then(wait("7")).then(wait("0")).then(wait("9999")).then(good());

    let (result, stats) = call(&acme).await;

    assert!(result.is_ok());
    assert_eq!(acme.clock.slept(), Duration::from_secs(7 + 4 + 300));
    assert_eq!(stats.retries, 3);
}

// rule: segment-api A14
// rule: segment-api A15
#[tokio::test]
async fn wait_of_a_rate_limit_error_is_honoured_and_counted() {
    let acme = start(PLAIN).await;
    let body = json!({"errors": [{"type": "RequestError", "data": {"msBeforeNext": 2500}}]});
    acme.saas.on("GET", "/things").then(Reply::json(429, &body)).then(good());

    let (result, stats) = call(&acme).await;

    assert!(result.is_ok());
    assert!(stats.rate_limit_wait >= Duration::from_millis(2500), "{stats:?}");
}

// rule: saas-config 13.12
#[rstest]
#[case("ignore_errors: [429]", 429)]
#[case("ignore_errors: [503]", 503)]
#[case("ignore_errors: true", 500)]
#[tokio::test]
async fn an_ignored_status_is_returned_at_once_and_is_no_answer(#[case] ignore: &str, #[case] status: u16) {
    let acme = start(&format!("{PLAIN}\n{ignore}")).await;
    acme.saas.on("GET", "/things").then(Reply::status(status));

    let (result, stats) = call(&acme).await;

    assert!(matches!(result, Ok(Answer::Ignored(found)) if found == status));
    assert_eq!((stats.requests, acme.clock.sleeps().len()), (1, 0));
}

// rule: saas-config 13.12
#[rstest]
#[case("ignore_errors: [404]", 404)]
#[case("ignore_errors: true", 410)]
#[case("gone: [403]", 403)]
#[tokio::test]
async fn not_there_is_an_answer(#[case] keys: &str, #[case] status: u16) {
    let acme = start(&format!("{PLAIN}\n{keys}")).await;
    acme.saas.on("GET", "/things").then(Reply::status(status));

    let (result, _) = call(&acme).await;

    assert!(matches!(result, Ok(Answer::Gone)));
}

#[tokio::test]
async fn file_may_say_which_content_means_again() {
    let acme = start(&format!("{PLAIN}\nretry: {{when: 'body.state == \"warming up\"'}}")).await;
    let warming = Reply::json(200, &json!({"state": "warming up", "data": []}));
    acme.saas.on("GET", "/things").then(warming.clone()).then(good());

    let (result, stats) = call(&acme).await;

    assert!(matches!(result, Ok(Answer::Accepted(data)) if data == json!([1])));
    assert_eq!(stats.retries, 1);
    acme.saas.on("GET", "/things").then(warming);
    let (result, _) = call(&acme).await;
    assert!(matches!(result, Err(CallError::NeverReady { attempts: 4, .. })));
}

#[tokio::test]
async fn file_may_say_which_statuses_mean_again() {
    let acme = start(&format!("{PLAIN}\nretry: {{statuses: [409]}}")).await;
    acme.saas.on("GET", "/things").then(Reply::status(409)).then(good());

    let (result, stats) = call(&acme).await;

    assert!(result.is_ok());
    assert_eq!(stats.retries, 1);
}

// rule: saas-config 13.14
#[tokio::test]
async fn refused_host_names_connection_and_host_and_counts_no_request() {
    let acme = Acme::start(Pieces::default(), &[("domain", json!("127.0.0.2"))]).await;

    let (result, stats) = call(&acme).await;

    let error = result.unwrap_err();
    assert!(error.to_string().contains("Operational Error connecting to 'acme'"), "{error}");
    assert!(error.to_string().contains("`egress.allow`"), "{error}");
    assert_eq!((stats.requests, error.reason()), (0, IncompleteReason::Connection));
}

// rule: saas-config 6.3
// rule: saas-config 13.14
#[tokio::test]
async fn unknown_strategy_is_a_connection_failure_before_anything_is_sent() {
    let pieces = Pieces { authentication: "strategy: aws_iam_role\nconfiguration: {}", ..Pieces::default() };
    let acme = Acme::start(pieces, &[]).await;

    let (result, stats) = call(&acme).await;

    let error = result.unwrap_err();
    assert!(error.to_string().contains("Operational Error connecting to 'acme'"), "{error}");
    assert!(error.to_string().contains("`aws_iam_role`"), "{error}");
    assert_eq!(stats, CallStats::default());
    assert!(acme.saas.calls().is_empty());
}

// rule: saas-config 6.1
#[tokio::test]
async fn every_attempt_is_authenticated_again_on_the_finished_request() {
    let pieces = Pieces {
        authentication: "strategy: api_key\nconfiguration: {query_params: [{name: key, value: <token>}]}",
        read: "method: GET\npath: /things\nquery_params: [{name: page, value: 1}]",
        ..Pieces::default()
    };
    let acme = Acme::start(pieces, &[]).await;
    acme.saas.on("GET", "/things").then(Reply::status(500)).then(good());

    let (result, _) = call(&acme).await;

    assert!(result.is_ok());
    assert_eq!(acme.saas.targets(), ["/things?page=1&key=T", "/things?page=1&key=T"]);
}

// rule: saas-config 5.4
// rule: segment-api C16
#[tokio::test]
async fn secret_of_one_host_never_reaches_another() {
    let pieces = Pieces {
        authentication: "strategy: bearer\nconfiguration: {token: <token>}",
        read: "method: GET\npath: /things\nclient_config:\n  protocol: https\n  host: profiles.acme.test\n  \
               authentication: {strategy: basic, configuration: {username: <profile_key>}}",
        ..Pieces::default()
    };
    let acme = Acme::start(pieces, &[("token", json!("canary-token")), ("profile_key", json!("key1"))]).await;
    acme.saas.on("GET", "/things").then(good());

    let (result, _) = call(&acme).await;

    assert!(result.is_ok());
    let call = &acme.saas.calls()[0];
    assert_eq!((call.host(), call.header("authorization")), ("profiles.acme.test", Some("Basic a2V5MTo=")));
    assert!(!format!("{call:?}").contains("canary"));
}

// rule: saas-config 13.9
#[tokio::test]
async fn redirect_to_a_host_that_is_not_the_connectors_own_is_refused() {
    let acme = start(PLAIN).await;
    let elsewhere = Reply::status(302).header("Location", "https://auth.acme.test/things");
    acme.saas.on("GET", "/things").then(elsewhere);

    let (result, stats) = call(&acme).await;

    assert!(matches!(result, Err(CallError::Connection { .. })));
    assert_eq!((stats.requests, acme.saas.calls().len()), (1, 1));
}

#[tokio::test]
async fn a_write_is_refused_before_authentication() {
    let acme = start("method: PUT\npath: /things").await;

    let (result, stats) = call(&acme).await;

    assert!(matches!(result, Err(CallError::Write { .. })));
    assert_eq!(stats, CallStats::default());
    assert!(acme.saas.calls().is_empty());
}

#[tokio::test]
async fn post_that_reads_is_sent() {
    let acme = start("method: POST\npath: /things\nbody: '{\"q\": 1}'").await;
    acme.saas.on("POST", "/things").then(good());

    let (result, _) = call(&acme).await;

    assert!(matches!(result, Ok(Answer::Accepted(_))));
    assert_eq!(acme.saas.calls()[0].json(), Some(json!({"q": 1})));
}

/// Appendix B.4: call 1 answers 429 with `Retry-After: 7`.
#[tokio::test]
async fn same_call_again_after_seven_seconds() {
    let acme = start(PLAIN).await;
    acme.saas.on("GET", "/things").then(Reply::status(429).header("Retry-After", "7")).then(good());

    let (result, stats) = call(&acme).await;

    assert!(result.is_ok());
    assert_eq!(stats.rate_limit_wait, Duration::from_secs(7));
    assert_eq!(acme.saas.targets(), ["/things", "/things"]);
}
