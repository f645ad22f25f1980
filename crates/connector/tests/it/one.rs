//! One thing by its id, and changes that are bound to things: built as data, sent once.

use connector::writes::{UnwrittenReason, WriteRequest};
use connector::{Bound, BoundKind, CallStats, ReadError, WriteEnd};
use egress::{LedgerRef, WritePermit};
use rstest::rstest;
use serde_json::{Value, json};
use spec::connector_file::Request;
use testkit::Answer;

use crate::acme::{Acme, Setup, file, things};

const USER: &str = "path: /users/<resource.id>\ndata_path: data.user\ngone: [404]";

async fn get(acme: &Acme) -> (Result<Option<Value>, ReadError>, CallStats) {
    let request = acme.connector.connection().file.endpoints[0].read[0].clone();
    let bound = Bound::new().with("resource.id", "u/1", BoundKind::Personal);
    let mut stats = CallStats::default();
    let found = acme.connector.get_one((&request, "governance.user"), &bound, &mut stats).await;
    (found, stats)
}

#[rstest]
#[case::there(Answer::json(200, &json!({"data": {"user": {"id": "u"}}})), Some(json!({"id": "u"})))]
#[case::found_in_a_list(Answer::json(200, &json!({"data": {"user": [{"id": "u"}]}})), Some(json!({"id": "u"})))]
#[case::an_empty_list(Answer::json(200, &json!({"data": {"user": []}})), None)]
#[case::gone(Answer::status(404), None)]
#[tokio::test]
async fn one_thing_is_asked_for_with_one_call(#[case] answer: Answer, #[case] expected: Option<Value>) {
    let acme = Acme::start(&things(USER)).await;
    acme.saas.on("GET", "/users/*").then(answer);

    let (found, stats) = get(&acme).await;

    assert_eq!(found.unwrap(), expected);
    assert_eq!((stats.requests, acme.targets()), (1, vec!["/users/u%2F1".to_owned()]));
}

#[rstest]
#[case::missing_key(Answer::json(200, &json!({"data": {}})), 4)]
#[case::null(Answer::json(200, &json!({"data": {"user": null}})), 4)]
#[case::text(Answer::json(200, &json!({"data": {"user": "u"}})), 4)]
#[case::no_content(Answer::status(204), 4)]
#[case::fault(Answer::status(500), 4)]
#[case::several(Answer::json(200, &json!({"data": {"user": [{"id": 1}, {"id": 2}]}})), 1)]
#[case::refused(Answer::status(403), 1)]
#[case::ignored(Answer::status(409), 1)]
#[tokio::test]
async fn what_says_nothing_about_the_thing_is_an_error_and_never_not_there(
    #[case] answer: Answer,
    #[case] calls: u64,
) {
    let acme = Acme::start(&things(&format!("{USER}\nignore_errors: [409]"))).await;
    acme.saas.on("GET", "/users/*").then(answer);

    let (found, stats) = get(&acme).await;

    assert!(found.is_err(), "{found:?}");
    assert_eq!(stats.requests, calls);
}

/// A connector whose first request is this update, whose keys stand at the left margin.
async fn writing(update: &str) -> Acme {
    let keys: Vec<String> = update.lines().map(|line| format!("          {line}\n")).collect();
    let endpoints = format!("    - name: things\n      requests:\n        update:\n{}", keys.concat());
    let text = file(&endpoints).replace("- name: token", "- {name: token, sensitive: true}");
    let setup = Setup { secrets: vec![("token", json!("canary-token"))], ..Setup::default() };
    Acme::start_with(&text, setup).await
}

fn write_request(acme: &Acme) -> Request {
    acme.connector.connection().file.endpoints[0].update[0].clone()
}

fn prepare(acme: &Acme, bound: &Bound) -> Result<WriteRequest, UnwrittenReason> {
    acme.connector.prepare_bound_write((&write_request(acme), "governance.user"), bound)
}

async fn send(acme: &Acme, write: &WriteRequest) -> WriteEnd {
    let permit = WritePermit::for_intent(LedgerRef { id: "led_test".to_owned(), fence: 1 });
    acme.connector.send_write(write, &write_request(acme), permit).await.end
}

const PUT: &str = "method: PUT\npath: /users/<principal.id>/permissions\n\
    body: '{\"permissions\": <rest>, \"type\": \"<vars.type>\", \"of\": <resource>, \"n\": <n>}'";

