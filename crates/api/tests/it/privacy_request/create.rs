use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{id, made_with, now, set, started};
use crate::app::App;

const PUBLIC: &str = "/api/v1/privacy-request";
const WITH_TOKEN: &str = "/api/v1/privacy-request/authenticated";

/// All keys of a request, as a client of Fides knows them.
const KEYS: [&str; 28] = [
    "action_required_details",
    "created_at",
    "custom_privacy_request_fields",
    "custom_privacy_request_fields_approved_at",
    "custom_privacy_request_fields_approved_by",
    "days_left",
    "deleted_at",
    "deleted_by",
    "duplicate_request_group_id",
    "external_id",
    "finalized_at",
    "finalized_by",
    "finished_processing_at",
    "id",
    "identity",
    "identity_verified_at",
    "location",
    "paused_at",
    "policy",
    "property_id",
    "resume_endpoint",
    "reviewed_at",
    "reviewed_by",
    "reviewer",
    "source",
    "started_processing_at",
    "status",
    "submitted_by",
];

// rule: fides-api 11.1
// rule: fides-api 11.2
#[tokio::test]
async fn a_request_has_the_form_that_clients_know() {
    let app = started().await;

    let request = made_with(
        &app,
        json!({
            "policy_key": "access",
            "identity": {"email": "ana@example.com", "loyalty": {"label": "Loyalty", "value": 17}},
            "external_id": "ticket-1",
            "requested_at": "2026-01-01T00:00:00Z",
            "source": "Privacy Center",
            "location": "us_ca",
            "encryption_key": "canary-canary-16",
            "anything": "else",
        }),
    )
    .await;

    let mut keys: Vec<&str> = request.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, [&KEYS[..], &["submitter"]].concat());
    assert_eq!(request["status"], "pending");
    assert_eq!(request["policy"]["key"], "access");
    assert_eq!(request["policy"]["rules"][0]["action_type"], "access");
    assert_eq!((&request["location"], &request["source"]), (&json!("US-CA"), &json!("Privacy Center")));
    assert_eq!((&request["identity"], &request["submitted_by"]), (&Value::Null, &Value::Null));
    assert!(request["days_left"].is_i64());
    assert!(id(&request).starts_with("pri_"));
    let whole = now(&app, &request).await;
    assert_eq!(whole["identity"]["email"], json!({"label": "Email", "value": "ana@example.com"}));
    assert_eq!(whole["identity"]["loyalty"], json!({"label": "Loyalty", "value": 17}));
    assert_eq!(whole["identity"]["phone_number"], json!({"label": "Phone number", "value": null}));
    assert!(!whole.to_string().contains("canary"));
}

// rule: privacy-requests L-4
// rule: fides-api 1.3
#[tokio::test]
async fn what_cannot_be_made_is_told_one_by_one() {
    let app = started().await;
    let list = json!([
        {"policy_key": "access", "identity": {}},
        {"policy_key": "nothing", "identity": {"email": "ana@example.com"}, "encryption_key": "canary-canary-16"},
        {"policy_key": "access", "identity": {"email": "ana@example.com"}},
        {"policy_key": "access", "identity": {"email": "ana@example.com"}, "consent_preferences": []},
        {"policy_key": "access", "identity": {"email": "ana@example.com"}, "property_id": "FDS-1"},
    ]);

    let (status, reply) = app.send(Method::POST, WITH_TOKEN, list).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(reply["succeeded"].as_array().unwrap().len(), 1);
    let failed: Vec<&str> =
        reply["failed"].as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap()).collect();
    assert_eq!(
        failed,
        [
            "You must provide at least one identity to process",
            "Policy with key nothing does not exist",
            "this server does not keep consent; leave `consent_preferences` out",
            "Property ID must be valid to process",
        ]
    );
    assert_eq!(reply["failed"][1]["data"]["policy_key"], "nothing");
    assert!(!reply.to_string().contains("canary"));
}

