//! What the server tells those who look after it.

use std::time::Duration;

use api::{Scope, Telemetry};
use http::{Method, StatusCode};
use serde_json::json;
use store::WorkerReport;

use crate::app::App;

async fn worker(app: &App, name: &str) {
    let report = WorkerReport { name: name.to_owned(), version: "1.2.3".to_owned(), slots: 4, busy: 1 };
    app.store().worker_seen(&report).await.unwrap();
}

// rule: fides-api 14.5
#[tokio::test]
async fn workers_are_shown_while_they_are_seen() {
    let app = App::start().await;
    let none = app.without_token().get("/health/workers").await;
    worker(&app, "worker_1").await;

    let (_, seen) = app.without_token().get("/health/workers").await;
    let (code, stats) = app.get("/api/v1/worker-stats").await;
    app.clock().advance(Duration::from_mins(1));
    let gone = app.without_token().get("/health/workers").await;

    let nobody = json!({"workers_enabled": false, "workers": [], "queue_counts": {"privacy_requests": 0}});
    assert_eq!(none, (StatusCode::OK, nobody.clone()));
    assert_eq!(seen["workers"], json!(["worker_1"]));
    assert_eq!(seen["workers_enabled"], true);
    assert_eq!(code, StatusCode::OK);
    assert_eq!(stats["queues"]["privacy_requests"], json!({"messages": 0, "held": 0}));
    assert_eq!(stats["workers"]["worker_1"]["slots"], 4);
    assert_eq!(stats["workers"]["worker_1"]["privacy_requests"], json!([]));
    assert_eq!(gone, (StatusCode::OK, nobody));
}

#[tokio::test]
async fn a_server_that_ends_wants_no_calls_and_answers_those_that_come() {
    let telemetry = Telemetry::default();
    let given = telemetry.clone();
    let app = App::start_with(|settings| settings.telemetry = given).await.without_token();
    let before = app.get("/ready").await;

    telemetry.end();

    let (status, body) = app.get("/ready").await;
    assert_eq!(before, (StatusCode::OK, json!({"ready": true})));
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, json!({"detail": {"ready": false, "reason": "the server is ending"}}));
    assert_eq!(app.get("/health").await.0, StatusCode::OK);
}

#[tokio::test]
async fn without_its_database_a_server_lives_and_wants_no_calls() {
    let app = App::start().await.without_token();
    app.store().close().await;

    let live = app.get("/live").await;
    let (status, body) = app.get("/ready").await;

    assert_eq!(live, (StatusCode::OK, json!({"live": true})));
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["detail"]["reason"], "the database does not answer");
}

#[tokio::test]
async fn numbers_are_for_those_who_may_look_at_workers() {
    let app = App::start_with(|settings| settings.telemetry = Telemetry::new(|| "up 1\n".to_owned())).await;
    let call = async |app: App| app.call(Method::GET, "/metrics", "text/plain", "").await;

    let may = call(app.with_scopes(&[Scope::WorkerStatsRead]).await).await;
    let lacks = call(app.with_scopes(&[Scope::ConfigRead]).await).await;
    let without = call(app.without_token()).await;

    assert_eq!((may.status, may.text().as_str()), (StatusCode::OK, "up 1\n"));
    assert!(may.header("content-type").starts_with("text/plain; version=0.0.4"));
    assert_eq!((lacks.status, without.status), (StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED));
}
