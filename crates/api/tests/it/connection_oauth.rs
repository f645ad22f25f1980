//! Connections that a person authorizes, against a real authorization server.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use api::Scope;
use axum::body::Body;
use http::header::{AUTHORIZATION, HOST, LOCATION, REFERER};
use http::{Method, Request, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Answer, FakeSaas};
use url::Url;

use crate::app::{App, Reply};

const REDIRECT: &str = "http://127.0.0.1:9/api/v1/oauth/callback";
const CONSOLE: &str = "https://console.example.com";

/// A connector file for an application at `host` that people authorize.
fn file(host: &str) -> Value {
    let basic = json!({"strategy": "basic", "configuration": {"username": "<client_id>", "password": "<client_secret>"}});
    let form = json!([{"name": "Content-Type", "value": "application/x-www-form-urlencoded"}]);
    let client = json!({"protocol": "http", "host": host, "authentication": basic});
    let param = |name: &str, value: &str| json!({"name": name, "value": value});
    json!({
        "fides_key": "profiles", "name": "Profiles", "type": "profiles_of_tests", "description": "x", "version": "1.0.0",
        "connector_params": [{"name": "client_id"}, {"name": "client_secret", "sensitive": true}, {"name": "redirect_uri"}],
        "client_config": {"protocol": "http", "host": host, "authentication": {
            "strategy": "oauth2_authorization_code",
            "configuration": {
                "authorization_request": {"method": "GET", "path": "/auth", "query_params": [
                    param("client_id", "<client_id>"), param("redirect_uri", "<redirect_uri>"), param("response_type", "code"),
                    param("scope", "openid offline_access"), param("prompt", "consent"), param("state", "<state>")
                ]},
                "token_request": {"method": "POST", "path": "/token", "headers": form, "client_config": client,
                    "body": "{\"grant_type\": \"authorization_code\", \"code\": \"<code>\", \"redirect_uri\": \"<redirect_uri>\"}"},
                "refresh_request": {"method": "POST", "path": "/token", "headers": form, "client_config": client,
                    "body": "{\"grant_type\": \"refresh_token\", \"refresh_token\": \"<refresh_token>\"}"}
            }
        }},
        "test_request": {"method": "GET", "path": "/me"},
        "endpoints": []
    })
}

impl App {
    /// A connection to the application at `host`, as the client `client_id`.
    async fn profiles(&self, host: &str, client_id: &str) {
        let connection =
            json!([{"key": "profiles", "name": "Profiles", "connection_type": "saas", "access": "read"}]);
        let (status, _) = self.send(Method::PATCH, "/api/v1/connection", connection).await;
        assert_eq!(status, StatusCode::OK);
        let (status, reply) =
            self.send(Method::PATCH, "/api/v1/connection/profiles/saas_config", file(host)).await;
        assert_eq!(status, StatusCode::OK, "{reply}");
        self.secrets(json!({
            "client_id": client_id, "client_secret": "canary-client-secret", "redirect_uri": REDIRECT
        }))
        .await;
    }

    async fn secrets(&self, secrets: Value) {
        let path = "/api/v1/connection/profiles/secret?verify=false";
        let (status, reply) = self.send(Method::PUT, path, secrets).await;
        assert_eq!(status, StatusCode::OK, "{reply}");
    }

    /// Where the person is sent.
    async fn authorize(&self) -> Url {
        let (status, url) = self.get("/api/v1/connection/profiles/authorize").await;
        assert_eq!(status, StatusCode::OK, "{url}");
        url.as_str().unwrap().parse().unwrap()
    }

    /// The person comes back as the vendor's site says, without a token of this server.
    async fn come_back(&self, query: &str) -> Reply {
        let path = format!("/api/v1/oauth/callback?{query}");
        self.without_token().call(Method::GET, &path, "application/json", Vec::new()).await
    }

    async fn is_authorized(&self) -> bool {
        self.get("/api/v1/connection/profiles").await.1["authorized"] == json!(true)
    }

