//! What those who look after requests do besides deciding: snapshots, patterns, data by hand, order.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::{found, id, made, made_with, started};
use crate::app::App;

/// The JSON file of this name in the local folder.
fn file(app: &App, name: &str) -> String {
    std::fs::read_to_string(app.data().join("fides_uploads").join(name)).unwrap()
}

// rule: fides-api 11.3
#[tokio::test]
async fn a_snapshot_goes_into_the_default_storage_and_says_nothing_of_the_person() {
    let app = started().await;
    let body = json!({
        "policy_key": "access",
        "identity": {"email": "canary-ana@example.com"},
        "external_id": "canary-ticket",
    });
    let request = made_with(&app, body).await;
    let note = format!("/api/v1/privacy-request/{}/note", id(&request));
    app.send(Method::POST, &note, json!({"message": "canary-words"})).await;
    let path = format!("/api/v1/privacy-request/{}/diagnostics", id(&request));

    let (status, told) = app.get(&path).await;
    let reader = app.with_scopes(&[api::Scope::PolicyRead]).await.get(&path).await.0;
    let missing = app.get("/api/v1/privacy-request/pri_x/diagnostics").await;

    assert_eq!((status, &told["storage_type"]), (StatusCode::OK, &json!("local")), "{told}");
    assert_eq!(told["download_url"], "your local fides_uploads folder");
    let text = file(&app, told["object_key"].as_str().unwrap());
    let snapshot: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(snapshot["privacy_request"]["status"], "pending");
    assert_eq!(snapshot["policy"]["rules"][0]["action"], "access");
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(reader, StatusCode::FORBIDDEN);
    let text = "No privacy request found with id 'pri_x'.";
    assert_eq!(missing, (StatusCode::NOT_FOUND, json!({"detail": text})));
}

#[tokio::test]
async fn a_fresh_snapshot_is_given_again_and_an_older_one_made_anew() {
    let app = started().await;
    let (one, other) = (made(&app).await, made(&app).await);
    let key = async |request: &Value| {
        let (status, told) = app.get(&format!("/api/v1/privacy-request/{}/diagnostics", id(request))).await;
        assert_eq!(status, StatusCode::OK, "{told}");
        (told["object_key"].as_str().unwrap().to_owned(), told["created_at"].clone())
    };

    let first = key(&one).await;
    app.clock().advance(std::time::Duration::from_secs(59));
    let (again, of_other) = (key(&one).await, key(&other).await);
    app.clock().advance(std::time::Duration::from_secs(1));
    let later = key(&one).await;

    assert_eq!(first, again);
    assert_ne!(first.0, later.0);
    assert!(of_other.0.starts_with(id(&other)), "{of_other:?}");
    assert_eq!(std::fs::read_dir(app.data().join("fides_uploads")).unwrap().count(), 3);
}

// rule: fides-api 11.3
#[tokio::test]
async fn without_a_default_storage_there_is_no_snapshot() {
    let app = started().await;
    let request = made(&app).await;
    let change = json!({"storage": {"active_default_storage_type": "s3"}});
    assert_eq!(app.send(Method::PATCH, "/api/v1/config", change).await.0, StatusCode::OK);

    let (status, reply) = app.get(&format!("/api/v1/privacy-request/{}/diagnostics", id(&request))).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{reply}");
}

