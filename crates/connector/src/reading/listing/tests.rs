use serde_json::json;
use spec::connector_file::Request;

use super::*;
use crate::acme::{Acme, Pieces};
use crate::bound::BoundKind;

const EVENTS: &str = "method: GET\npath: /groups/<resource.id>/events\nquery_params:\n\
    - {name: who, value: <principal.email>}\n- {name: of, value: <principal.kind>}\n\
    - {name: from, value: <since>}\n- {name: key, value: <token>}";

async fn start(read: &str) -> Acme {
    Acme::start(Pieces { read, ..Pieces::default() }, &[]).await
}

fn request(acme: &Acme) -> Request {
    acme.connector.connection().file.endpoints[0].read[0].clone()
}

fn bound(since: &str) -> Bound {
    Bound::new()
        .with("resource.id", "gr_1", BoundKind::Plain)
        .with("principal.email", "ana@example.com", BoundKind::Personal)
        .with("principal.kind", "human", BoundKind::Plain)
        .with("since", since, BoundKind::Moment)
}

fn list(acme: &Acme, bound: &Bound) -> Listing {
    acme.connector.list((&request(acme), "governance.events"), bound, ListAnswers::default()).unwrap()
}

// rule: architecture 13.20
#[tokio::test]
async fn a_recording_hides_what_is_personal_leaves_words_and_does_without_moments() {
    let acme = start(EVENTS).await;
    let (request, connector) = (request(&acme), &acme.connector);
    let values = connector.bound_values(&request, &bound("2026-01-01T00:00:00Z"), SecretForm::Open);
    let connection = connector.connection();
    let params = &request.param_values;
    let build =
        Build { connection, endpoint: "governance.events", request: &request, params, values: &values };

    let prepared = build.prepare().unwrap();

    let hints = &prepared.shared().recording;
    assert_eq!(hints.substituted, ["ana@example.com"]);
    assert!(hints.redact.contains(&"2026-01-01T00:00:00Z".to_owned()));
    assert!(hints.redact.contains(&"T".to_owned()), "the secret that went into the query");
    for word in ["gr_1", "human"] {
        assert!(!hints.redact.iter().any(|hidden| hidden == word), "{word}");
    }
}

#[tokio::test]
async fn a_moment_that_is_bound_is_part_of_what_is_asked_and_chance_is_not() {
    let acme = start(&format!("{EVENTS}\n- {{name: id, value: <uuid>}}")).await;
    let hash = |since: &str| list(&acme, &bound(since)).hash();

    assert_eq!(hash("2026-01-01T00:00:00Z"), hash("2026-01-01T00:00:00Z"));
    assert_ne!(hash("2026-01-01T00:00:00Z"), hash("2026-01-02T00:00:00Z"));
}

#[tokio::test]
async fn a_list_that_would_write_is_not_sent() {
    let acme = start("method: POST\npath: /things\neffect: write\nbody: '{}'").await;
    acme.saas.on("POST", "/things").then(testkit::Answer::json(200, &json!([])));

    let error = list(&acme, &Bound::new()).open().next_page().await.unwrap_err();

    assert!(matches!(error, ReadError::Call(CallError::Write { .. })), "{error}");
    assert!(acme.saas.targets().is_empty());
}