    async fn test_status(&self) -> Value {
        self.get("/api/v1/connection/profiles/test").await.1["test_status"].clone()
    }
}

/// The authorization server, `HOST:PORT`; `None` without one to test with.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn provider() -> Option<String> {
    let Ok(issuer) = std::env::var("TUTELA_TEST_OIDC") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "TUTELA_TEST_OIDC is not set; `cargo xtask test` starts a server"
        );
        println!("skipped: TUTELA_TEST_OIDC is not set; `cargo xtask test` starts a server");
        return None;
    };
    Some(issuer.trim_start_matches("http://").to_owned())
}

/// A browser: follows redirects with its cookies until it is sent back to us; gives the query of that.
fn browse(start: &Url) -> String {
    let mut cookies = BTreeMap::new();
    let mut url = start.clone();
    for _ in 0..12 {
        let (status, headers) = fetch(&url, &cookies);
        assert!((300..400).contains(&status), "{status} from {url}");
        for (name, value) in &headers {
            if name == "set-cookie" {
                let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = headers.iter().find(|(name, _)| name == LOCATION.as_str()).unwrap();
        url = url.join(&location.1).unwrap();
        if url.as_str().starts_with(REDIRECT) {
            return url.query().unwrap().to_owned();
        }
    }
    panic!("the authorization server sends in circles");
}

fn fetch(url: &Url, cookies: &BTreeMap<String, String>) -> (u16, Vec<(String, String)>) {
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let target = &url[url::Position::BeforePath..];
    let mut stream = TcpStream::connect(&host).unwrap();
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {}\r\nConnection: close\r\n\r\n",
        jar.join("; ")
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).into_owned();
    let head = text.split("\r\n\r\n").next().unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    (status, headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect())
}

async fn browsed(start: Url) -> String {
    tokio::task::spawn_blocking(move || browse(&start)).await.unwrap()
}

/// What a query has under `name`.
fn member(query: &str, name: &str) -> String {
    let url = Url::parse(&format!("http://x.test/?{query}")).unwrap();
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

// rule: saas-config 6.24
// rule: saas-config 6.25
#[tokio::test]
async fn person_authorizes_a_connection_at_a_real_server_and_it_works_from_then_on() {
    let Some(host) = provider() else { return };
    let app = App::start().await;
    app.profiles(&host, "tutela-connection").await;
    assert_eq!(app.test_status().await, "failed", "nobody has agreed yet");

    let query = browsed(app.authorize().await).await;
    let reply = app.come_back(&query).await;

    assert_eq!(
        (reply.status, reply.header("cache-control")),
        (StatusCode::OK, "no-store"),
        "{}",
        reply.text()
    );
    assert!(reply.text().contains("its test succeeded"), "{}", reply.text());
    assert!(app.is_authorized().await);
    assert_eq!(app.test_status().await, "succeeded");
    let again = app.come_back(&query).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "a state holds once");
}

// rule: saas-config 6.26
#[tokio::test]
async fn short_lived_token_of_a_real_server_is_refreshed_with_the_newest_refresh_token() {
    let Some(host) = provider() else { return };
    let app = App::start().await;
    app.profiles(&host, "tutela-short").await;
    let query = browsed(app.authorize().await).await;

    let reply = app.come_back(&query).await;

    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    for turn in 0..3 {
        assert_eq!(app.test_status().await, "succeeded", "turn {turn}: each refresh token is good once");
    }
}

#[tokio::test]
async fn person_who_does_not_agree_leaves_the_connection_as_it_was() {
    let Some(host) = provider() else { return };
    let app = App::start().await;
    app.profiles(&host, "tutela-connection").await;
    let mut url = app.authorize().await;
    url.query_pairs_mut().append_pair("login_hint", "refuse");

    let reply = app.come_back(&browsed(url).await).await;

    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.text().contains("access_denied: the person does not consent"), "{}", reply.text());
    assert!(!app.is_authorized().await);
}

