//! Tokens for programs.

use std::net::SocketAddr;
use std::time::Duration;

use api::{ApiSettings, RootClient, Scope};
use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine as _;
use crypto::Secret;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::{App, ROOT_ID, ROOT_SECRET, Reply};

const FORM: &str = "application/x-www-form-urlencoded";
const PATH: &str = "/api/v1/oauth/token";

impl App {
    /// Asks for a token with a form.
    pub(crate) async fn ask_token(&self, form: &str) -> Reply {
        self.without_token().call(Method::POST, PATH, FORM, form).await
    }

    /// A client with these scopes, made over the interface: its id and secret.
    pub(crate) async fn new_client(&self, scopes: &[&str]) -> (String, String) {
        let (status, client) = self.send(Method::POST, "/api/v1/oauth/client", json!(scopes)).await;
        assert_eq!(status, StatusCode::OK, "{client}");
        let text = |key: &str| client.get(key).unwrap().as_str().unwrap().to_owned();
        (text("client_id"), text("client_secret"))
    }

    /// The same interface, called with the token that this form gets.
    pub(crate) async fn signed_in_with(&self, id: &str, secret: &str) -> Self {
        let reply = self.ask_token(&format!("client_id={id}&client_secret={secret}")).await;
        self.with_token(reply.json().get("access_token").unwrap().as_str().unwrap())
    }
}

fn from(address: [u8; 4]) -> ConnectInfo<SocketAddr> {
    ConnectInfo(SocketAddr::from((address, 40_000)))
}

#[tokio::test]
async fn a_client_gets_a_token_that_lasts_as_long_as_it_says() {
    let app = App::start().await;
    let (id, secret) = app.new_client(&["client:read"]).await;

    let reply =
        app.ask_token(&format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")).await;

    let token = reply.json();
    assert_eq!(reply.status, StatusCode::OK, "{token}");
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 11_520 * 60);
    assert!(token["expires_at"].as_str().unwrap().ends_with('Z'));
    let caller = app.with_token(token["access_token"].as_str().unwrap());
    assert_eq!(caller.get("/api/v1/oauth/client").await.0, StatusCode::OK);
    app.clock().advance(Duration::from_hours(192));
    let (status, body) = caller.get("/api/v1/oauth/client").await;
    assert_eq!((status, &body["detail"]), (StatusCode::FORBIDDEN, &json!("Not Authorized for this action")));
}

#[tokio::test]
async fn the_pair_may_come_as_http_basic_without_a_body() {
    let app = App::start().await;
    let (id, secret) = app.new_client(&[]).await;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));

    let request = Request::post(PATH).header(AUTHORIZATION, format!("Basic {pair}")).body(Body::empty());
    let reply = app.call_raw(request.unwrap()).await;

    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
}

#[rstest]
#[case("")]
#[case("client_id=cli_nobody&client_secret=x")]
#[case("client_id=root-client&client_secret=x")]
#[case("client_id=root-client")]
#[case("client_secret=canary-root-secret")]
#[case("client_id=%00&client_secret=%00")]
#[case("client_id=root-client&client_id=root-client&client_secret=canary-root-secret")]
#[tokio::test]
async fn wrong_or_missing_credentials_fail_with_one_text(#[case] form: &str) {
    let app = App::start().await;

    let reply = app.ask_token(form).await;

    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json(), json!({"detail": "Authentication Failure"}));
}

#[tokio::test]
async fn a_form_sent_as_json_is_no_form_and_another_grant_is_told() {
    let app = App::start().await.without_token();
    let pair = format!("client_id={ROOT_ID}&client_secret={ROOT_SECRET}");

    let as_json = app.call(Method::POST, PATH, "application/json", pair.clone()).await;
    let other = app.ask_token(&format!("{pair}&grant_type=password")).await;

    assert_eq!(as_json.status, StatusCode::UNAUTHORIZED);
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.json()["detail"][0]["loc"], json!(["body", "grant_type"]));
}

#[tokio::test]
async fn the_root_client_has_all_scopes_or_those_that_it_asks_for() {
    let app = App::start().await;
    let form = format!("client_id={ROOT_ID}&client_secret={ROOT_SECRET}");

    let all = app.signed_in_with(ROOT_ID, ROOT_SECRET).await;
    let some = app.ask_token(&format!("{form}&scope=scope:read+client:read")).await.json();
    let unknown = app.ask_token(&format!("{form}&scope=everything")).await;

    assert_eq!(all.get("/api/v1/user").await.0, StatusCode::OK);
    let some = app.with_token(some["access_token"].as_str().unwrap());
    assert_eq!(some.get("/api/v1/oauth/scope").await.0, StatusCode::OK);
    assert_eq!(some.get("/api/v1/user").await.0, StatusCode::FORBIDDEN);
    assert_eq!(unknown.status, StatusCode::FORBIDDEN);
    assert!(unknown.json()["detail"].as_str().unwrap().starts_with("Invalid Scope. Scopes must be one of ["));
}