// rule: fides-api 11.2
#[tokio::test]
async fn what_does_not_fit_ends_the_whole_call() {
    let app = started().await;
    let list = json!([
        {"policy_key": "access", "identity": {"email": "ana@example.com"}},
        {"policy_key": "access", "identity": {"email": "nobody"}, "encryption_key": "short"},
    ]);

    let (status, reply) = app.send(Method::POST, WITH_TOKEN, list).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply["detail"][0]["loc"], json!(["body", 1, "identity", "email"]));
    assert_eq!(reply["detail"][1]["msg"], "Encryption key must be 16 bytes long");
    let (_, list) = app.get("/api/v1/privacy-request").await;
    assert_eq!(list["total"], 0);
    let many = Value::Array(vec![json!({"policy_key": "access", "identity": {}}); 51]);
    assert_eq!(app.send(Method::POST, WITH_TOKEN, many).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_request_of_anybody_waits_until_somebody_vouches_for_the_identity() {
    let app = started().await;
    set(&app, "require_manual_request_approval", false).await;
    let body = json!([{"policy_key": "erasure", "identity": {"email": "ana@example.com"}}]);

    let (status, reply) = app.without_token().send(Method::POST, PUBLIC, body).await;

    assert_eq!(status, StatusCode::OK, "{reply}");
    assert_eq!(reply["succeeded"][0]["status"], "identity_unverified");
    assert_eq!(reply["succeeded"][0]["identity"], Value::Null);
}

// rule: privacy-requests L-11
#[tokio::test]
async fn the_setting_of_approval_holds_from_the_next_request_on() {
    let app = started().await;

    let waits = super::made(&app).await;
    set(&app, "require_manual_request_approval", false).await;
    let goes_on = super::made(&app).await;

    let due = async |request: &Value| {
        let id = id(request).parse().unwrap();
        app.store().get_privacy_request(&id).await.unwrap().work_at.is_some()
    };
    assert_eq!((waits["status"].as_str(), due(&waits).await), (Some("pending"), false));
    assert!(due(&goes_on).await, "{goes_on}");
}

// rule: fides-api 11.2
#[tokio::test]
async fn who_submits_is_named_for_the_request_manager_only() {
    let app = started().await;
    let with = |source: &str| json!({"policy_key": "access", "identity": {"email": "ana@example.com"}, "source": source});

    let manager = made_with(&app, with("Request Manager")).await;
    let center = made_with(&app, with("Privacy Center")).await;

    assert!(manager["submitted_by"].is_string());
    assert_eq!(center["submitted_by"], Value::Null);
}

#[tokio::test]
async fn drp_and_consent_are_refused_in_words() {
    let app = App::start().await.without_token();

    let (status, reply) = app.send(Method::POST, "/api/v1/drp/exercise", json!({})).await;
    let (consent, _) = app.send(Method::POST, "/api/v1/consent-request", json!({})).await;

    assert_eq!((status, consent), (StatusCode::NOT_IMPLEMENTED, StatusCode::NOT_IMPLEMENTED));
    assert!(reply["detail"].as_str().unwrap().contains("Data Rights Protocol"));
}

// rule: fides-api 11.2
#[tokio::test]
async fn a_request_has_fifty_custom_fields_at_most() {
    let app = started().await;
    let with = async |count: usize| {
        let fields = (0..count).map(|at| (format!("f{at}"), json!({"label": "F", "value": "x"})));
        let fields: serde_json::Map<String, Value> = fields.collect();
        let request = json!([{"policy_key": "access", "identity": {"email": "ana@example.com"}, "custom_privacy_request_fields": fields}]);
        app.send(Method::POST, WITH_TOKEN, request).await
    };

    let (fits, _) = with(50).await;
    let (status, reply) = with(51).await;

    assert_eq!((fits, status), (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY), "{reply}");
    assert_eq!(reply["detail"][0]["loc"], json!(["body", 0, "custom_privacy_request_fields"]));
    assert_eq!(reply["detail"][0]["type"], "too_long");
}

#[tokio::test]
async fn a_call_with_an_idempotency_key_can_be_made_again() {
    let app = started().await;
    let body = json!([
        {"policy_key": "access", "identity": {"email": "ana@example.com"}},
        {"policy_key": "access", "identity": {"email": "bo@example.com"}},
    ]);
    let call = async |key: &str, body: &Value| {
        let request = http::Request::builder().method(Method::POST).uri(WITH_TOKEN);
        let request = request.header("content-type", "application/json").header("idempotency-key", key);
        let request = request.header("authorization", format!("Bearer {}", app.own_token()));
        let reply = app.call_raw(request.body(body.to_string().into()).unwrap()).await;
        (reply.status, reply.json())
    };
    let ids = |reply: &Value| -> Vec<String> {
        reply["succeeded"].as_array().unwrap().iter().map(|one| id(one).to_owned()).collect()
    };

    let (_, first) = call("call-1", &body).await;
    let (_, again) = call("call-1", &body).await;
    let (_, next) = call("call-2", &body).await;
    let changed = json!([{"policy_key": "erasure", "identity": {"email": "ana@example.com"}}]);
    let (status, reused) = call("call-1", &changed).await;
    let (unnamed, problem) = call("", &body).await;

    assert_eq!((ids(&first).len(), ids(&again)), (2, ids(&first)));
    assert!(ids(&next).iter().all(|id| !ids(&first).contains(id)));
    assert_eq!(status, StatusCode::OK);
    assert!(reused["failed"][0]["message"].as_str().unwrap().contains("used before"), "{reused}");
    assert_eq!(unnamed, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["detail"][0]["loc"], json!(["header", "Idempotency-Key"]));
}