#[tokio::test]
async fn bound_values_stand_in_a_body_as_they_are() {
    let acme = writing(PUT).await;
    acme.saas.on("PUT", "/users/*/permissions").then(Answer::status(200));
    let rest = json!([{"roleId": "r\"1", "resources": [{"id": "w", "labels": []}]}, "a, b"]);
    let bound = Bound::new()
        .with("principal.id", "a/b?c#d%", BoundKind::Personal)
        .with("rest", rest.clone(), BoundKind::Personal)
        .with("vars.type", "WORK\"SPACE\\", BoundKind::Plain)
        .with("resource.id", "w", BoundKind::Plain)
        .with("resource.labels", json!({}), BoundKind::Plain)
        .with("n", 7, BoundKind::Plain);

    let write = prepare(&acme, &bound).unwrap();
    let end = send(&acme, &write).await;

    assert!(matches!(end, WriteEnd::Taken { status: 200, .. }), "{end:?}");
    assert_eq!(
        (write.endpoint.as_str(), write.place.as_str()),
        ("governance.user", "endpoints[0].requests.update")
    );
    let calls = acme.saas.calls();
    let sent: Value = serde_json::from_slice(&calls[0].body).unwrap();
    let resource = json!({"id": "w", "labels": {}});
    assert_eq!(sent, json!({"permissions": rest, "type": "WORK\"SPACE\\", "of": resource, "n": 7}));
    assert_eq!(acme.targets(), ["/users/a%2Fb%3Fc%23d%25/permissions"]);
}

#[tokio::test]
async fn an_empty_list_stays_one() {
    let acme = writing("method: PUT\npath: /x\nbody: '{\"permissions\": <rest>}'").await;
    let bound = Bound::new().with("rest", json!([]), BoundKind::Plain);

    assert_eq!(prepare(&acme, &bound).unwrap().body.as_deref(), Some("{\"permissions\":[]}"));
}

#[tokio::test]
async fn a_secret_stands_in_a_write_by_its_mark_and_is_sent_as_it_is() {
    let acme = writing(
        "method: POST\npath: /invites\nparam_values: [{name: key, connector_param: token}]\n\
         body: '{\"email\": \"<principal.email>\", \"a\": \"<token>\", \"b\": \"<key>\", \"site\": \"<domain>\"}'",
    )
    .await;
    acme.saas.on("POST", "/invites").then(Answer::status(201));
    let bound = Bound::new().with("principal.email", "o\"neil@example.com", BoundKind::Personal);

    let write = prepare(&acme, &bound).unwrap();
    let end = send(&acme, &write).await;

    assert!(!json!(write).to_string().contains("canary"), "{}", json!(write));
    assert!(matches!(end, WriteEnd::Taken { .. }), "{end:?}");
    let sent: Value = serde_json::from_slice(&acme.saas.calls()[0].body).unwrap();
    let expected = json!({
        "email": "o\"neil@example.com", "a": "canary-token", "b": "canary-token", "site": "api.acme.test"
    });
    assert_eq!(sent, expected);
}

#[rstest]
#[case::mark_of_a_secret("__secret.token__", "stands for a secret")]
#[case::leads_elsewhere("..", "change the path")]
#[case::line_break("a\nb", "control character")]
#[tokio::test]
async fn a_value_that_would_do_more_is_refused(#[case] id: &str, #[case] why: &str) {
    let acme = writing("method: DELETE\npath: /users/<resource.id>").await;
    let bound = Bound::new().with("resource.id", id, BoundKind::Personal);

    let error = prepare(&acme, &bound).unwrap_err();

    let told = match &error {
        UnwrittenReason::Build(source) => format!("{source}"),
        other => other.to_string(),
    };
    assert!(told.contains(why), "{told}");
}

#[rstest]
#[case::path("method: DELETE\npath: /users/<principal.id>")]
#[case::query("method: DELETE\npath: /users\nquery_params: [{name: id, value: <principal.id>}]")]
#[case::body("method: POST\npath: /users\nbody: '{\"id\": \"<principal.id>\"}'")]
#[tokio::test]
async fn a_write_without_a_value_that_it_needs_is_not_made(#[case] update: &str) {
    let acme = writing(update).await;

    let error = prepare(&acme, &Bound::new()).unwrap_err();

    assert!(error.to_string().contains("`principal.id`"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_not_made() {
    let acme = writing("method: POST\npath: /x\nbody: '{\"a\": <vars.word> <vars.word>}'").await;
    let bound = Bound::new().with("vars.word", "w", BoundKind::Plain);

    assert!(matches!(prepare(&acme, &bound), Err(UnwrittenReason::BodyNotJson { .. })));
}