#[tokio::test]
async fn without_a_root_client_in_the_settings_nobody_gets_in_as_one() {
    let app = App::start_with(|settings: &mut ApiSettings| settings.root_client = None).await;

    let reply = app.ask_token(&format!("client_id={ROOT_ID}&client_secret={ROOT_SECRET}")).await;

    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn tokens_of_the_root_client_end_when_the_settings_name_another_secret() {
    let app = App::start().await;
    let root = app.signed_in_with(ROOT_ID, ROOT_SECRET).await;
    let other = RootClient { id: ROOT_ID.to_owned(), secret: Secret::new("other".to_owned()) };

    let changed = root.restarted(|settings| settings.root_client = Some(other));
    let gone = root.restarted(|settings| settings.root_client = None);
    let same = root.restarted(|_| {});

    assert_eq!(same.get("/api/v1/user").await.0, StatusCode::OK);
    assert_eq!(changed.get("/api/v1/user").await.0, StatusCode::FORBIDDEN);
    assert_eq!(gone.get("/api/v1/user").await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_address_may_ask_ten_times_a_minute_whatever_it_says_of_itself() {
    let app = App::start().await;
    let ask = async |address, forwarded: &str| {
        let request = Request::post(PATH)
            .header(CONTENT_TYPE, FORM)
            .header("X-Forwarded-For", forwarded)
            .header("Forwarded", format!("for={forwarded}"))
            .extension(from(address))
            .body(Body::from("client_id=x&client_secret=y"));
        app.call_raw(request.unwrap()).await
    };
    for number in 0..10 {
        let reply = ask([192, 0, 2, 7], &format!("198.51.100.{number}")).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }

    let refused = ask([192, 0, 2, 7], "198.51.100.99").await;
    let other = ask([192, 0, 2, 8], "198.51.100.99").await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("Retry-After").is_empty());
    assert_eq!(other.status, StatusCode::UNAUTHORIZED);
    app.clock().advance(Duration::from_mins(1));
    assert_eq!(ask([192, 0, 2, 7], "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_secrets_of_the_root_client_are_limited_from_wherever_they_come() {
    let app = App::start().await;
    let ask = async |host: u8, secret: &str| {
        let request = Request::post(PATH)
            .header(CONTENT_TYPE, FORM)
            .extension(from([198, 51, 100, host]))
            .body(Body::from(format!("client_id={ROOT_ID}&client_secret={secret}")));
        app.call_raw(request.unwrap()).await.status
    };
    for host in 0..15 {
        assert_eq!(ask(host, ROOT_SECRET).await, StatusCode::OK);
    }
    for host in 20..30 {
        assert_eq!(ask(host, "wrong").await, StatusCode::UNAUTHORIZED);
    }

    let refused = ask(40, ROOT_SECRET).await;

    assert_eq!(refused, StatusCode::TOO_MANY_REQUESTS);
    app.clock().advance(Duration::from_mins(1));
    assert_eq!(ask(40, ROOT_SECRET).await, StatusCode::OK);
}

#[tokio::test]
async fn scopes_and_roles_are_listed_to_whoever_may_read_them() {
    let app = App::start().await;
    let reader = app.with_scopes(&[Scope::ScopeRead]).await;
    let other = app.with_scopes(&[Scope::ClientRead]).await;

    let (_, scopes) = reader.get("/api/v1/oauth/scope").await;
    let (_, roles) = reader.get("/api/v1/oauth/role").await;

    assert_eq!(scopes.as_array().unwrap().len(), Scope::ALL.len());
    assert_eq!(roles["owner"], scopes);
    assert_eq!(roles["external_respondent"], json!(["privacy-request:manual-steps:respond"]));
    let has = |role: &str, scope: &str| roles[role].as_array().unwrap().contains(&Value::from(scope));
    assert!(has("contributor", "connection:create_or_update") && !has("contributor", "storage:delete"));
    assert!(has("viewer", "scope:read") && !has("viewer", "privacy-request:read"));
    for path in ["/api/v1/oauth/scope", "/api/v1/oauth/role"] {
        assert_eq!(other.get(path).await.0, StatusCode::FORBIDDEN);
    }
}
