use rstest::rstest;
use serde_json::json;
use testkit::Answer;

use super::*;
use crate::acme::{Acme, Pieces};

const READ: &str = "method: GET\npath: /<region>/people\nquery_params: [{name: email, value: <e>}]\n\
                    param_values: [{name: e, identity: email}, {name: region, connector_param: regions}]";

async fn probe(read: &str, answer: Answer) -> (Acme, Probe) {
    let acme = Acme::start(Pieces { read, ..Pieces::default() }, &[("regions", json!(["eu", "us"]))]).await;
    acme.saas.on("*", "/**").then(answer);
    let file = std::sync::Arc::clone(&acme.connector.connection().file);
    let probe = acme.connector.probe("things", &file.endpoints[0].read[0]).await;
    (acme, probe)
}

#[rstest]
#[case(200)]
#[case(404)]
#[case(422)]
#[tokio::test]
async fn a_look_for_nobody_that_is_answered_is_allowed(#[case] status: u16) {
    let (acme, probe) = probe(READ, Answer::status(status)).await;

    assert!(matches!(probe.status, ProbeStatus::Allowed), "{probe:?}");
    assert_eq!(acme.saas.targets(), ["/eu/people?email=nobody%40example.invalid"]);
}

#[rstest]
#[case(401)]
#[case(403)]
#[tokio::test]
async fn missing_permission_is_told_apart(#[case] status: u16) {
    let (_acme, probe) = probe(READ, Answer::status(status)).await;

    assert!(matches!(probe.status, ProbeStatus::Denied(found) if found == status), "{probe:?}");
}

#[tokio::test]
async fn ignored_denial_is_still_a_denial_and_a_fault_says_nothing() {
    let (_acme, denied) = probe(&format!("{READ}\nignore_errors: true"), Answer::status(403)).await;
    let (_acme, broken) = probe(READ, Answer::status(500)).await;

    assert!(matches!(denied.status, ProbeStatus::Denied(403)), "{denied:?}");
    assert!(matches!(broken.status, ProbeStatus::Unclear(_)), "{broken:?}");
}

#[tokio::test]
async fn only_a_get_is_sent() {
    let (acme, probe) = probe("method: POST\npath: /search\nbody: '{}'", Answer::status(200)).await;

    assert!(matches!(probe.status, ProbeStatus::NotProbed));
    assert!(acme.saas.calls().is_empty());
}