/// An application of tests that gives `token` for any code.
async fn vendor(token: Answer) -> FakeSaas {
    let vendor = FakeSaas::start().await;
    vendor.on("POST", "/token").then(token);
    vendor.on("GET", "/me").then(Answer::json(200, &json!({})));
    vendor
}

fn given() -> Answer {
    Answer::json(200, &json!({"access_token": "canary-access-token", "expires_in": 3600}))
}

#[rstest]
#[case::listed(CONSOLE, Some("https://console.example.com/integrations/profiles?status=succeeded"))]
#[case::own(
    "http://tutela.example.com",
    Some("http://tutela.example.com/integrations/profiles?status=succeeded")
)]
#[case::foreign("https://evil.test", None)]
#[tokio::test]
async fn person_is_sent_back_to_a_console_that_may_call_and_to_nowhere_else(
    #[case] origin: &str,
    #[case] expected: Option<&str>,
) {
    let app = App::start_with(|settings| settings.cors_origins = vec![CONSOLE.to_owned()]).await;
    let vendor = vendor(given()).await;
    app.profiles(&vendor.host_port(), "c").await;
    let request = Request::get("/api/v1/connection/profiles/authorize")
        .header(AUTHORIZATION, format!("Bearer {}", app.token(Scope::ALL).await))
        .header(HOST, "tutela.example.com")
        .header(REFERER, format!("{origin}/systems?secret=1"));
    let url: Url =
        app.call_raw(request.body(Body::empty()).unwrap()).await.json().as_str().unwrap().parse().unwrap();
    let state = member(url.query().unwrap(), "state");

    let reply = app.come_back(&format!("state={state}&code=C1")).await;

    match expected {
        Some(expected) => {
            assert_eq!((reply.status, reply.header("location")), (StatusCode::SEE_OTHER, expected));
        }
        None => assert_eq!((reply.status, reply.header("location")), (StatusCode::OK, "")),
    }
    let sent = vendor.calls_to("/token");
    assert!(String::from_utf8_lossy(&sent[0].body).contains("code=C1"));
}

#[tokio::test]
async fn state_is_worth_nothing_after_the_secrets_changed_or_too_late_or_unknown() {
    let app = App::start().await;
    let vendor = vendor(given()).await;
    app.profiles(&vendor.host_port(), "c").await;
    let before = member(app.authorize().await.query().unwrap(), "state");
    app.secrets(json!({"client_id": "other", "client_secret": "s", "redirect_uri": REDIRECT})).await;
    let changed = app.come_back(&format!("state={before}&code=C")).await;
    let late = member(app.authorize().await.query().unwrap(), "state");
    app.clock().advance(std::time::Duration::from_mins(15));

    let late = app.come_back(&format!("state={late}&code=C")).await;
    let unknown = app.come_back("state=made-up&code=C").await;
    let none = app.come_back("code=C").await;

    for reply in [changed, late, unknown] {
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{}", reply.text());
    }
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(vendor.calls().is_empty(), "no code was sent anywhere");
}

#[tokio::test]
async fn refused_code_is_a_bad_request_and_uses_up_the_state() {
    let app = App::start().await;
    let vendor = vendor(Answer::json(400, &json!({"error": "invalid_grant"}))).await;
    app.profiles(&vendor.host_port(), "c").await;
    let state = member(app.authorize().await.query().unwrap(), "state");

    let refused = app.come_back(&format!("state={state}&code=canary-code")).await;
    let again = app.come_back(&format!("state={state}&code=canary-code")).await;

    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(
        refused.text().contains("invalid_grant") && !refused.text().contains("canary"),
        "{}",
        refused.text()
    );
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert!(!app.is_authorized().await);
}

