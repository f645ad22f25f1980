//! What happens around every call.

use std::net::SocketAddr;
use std::time::Duration;

use api::RateLimit;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::app::{App, Reply};

const JSON: &str = "application/json";

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_whatever_the_caller_sends() {
    let app = App::start().await;
    let chosen = Request::get("/health").header("x-request-id", "chosen").body(Body::empty()).unwrap();

    let first = app.call_raw(chosen).await;
    let second = app.call(Method::GET, "/nowhere", JSON, "").await;

    assert!(uuid::Uuid::parse_str(first.header("x-request-id")).is_ok(), "{:?}", first.headers);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(second.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn answers_of_every_kind_carry_the_security_headers() {
    let app = App::start().await;

    let replies = [
        app.call(Method::GET, "/health", JSON, "").await,
        app.call(Method::GET, "/nowhere", JSON, "").await,
        app.without_token().call(Method::GET, "/api/v1/oauth/client", JSON, "").await,
        app.call(Method::DELETE, "/health", JSON, "").await,
    ];

    for reply in replies {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"));
    }
}

#[tokio::test]
async fn only_pages_of_listed_origins_may_read_answers() {
    let origins = vec!["https://console.example.com".to_owned(), "*".to_owned()];
    let app = App::start_with(|settings| settings.cors_origins = origins).await;
    let from = async |origin: &str| {
        let request = Request::get("/health").header("origin", origin).body(Body::empty()).unwrap();
        app.call_raw(request).await
    };

    let listed = from("https://console.example.com").await;
    let other = from("https://console.example.com.evil.example").await;

    assert_eq!(listed.header("access-control-allow-origin"), "https://console.example.com");
    assert_eq!(other.header("access-control-allow-origin"), "");
    assert_eq!(listed.header("access-control-allow-credentials"), "");
}

async fn health_from(app: &App, address: [u8; 4], header: &str) -> Reply {
    let mut request = Request::get("/health").header("x-forwarded-for", header).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 40_000))));
    app.call_raw(request).await
}

// rule: fides-api 1.1
#[tokio::test]
async fn an_address_that_calls_too_often_waits_and_no_header_helps_it() {
    let limit = RateLimit { calls: 2, per: Duration::from_mins(1) };
    let app = App::start_with(|settings| settings.request_rate_limit = limit).await;
    for _ in 0..2 {
        health_from(&app, [198, 51, 100, 7], "192.0.2.9").await;
    }

    let third = health_from(&app, [198, 51, 100, 7], "192.0.2.10").await;
    let other = health_from(&app, [198, 51, 100, 8], "192.0.2.9").await;
    app.clock().advance(Duration::from_secs(61));
    let later = health_from(&app, [198, 51, 100, 7], "192.0.2.9").await;

    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(third.header("retry-after"), "60");
    assert_eq!(third.json(), json!({"detail": "too many calls; wait 60 seconds"}));
    assert_eq!((other.status, later.status), (StatusCode::OK, StatusCode::OK));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_or_not_it_says_so() {
    let app = App::start_with(|settings| settings.body_bytes = 64).await;
    let large = format!("[{}]", "1,".repeat(100));
    let pieces = (0..50).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(b"[[[[")));
    let stream = Body::from_stream(futures::stream::iter(pieces));
    let token = app.token(api::Scope::ALL).await;
    let silent = Request::post("/api/v1/oauth/client")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", JSON)
        .body(stream)
        .unwrap();

    let said = app.call(Method::POST, "/api/v1/oauth/client", JSON, large).await;
    let unsaid = app.call_raw(silent).await;

    assert_eq!((said.status, unsaid.status), (StatusCode::PAYLOAD_TOO_LARGE, StatusCode::PAYLOAD_TOO_LARGE));
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let app = App::start_with(|settings| settings.call_time = Duration::from_millis(50)).await;
    let token = app.token(api::Scope::ALL).await;
    let stuck = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let request = Request::post("/api/v1/oauth/client")
        .header("authorization", format!("Bearer {token}"))
        .body(stuck)
        .unwrap();

    let reply = app.call_raw(request).await;

    assert_eq!(reply.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn a_method_that_is_not_there_is_answered_with_those_that_are() {
    let app = App::start().await;

    let reply = app.call(Method::DELETE, "/health", JSON, "").await;

    assert_eq!((reply.status, reply.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET"));
    assert_eq!(reply.json(), json!({"detail": "Method Not Allowed"}));
}

#[tokio::test]
async fn a_nul_in_the_address_reaches_no_database() {
    let app = App::start().await;

    let path = app.get("/api/v1/oauth/client/a%00b").await;
    let query = app.get("/api/v1/user?username=a%00b").await;

    assert_eq!((path.0, query.0), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
}
