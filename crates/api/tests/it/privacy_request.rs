//! Privacy requests: made, found, decided, followed (fides-api 11).

mod bulk;
mod callback;
mod create;
mod followed;
mod operate;
mod polling;
mod search;
mod single;
mod unknown;
mod wish;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::App;

/// An interface with a policy for access and one for erasure; each request waits for a person.
pub(super) async fn started() -> App {
    let app = App::start().await;
    let policies = json!([
        {"name": "Access", "key": "access", "action_type": "access", "execution_timeframe": 45},
        {"name": "Erasure", "key": "erasure", "action_type": "erasure"},
    ]);
    let (status, reply) = app.send(Method::PATCH, "/api/v1/dsr/policy", policies).await;
    assert_eq!((status, reply["failed"].clone()), (StatusCode::OK, json!([])), "{reply}");
    set(&app, "require_manual_request_approval", true).await;
    app
}

/// Sets a key of `execution`.
pub(super) async fn set(app: &App, key: &str, value: bool) {
    let change = json!({"execution": {key: value}});
    assert_eq!(app.send(Method::PATCH, "/api/v1/config", change).await.0, StatusCode::OK);
}

/// Makes a request for Ana under the access policy, and returns it.
pub(super) async fn made(app: &App) -> Value {
    made_with(app, json!({"policy_key": "access", "identity": {"email": "ana@example.com"}})).await
}

/// Makes a request, and returns it.
pub(super) async fn made_with(app: &App, request: Value) -> Value {
    let path = "/api/v1/privacy-request/authenticated";
    let (status, mut reply) = app.send(Method::POST, path, json!([request])).await;
    assert_eq!((status, reply["failed"].clone()), (StatusCode::OK, json!([])), "{reply}");
    reply["succeeded"][0].take()
}

/// The id of a request.
pub(super) fn id(request: &Value) -> &str {
    request["id"].as_str().unwrap()
}

/// The request as it is now.
pub(super) async fn now(app: &App, request: &Value) -> Value {
    let (status, reply) = app.get(&format!("/api/v1/privacy-request/{}", id(request))).await;
    assert_eq!(status, StatusCode::OK, "{reply}");
    reply
}

/// The ids that a search finds, in order.
pub(super) async fn found(app: &App, search: Value) -> Vec<String> {
    let (status, reply) = app.send(Method::POST, "/api/v1/privacy-request/search", search).await;
    assert_eq!(status, StatusCode::OK, "{reply}");
    reply["items"].as_array().unwrap().iter().map(|item| id(item).to_owned()).collect()
}
