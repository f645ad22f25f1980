use rstest::rstest;
use serde_json::json;
use testkit::Answer;

use super::*;
use crate::acme::{Acme, Pieces};

async fn start(test_request: &str) -> Acme {
    Acme::start(Pieces { test_request, ..Pieces::default() }, &[("api_version", json!("v 2"))]).await
}

// rule: saas-config 7.1
// rule: saas-config 7.2
// rule: saas-config 11.6
#[tokio::test]
async fn placeholders_are_secrets_and_param_values_are_ignored() {
    let acme = start(
        "method: GET\npath: /<api_version>/ping\nquery_params: [{name: r, value: <missing>}, {name: t, value: <uuid>}]\n\
         param_values: [{name: api_version, identity: email}]",
    )
    .await;
    acme.saas.on("GET", "/v%202/ping").then(Answer::text(200, "not JSON"));

    let outcome = acme.connector.test().await.unwrap();

    assert!(matches!(outcome, TestOutcome::Passed), "{outcome:?}");
    assert_eq!(acme.saas.targets(), ["/v%202/ping"], "special placeholders do not exist here");
}

// rule: saas-config 7.1
#[tokio::test]
async fn own_client_config_of_the_test_request_is_used() {
    let acme =
        start("method: GET\npath: /ping\nclient_config: {protocol: https, host: profiles.acme.test}").await;
    acme.saas.on("GET", "/ping").then(Answer::status(204));

    let outcome = acme.connector.test().await.unwrap();

    assert!(matches!(outcome, TestOutcome::Passed));
    assert_eq!(acme.saas.calls()[0].host(), "profiles.acme.test");
}

// rule: saas-config 7.3
#[rstest]
#[case("", 200, true)]
#[case("", 401, false)]
#[case("", 404, false)]
#[case("\nignore_errors: [404]", 404, true)]
#[case("\nignore_errors: true", 500, true)]
#[tokio::test]
async fn status_below_400_or_ignored_passes(#[case] keys: &str, #[case] status: u16, #[case] passes: bool) {
    let acme = start(&format!("method: GET\npath: /ping{keys}")).await;
    acme.saas.on("GET", "/ping").then(Answer::status(status));

    let outcome = acme.connector.test().await.unwrap();

    assert_eq!(matches!(outcome, TestOutcome::Passed), passes, "{outcome:?}");
}

// rule: saas-config 7.3
#[tokio::test]
async fn host_that_cannot_be_reached_fails_the_test_with_a_reason() {
    let acme = Acme::start(Pieces::default(), &[("domain", json!("127.0.0.2"))]).await;

    let outcome = acme.connector.test().await.unwrap();

    assert!(matches!(outcome, TestOutcome::Failed(error) if error.to_string().contains("'acme'")));
}

// rule: saas-config 7.3
#[tokio::test]
async fn placeholder_without_secret_in_the_path_is_an_error_and_no_failed_test() {
    let acme = start("method: GET\npath: /<nothing>").await;

    let error = acme.connector.test().await.unwrap_err();

    assert!(error.to_string().contains("`nothing`"), "{error}");
    assert!(acme.saas.calls().is_empty());
}

#[tokio::test]
async fn test_request_that_may_change_something_is_not_sent() {
    let acme = start("method: POST\npath: /ping").await;

    let error = acme.connector.test().await.unwrap_err();

    assert!(matches!(error, CallError::Write { .. }), "{error}");
    assert!(acme.saas.calls().is_empty());
}

// rule: saas-config 7.4
// rule: saas-config 21.3
#[tokio::test]
async fn function_in_place_of_a_request_is_named() {
    let acme = start("request_override: acme_test").await;

    let error = acme.connector.test().await.unwrap_err();

    assert!(error.to_string().contains("`acme_test`"), "{error}");
}
