//! Whether the server works.

use http::StatusCode;
use serde_json::json;

use crate::app::App;

// rule: fides-api 14.5
#[tokio::test]
async fn health_needs_no_token_and_names_the_version() {
    let app = App::start().await.without_token();

    let (status, body) = app.get("/health").await;

    assert_eq!(status, StatusCode::OK);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(body, json!({"webserver": "healthy", "version": version, "cache": "no cache configured"}));
}

// rule: fides-api 14.5
#[tokio::test]
async fn the_database_says_its_revision_and_connections() {
    let app = App::start().await.without_token();

    let (status, body) = app.get("/health/database").await;

    assert_eq!((status, &body["database"]), (StatusCode::OK, &json!("healthy")));
    assert!(body["database_revision"].as_str().unwrap().parse::<u64>().unwrap() >= 5);
    assert_eq!(body["pools"][0]["name"], "writer");
}

// rule: fides-api 14.5
#[tokio::test]
async fn without_its_database_the_server_is_not_healthy_and_does_not_say_why() {
    let app = App::start().await.without_token();
    app.store().close().await;

    let health = app.get("/health").await;
    let database = app.get("/health/database").await;

    let unhealthy = json!({"detail": {"database": "unhealthy", "database_revision": null}});
    assert_eq!(health, (StatusCode::SERVICE_UNAVAILABLE, unhealthy.clone()));
    assert_eq!(database, (StatusCode::SERVICE_UNAVAILABLE, unhealthy));
}