// rule: fides-api 10
#[tokio::test]
async fn data_is_put_into_a_storage_destination_by_hand() {
    let app = started().await;
    let folder =
        json!([{"name": "Folder", "key": "folder", "type": "local", "details": {"naming": "request_id"}}]);
    assert_eq!(app.send(Method::PATCH, "/api/v1/storage/config", folder).await.0, StatusCode::OK);
    let open = made(&app).await;
    let body = json!({
        "policy_key": "access",
        "identity": {"email": "ana@example.com"},
        "encryption_key": "canary-canary-16",
    });
    let locked = made_with(&app, body).await;
    let upload = async |request: &str, key: &str| {
        let body = json!({"storage_key": key, "data": {"shop:orders": [{"total": 12.5}]}});
        app.send(Method::POST, &format!("/api/v1/storage/{request}"), body).await
    };

    let put = upload(id(&open), "folder").await;
    let sealed = upload(id(&locked), "folder").await.0;
    let nowhere = upload(id(&open), "other").await;
    let of_nobody = upload("pri_x", "folder").await;
    let path = format!("/api/v1/storage/{}", id(&open));
    let shapeless = app.send(Method::POST, &path, json!({"storage_key": "folder", "data": []})).await.0;
    let (_, log) = app.get(&format!("/api/v1/privacy-request/{}/log", id(&open))).await;

    assert_eq!(put, (StatusCode::CREATED, json!({"location": "your local fides_uploads folder"})));
    let text = file(&app, &format!("{}.json", id(&open)));
    assert!(text.contains("12.5") && text.starts_with("{\n  \"shop:orders\""), "{text}");
    assert_eq!(sealed, StatusCode::CREATED);
    assert!(!file(&app, &format!("{}.json", id(&locked))).contains("orders"), "it lies there in the clear");
    let text = "No configuration with key other.";
    assert_eq!(nowhere, (StatusCode::NOT_FOUND, json!({"detail": text})));
    let text = "No privacy with id pri_x.";
    assert_eq!(of_nobody, (StatusCode::NOT_FOUND, json!({"detail": text})));
    assert_eq!(shapeless, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(log.to_string().contains("data put into `folder` by hand"), "{log}");
}

// rule: fides-api 11.7
#[tokio::test]
async fn patterns_of_hidden_names_are_replaced_as_a_whole_and_bad_ones_told_by_their_place() {
    let app = started().await;
    let path = "/api/v1/privacy-request/redaction-patterns";
    let put = async |patterns: Value| app.send(Method::PUT, path, json!({"patterns": patterns})).await;

    let before = app.get(path).await;
    let first = put(json!(["^internal", "secret"])).await;
    let second = put(json!(["b", "a"])).await.0;
    let after = app.get(path).await.1;
    let (bad, reply) = put(json!(["fine", "("])).await;
    let many = put(json!(vec!["a"; 101])).await.0;
    let shapeless = put(json!("a")).await.0;
    let reader = app.with_scopes(&[api::Scope::PrivacyRequestRedactionPatternsRead]).await;
    let refused = reader.send(Method::PUT, path, json!({"patterns": []})).await.0;

    assert_eq!(before, (StatusCode::OK, json!({"patterns": []})));
    assert_eq!(first, (StatusCode::OK, json!({"patterns": ["^internal", "secret"]})));
    assert_eq!((second, after), (StatusCode::OK, json!({"patterns": ["b", "a"]})));
    assert_eq!(
        (bad, &reply["detail"][0]["loc"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!(["body", "patterns", 1]))
    );
    assert_eq!([many, shapeless], [StatusCode::UNPROCESSABLE_ENTITY; 2]);
    assert_eq!(refused, StatusCode::FORBIDDEN);
    assert_eq!(app.get(path).await.1, json!({"patterns": ["b", "a"]}), "bad ones change nothing");
}

// rule: fides-api 11.3
#[rstest]
#[case::by_when_the_person_asked("requested_at", "asc", &[1, 0])]
#[case::the_other_way("requested_at", "desc", &[0, 1])]
#[case::by_the_callers_id("external_id", "asc", &[1, 0])]
#[case::by_their_age("created_at", "asc", &[0, 1])]
#[tokio::test]
async fn requests_are_sorted_by_what_is_asked_for(
    #[case] field: &str,
    #[case] direction: &str,
    #[case] order: &[usize],
) {
    let app = started().await;
    let mut ids = Vec::new();
    for (name, asked) in [("z", "2026-02-01T00:00:00Z"), ("a", "2026-01-01T00:00:00Z")] {
        let body = json!({
            "policy_key": "access",
            "identity": {"email": "ana@example.com"},
            "external_id": name,
            "requested_at": asked,
        });
        ids.push(id(&made_with(&app, body).await).to_owned());
        app.clock().advance(std::time::Duration::from_secs(1));
    }

    let found = found(&app, json!({"sort_field": field, "sort_direction": direction})).await;
    let query = format!("/api/v1/privacy-request?sort_field={field}&sort_direction={direction}");
    let (_, listed) = app.get(&query).await;

    let expected: Vec<String> = order.iter().map(|at| ids[*at].clone()).collect();
    assert_eq!(found, expected);
    assert_eq!(listed["items"][0]["id"], expected[0].as_str());
}

// rule: fides-api 11.3
#[tokio::test]
async fn a_field_that_requests_do_not_have_sorts_nothing() {
    let app = started().await;

    let reply =
        app.send(Method::POST, "/api/v1/privacy-request/search", json!({"sort_field": "identity"})).await;

    let text = json!({"detail": "identity is not on PrivacyRequest"});
    assert_eq!(reply, (StatusCode::UNPROCESSABLE_ENTITY, text));
}

// rule: fides-api 11.7
#[tokio::test]
async fn vendors_are_written_to_when_somebody_says_so_who_may() {
    let app = started().await;
    let path = "/api/v1/privacy-request/administrate/process-awaiting-email-send";

    let nobody_waits = app.send(Method::POST, path, json!(null)).await;
    let refused = app.with_scopes(&[api::Scope::PrivacyRequestReview]).await;
    let refused = refused.send(Method::POST, path, json!(null)).await.0;

    let text = "0 messages to vendors are on their way, about 0 privacy requests";
    assert_eq!(nobody_waits, (StatusCode::OK, json!({"message": text})));
    assert_eq!(refused, StatusCode::FORBIDDEN);
}