// rule: fides-api 3.6
#[tokio::test]
async fn connection_that_nobody_authorizes_says_why() {
    let app = App::start().await;
    let authorize = async |key: &str| app.get(&format!("/api/v1/connection/{key}/authorize")).await;
    let connections = json!([{"key": "plain", "name": "Plain", "connection_type": "saas", "access": "read"}]);
    app.send(Method::PATCH, "/api/v1/connection", connections).await;

    let absent = authorize("gone").await;
    let without_file = authorize("plain").await;
    let mut config = file("127.0.0.1:9");
    config["fides_key"] = json!("plain");
    config["client_config"] = json!({"protocol": "http", "host": "127.0.0.1:9"});
    app.send(Method::PATCH, "/api/v1/connection/plain/saas_config", config.clone()).await;
    let without_authentication = authorize("plain").await;
    config["client_config"]["authentication"] =
        json!({"strategy": "bearer", "configuration": {"token": "<client_secret>"}});
    app.send(Method::PATCH, "/api/v1/connection/plain/saas_config", config).await;
    let other = authorize("plain").await;
    app.profiles("127.0.0.1:9", "c").await;
    app.send(Method::PATCH, "/api/v1/connection/profiles/secret?verify=false", json!({"redirect_uri": ""}))
        .await;

    let unprocessable = |text: &str| (StatusCode::UNPROCESSABLE_ENTITY, json!({ "detail": text }));
    assert_eq!(absent, (StatusCode::NOT_FOUND, json!({"detail": "The connection config cannot be found."})));
    assert_eq!(without_file, unprocessable("The connection config does not contain a SaaS config."));
    assert_eq!(
        without_authentication,
        unprocessable("The connection config does not contain an authentication configuration.")
    );
    assert_eq!(
        other,
        unprocessable("The connection config does not use OAuth2 Authorization Code authentication.")
    );
}

// rule: fides-api 3.6
#[tokio::test]
async fn web_hook_takes_how_its_calls_get_a_token_and_nothing_else_does() {
    let app = App::start().await;
    let connections = json!([
        {"key": "hook", "name": "Hook", "connection_type": "https", "access": "read"},
        {"key": "crm", "name": "CRM", "connection_type": "postgres", "access": "read"}
    ]);
    app.send(Method::PATCH, "/api/v1/connection", connections).await;
    let whole = json!({
        "grant_type": "client_credentials", "token_url": "https://auth.example.com/token", "scope": "write",
        "client_id": "c", "client_secret": "canary-grant-secret"
    });
    let send = async |method, key: &str, body: Value| {
        app.send(method, &format!("/api/v1/connection/{key}/oauth"), body).await
    };

    let put = send(Method::PUT, "hook", whole.clone()).await;
    let patched = send(Method::PATCH, "hook", json!({"scope": "read"})).await;
    let partly = send(Method::PUT, "hook", json!({"client_id": "c"})).await;
    let other_type = send(Method::PUT, "crm", whole.clone()).await;
    let absent = send(Method::PUT, "gone", whole).await;
    let removed = send(Method::DELETE, "hook", Value::Null).await;
    let again = send(Method::DELETE, "hook", Value::Null).await;

    assert_eq!(put.0, StatusCode::OK);
    assert_eq!(put.1["msg"], "OAuth2 configuration updated for ConnectionConfig with key: hook.");
    assert_eq!((patched.0, &patched.1["test_status"]), (StatusCode::OK, &json!("skipped")));
    assert_eq!(partly.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(partly.1["detail"][0]["loc"], json!(["body", "token_url"]));
    assert_eq!(
        other_type.1,
        json!({"detail": "OAuth2 configuration can only be set for HTTPS connections."})
    );
    assert_eq!((other_type.0, absent.0), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::NOT_FOUND));
    assert_eq!(removed.0, StatusCode::NO_CONTENT);
    assert_eq!(again, (StatusCode::NOT_FOUND, json!({"detail": "No OAuth2 configuration found to delete."})));
    for (_, reply) in [put, patched] {
        assert!(!reply.to_string().contains("canary"), "{reply}");
    }
}
