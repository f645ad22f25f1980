//! Corrections, and limits raised for one plan, as callers ask for them.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{found, id, made_with, now, started};
use crate::app::App;

const WITH_TOKEN: &str = "/api/v1/privacy-request/authenticated";

/// The same with a policy that allows to correct names.
async fn with_corrections() -> App {
    let app = started().await;
    let rule = json!({"name": "Names", "key": "names", "action_type": "rectification", "targets": [{"data_category": "user.name"}]});
    let policy = json!([{"name": "Correct", "key": "correct", "rules": [rule]}]);
    let (status, reply) = app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await;
    assert_eq!((status, &reply["failed"]), (StatusCode::OK, &json!([])), "{reply}");
    app
}

fn correction() -> Value {
    json!({
        "policy_key": "correct",
        "identity": {"email": "ana@example.com"},
        "corrections": [{"field": "customers.name", "value": "canary-Anna"}],
    })
}

#[tokio::test]
async fn a_correction_is_taken_and_its_values_are_told_to_nobody() {
    let app = with_corrections().await;

    let request = made_with(&app, correction()).await;

    let (_, log) = app.get("/api/v1/audit-log?size=100").await;
    let read = now(&app, &request).await;
    assert_eq!(read["policy"]["rules"][0]["action_type"], "rectification");
    assert_eq!(found(&app, json!({"action_type": ["rectification"]})).await, [id(&request)]);
    for shown in [&request, &read, &log] {
        assert!(!shown.to_string().contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_corrected_or_limited_is_not_made() {
    let app = with_corrections().await;
    let person = json!({"email": "ana@example.com"});
    let change = json!([{"field": "customers.name", "value": "Anna"}]);
    let failed = async |element: Value| {
        let (status, reply) = app.send(Method::POST, WITH_TOKEN, json!([element])).await;
        assert_eq!((status, &reply["succeeded"]), (StatusCode::OK, &json!([])), "{reply}");
        reply["failed"][0]["message"].as_str().unwrap().to_owned()
    };

    let nothing = failed(json!({"policy_key": "correct", "identity": person})).await;
    let no_rule = failed(json!({"policy_key": "erasure", "identity": person, "corrections": change})).await;
    let no_plan =
        failed(json!({"policy_key": "access", "identity": person, "limits": {"max_writes": 9}})).await;
    let (_, anybody) =
        app.without_token().send(Method::POST, "/api/v1/privacy-request", json!([correction()])).await;

    assert!(nothing.contains("in `corrections`"), "{nothing}");
    assert!(no_rule.contains("no rectification rules"), "{no_rule}");
    assert!(no_plan.contains("changes nothing"), "{no_plan}");
    let anybody = anybody["failed"][0]["message"].as_str().unwrap();
    assert!(anybody.contains("callers with a token"), "{anybody}");
}

#[tokio::test]
async fn what_has_not_the_form_is_told_with_its_place_and_without_its_value() {
    let app = with_corrections().await;
    let elements = json!([
        {"policy_key": "correct", "identity": {"email": "ana@example.com"}, "corrections": [{"field": "a.b"}]},
    ]);
    let limits = json!([
        {"policy_key": "erasure", "identity": {"email": "ana@example.com"}, "limits": {"max_share_of_table": 2}},
        {"policy_key": "erasure", "identity": {"email": "ana@example.com"}, "limits": {"most": 2}},
    ]);
    let long = json!([{"policy_key": "correct", "identity": {"email": "ana@example.com"},
        "corrections": [{"field": "", "value": format!("canary-{}", "x".repeat(10_001))}]}]);

    let (status, missing) = app.send(Method::POST, WITH_TOKEN, elements).await;
    let (_, limits) = app.send(Method::POST, WITH_TOKEN, limits).await;
    let (_, long) = app.send(Method::POST, WITH_TOKEN, long).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(missing["detail"][0]["loc"], json!(["body", 0, "corrections", 0, "value"]), "{missing}");
    assert_eq!(limits["detail"][0]["loc"], json!(["body", 1, "limits", "most"]), "{limits}");
    let places: Vec<&Value> = long["detail"].as_array().unwrap().iter().map(|one| &one["loc"]).collect();
    let expected =
        [json!(["body", 0, "corrections", 0, "field"]), json!(["body", 0, "corrections", 0, "value"])];
    assert_eq!(places, expected.iter().collect::<Vec<_>>());
    assert!(!long.to_string().contains("canary"), "{long}");
}

#[tokio::test]
async fn a_server_that_carries_nothing_out_has_no_journal_to_replay() {
    let app = started().await;

    let (wrong, list) =
        app.send(Method::POST, "/api/v1/privacy-request/replay", json!({"since": "yesterday"})).await;
    let (status, reply) =
        app.send(Method::POST, "/api/v1/privacy-request/replay", json!({"since": "2026-03-01"})).await;

    assert_eq!(
        (wrong, &list["detail"][0]["loc"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!(["body", "since"]))
    );
    assert_eq!(status, StatusCode::NOT_IMPLEMENTED, "{reply}");
}
