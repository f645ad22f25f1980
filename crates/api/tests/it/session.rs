//! People who sign in with a browser.

use std::time::Duration;

use api::{RootUser, Scope};
use axum::body::Body;
use crypto::{PasswordHash, Secret};
use http::{Request, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use store::{Actor, LoginPerson, LoginPut, NewLogin};

use crate::app::{App, Reply};
use crate::browser::Browser;

const PASSWORD: &str = "Canary-pass-1";
const CSRF: &str = "x-csrf-token";

async fn add(app: &App, username: &str, role: &str) {
    let new = NewLogin {
        username: username.to_owned(),
        person: LoginPerson::default(),
        password: Some(PasswordHash::make(&Secret::new(PASSWORD.to_owned()))),
        disabled: false,
        roles: vec![role.to_owned()],
        actor: Actor::system(),
    };
    assert!(matches!(app.store().login_create(new).await.unwrap(), LoginPut::Done(_)));
}

async fn sign_in(browser: &mut Browser, username: &str, password: &str) -> Reply {
    browser
        .call("POST /api/v1/session", &[], Some(&json!({"username": username, "password": password})))
        .await
}

/// A browser of somebody with this role, and what its pages know.
async fn signed_in(app: &App, role: &str) -> (Browser, String) {
    add(app, "olga", role).await;
    let mut browser = Browser::new(app);
    let reply = sign_in(&mut browser, "olga", PASSWORD).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let csrf = reply.json()["csrf_token"].as_str().unwrap().to_owned();
    (browser, csrf)
}

#[tokio::test]
async fn a_browser_that_signed_in_may_do_what_its_person_may() {
    let app = App::start().await;
    let (mut browser, csrf) = signed_in(&app, "contributor").await;
    let client = json!({"scopes": ["client:read"]});

    let session = browser.call("GET /api/v1/session", &[], None).await.json();
    let read = browser.call("GET /api/v1/oauth/client", &[], None).await.status;
    let made = browser.call("POST /api/v1/oauth/client", &[(CSRF, &csrf)], Some(&client)).await.status;
    let forbidden =
        browser.call("PUT /api/v1/storage/config", &[(CSRF, &csrf)], Some(&json!([]))).await.status;

    assert_eq!(
        (session["user_data"]["username"].as_str(), session["csrf_token"].as_str()),
        (Some("olga"), Some(csrf.as_str()))
    );
    let scopes: Vec<&str> = session["scopes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(scopes.contains(&"client:create") && !scopes.contains(&"storage:create_or_update"));
    assert_eq!((read, made), (StatusCode::OK, StatusCode::OK));
    assert!(matches!(forbidden, StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED), "{forbidden}");
}

#[tokio::test]
async fn no_script_reads_the_cookie_and_no_other_site_sends_it() {
    let app = App::start().await;
    let behind_tls = App::start_with(|settings| settings.secure_cookies = true).await;
    add(&app, "olga", "viewer").await;
    add(&behind_tls, "olga", "viewer").await;

    let plain = sign_in(&mut Browser::new(&app), "olga", PASSWORD).await;
    let secure = sign_in(&mut Browser::new(&behind_tls), "olga", PASSWORD).await;

    let attributes = |reply: &Reply| reply.header("set-cookie").split_once("; ").unwrap().1.to_owned();
    assert_eq!(attributes(&plain), "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");
    assert_eq!(attributes(&secure), "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure");
    assert!(plain.header("set-cookie").starts_with("tutela_session="));
    assert!(secure.header("set-cookie").starts_with("__Host-tutela_session="));
    assert_eq!(plain.header("cache-control"), "no-store");
    let token = plain.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    assert!(!plain.text().contains(&token), "a script could read it from the answer");
}

#[rstest]
#[case::nothing(&[], StatusCode::FORBIDDEN)]
#[case::wrong(&[("x-csrf-token", "0000")], StatusCode::FORBIDDEN)]
#[case::own(&[("x-csrf-token", "OWN")], StatusCode::OK)]
#[case::own_page(&[("x-csrf-token", "OWN"), ("sec-fetch-site", "same-origin")], StatusCode::OK)]
#[case::other_site(&[("x-csrf-token", "OWN"), ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN)]
#[case::neighbour(&[("x-csrf-token", "OWN"), ("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN)]
#[tokio::test]
async fn only_a_page_of_this_server_changes_something_under_a_session(
    #[case] headers: &[(&str, &str)],
    #[case] expected: StatusCode,
) {
    let app = App::start().await;
    let (mut browser, csrf) = signed_in(&app, "owner").await;
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (*name, if *value == "OWN" { csrf.as_str() } else { value }))
        .collect();

    let reply = browser.call("POST /api/v1/oauth/client", &headers, Some(&json!([]))).await;

    assert_eq!(reply.status, expected, "{}", reply.text());
    let made = app.get("/api/v1/oauth/client").await.1["total"].as_u64().unwrap();
    // One is that of the test itself.
    assert_eq!(made, if expected == StatusCode::OK { 2 } else { 1 });
}

#[tokio::test]
async fn another_sessions_text_is_no_proof_and_a_token_of_programs_needs_none() {
    let app = App::start().await;
    let (mut first, _) = signed_in(&app, "owner").await;
    let mut second = Browser::new(&app);
    let foreign =
        sign_in(&mut second, "olga", PASSWORD).await.json()["csrf_token"].as_str().unwrap().to_owned();

    let refused = first.call("POST /api/v1/oauth/client", &[(CSRF, &foreign)], Some(&json!([]))).await.status;
    let bearer = format!("Bearer {}", app.token(&[Scope::ClientCreate]).await);
    let with_token =
        first.call("POST /api/v1/oauth/client", &[("authorization", &bearer)], Some(&json!([]))).await.status;

    assert_eq!((refused, with_token), (StatusCode::FORBIDDEN, StatusCode::OK));
}

#[tokio::test]
async fn what_a_cookie_holds_is_no_token_and_a_token_is_no_cookie() {
    let app = App::start().await;
    let (browser, _) = signed_in(&app, "owner").await;
    let session = browser.cookies["tutela_session"].clone();
    let token = app.token(Scope::ALL).await;
    let get = async |name: &str, value: String| {
        let request = Request::get("/api/v1/session").header(name, value).body(Body::empty()).unwrap();
        app.call_raw(request).await.status
    };

    assert_eq!(get("authorization", format!("Bearer {session}")).await, StatusCode::FORBIDDEN);
    assert_eq!(get("cookie", format!("tutela_session={token}")).await, StatusCode::UNAUTHORIZED);
    let twice = format!("tutela_session={session}; tutela_session=planted");
    assert_eq!(get("cookie", twice).await, StatusCode::UNAUTHORIZED);
    let bad_token = Request::get("/api/v1/session")
        .header("authorization", "Basic dTpw")
        .header("cookie", format!("tutela_session={session}"));
    let reply = app.call_raw(bad_token.body(Body::empty()).unwrap()).await.status;
    assert_eq!(
        reply,
        StatusCode::UNAUTHORIZED,
        "another way to say who one is does not fall back on the cookie"
    );
    assert_eq!(get("cookie", format!("a=b; tutela_session={session}")).await, StatusCode::OK);
}

#[tokio::test]
async fn signing_out_ends_the_browser_and_logging_out_ends_all_of_them() {
    let app = App::start().await;
    let (mut first, csrf) = signed_in(&app, "owner").await;
    let (mut second, mut third) = (Browser::new(&app), Browser::new(&app));
    sign_in(&mut second, "olga", PASSWORD).await;
    let csrf_of_third =
        sign_in(&mut third, "olga", PASSWORD).await.json()["csrf_token"].as_str().unwrap().to_owned();
    let kept = first.cookies.clone();

    let out = first.call("DELETE /api/v1/session", &[(CSRF, &csrf)], None).await.status;
    let forgotten = first.cookies.is_empty();
    first.cookies = kept;
    let after = first.call("GET /api/v1/session", &[], None).await.status;
    let other = second.call("GET /api/v1/session", &[], None).await.status;
    third.call("POST /api/v1/logout", &[(CSRF, &csrf_of_third)], None).await;
    let all = second.call("GET /api/v1/session", &[], None).await.status;

    assert_eq!((out, forgotten), (StatusCode::NO_CONTENT, true));
    assert_eq!((after, other, all), (StatusCode::UNAUTHORIZED, StatusCode::OK, StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_browser_that_is_left_alone_is_signed_out() {
    let app = App::start().await;
    let (mut browser, _) = signed_in(&app, "owner").await;

    app.clock().advance(Duration::from_mins(59));
    let used = browser.call("GET /api/v1/session", &[], None).await.status;
    app.clock().advance(Duration::from_mins(59));
    let again = browser.call("GET /api/v1/session", &[], None).await.status;
    app.clock().advance(Duration::from_hours(1));
    let left = browser.call("GET /api/v1/session", &[], None).await.status;

    assert_eq!((used, again, left), (StatusCode::OK, StatusCode::OK, StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn wrong_passwords_are_counted_for_both_ways_to_sign_in_and_say_nothing() {
    let app = App::start().await;
    add(&app, "olga", "owner").await;
    let mut browser = Browser::new(&app);
    let wrong = json!({"username": "olga", "password": "Wrong-pass-1"});
    let nobody = json!({"username": "nobody", "password": "Wrong-pass-1"});

    let refused = browser.call("POST /api/v1/session", &[], Some(&wrong)).await;
    let unknown = browser.call("POST /api/v1/session", &[], Some(&nobody)).await;
    for _ in 0..8 {
        browser.call("POST /api/v1/login", &[], Some(&wrong)).await;
    }
    let throttled = sign_in(&mut browser, "olga", PASSWORD).await;

    assert_eq!((refused.status, refused.json()), (unknown.status, unknown.json()));
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_page_of_another_site_signs_nobody_in() {
    let app = App::start().await;
    add(&app, "olga", "owner").await;
    let form = json!({"username": "olga", "password": PASSWORD});
    let mut browser = Browser::new(&app);

    let reply = browser.call("POST /api/v1/session", &[("sec-fetch-site", "cross-site")], Some(&form)).await;

    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(browser.cookies.is_empty());
}

// rule: fides-api 2.3
#[tokio::test]
async fn the_person_of_the_settings_may_do_everything_until_the_settings_change() {
    let user =
        |password: &str| RootUser { username: "root".to_owned(), password: Secret::new(password.to_owned()) };
    let app = App::start_with(|settings| settings.root_user = Some(user(PASSWORD))).await;
    let form = json!({"username": "ROOT", "password": PASSWORD});
    let wrong = json!({"username": "root", "password": "Wrong-pass-1"});

    let refused = app.send(http::Method::POST, "/api/v1/login", wrong).await.0;
    let (status, reply) = app.send(http::Method::POST, "/api/v1/login", form).await;
    let token = reply["token_data"]["access_token"].as_str().unwrap();
    let all = app.with_token(token).get("/api/v1/session").await.1;
    let mut browser = Browser::new(&app);
    let session = sign_in(&mut browser, "root", PASSWORD).await;
    let changed = app.restarted(|settings| settings.root_user = Some(user("Other-pass-1")));
    let mut moved = Browser::new(&changed);
    moved.cookies = browser.cookies.clone();

    assert_eq!((refused, status), (StatusCode::FORBIDDEN, StatusCode::OK));
    assert_eq!(reply["user_data"]["username"], "root");
    assert_eq!(all["scopes"].as_array().unwrap().len(), Scope::ALL.len());
    assert_eq!(session.status, StatusCode::OK);
    assert_eq!(changed.with_token(token).get("/api/v1/session").await.0, StatusCode::FORBIDDEN);
    assert_eq!(moved.call("GET /api/v1/session", &[], None).await.status, StatusCode::FORBIDDEN);
}

// rule: fides-api 2.3
#[tokio::test]
async fn the_person_of_the_settings_signs_out_everywhere() {
    let user = RootUser { username: "root".to_owned(), password: Secret::new(PASSWORD.to_owned()) };
    let app = App::start_with(|settings| settings.root_user = Some(user)).await;
    let form = json!({"username": "root", "password": PASSWORD});
    let sign_in_with_token = async || {
        let (_, reply) = app.send(http::Method::POST, "/api/v1/login", form.clone()).await;
        app.with_token(reply["token_data"]["access_token"].as_str().unwrap())
    };
    let (first, second) = (sign_in_with_token().await, sign_in_with_token().await);
    let mut browser = Browser::new(&app);
    sign_in(&mut browser, "root", PASSWORD).await;
    let before = browser.call("GET /api/v1/session", &[], None).await.status;

    let out = first.send(http::Method::POST, "/api/v1/logout", Value::Null).await.0;

    assert_eq!((before, out), (StatusCode::OK, StatusCode::NO_CONTENT));
    assert_eq!(first.get("/api/v1/session").await.0, StatusCode::FORBIDDEN);
    assert_eq!(second.get("/api/v1/session").await.0, StatusCode::FORBIDDEN);
    assert_eq!(browser.call("GET /api/v1/session", &[], None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get("/api/v1/oauth/client").await.0, StatusCode::OK, "a client stays signed in");
}

#[tokio::test]
async fn calls_of_anybody_that_change_something_are_counted_by_address() {
    let app = App::start_with(|settings| settings.public_rate_limit.calls = 2).await.without_token();
    let call = async |forwarded: &str| {
        let request = Request::post("/api/v1/privacy-request")
            .header("content-type", "application/json")
            .header("x-forwarded-for", forwarded)
            .body(Body::from("[]"))
            .unwrap();
        app.call_raw(request).await.status
    };

    let first = [call("198.51.100.1").await, call("198.51.100.2").await];
    let third = call("198.51.100.3").await;
    let reading = app.get("/health").await.0;

    assert!(first.iter().all(|status| *status != StatusCode::TOO_MANY_REQUESTS), "{first:?}");
    assert_eq!((third, reading), (StatusCode::TOO_MANY_REQUESTS, StatusCode::OK));
}

#[tokio::test]
async fn a_page_of_an_origin_that_may_call_brings_a_token_and_neither_cookie_nor_its_proof() {
    const ORIGIN: &str = "https://console.example.com";
    let app = App::start_with(|settings| settings.cors_origins = vec![ORIGIN.to_owned()]).await;
    let ask = async |origin: &str| {
        let request = Request::options("/api/v1/oauth/client")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, x-csrf-token");
        app.call_raw(request.body(Body::empty()).unwrap()).await
    };

    let reply = ask(ORIGIN).await;
    let stranger = ask("https://evil.example.com").await;

    assert_eq!(reply.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(reply.header("access-control-allow-credentials"), "");
    let allowed = reply.header("access-control-allow-headers").to_lowercase();
    assert_eq!(allowed, "authorization,content-type,idempotency-key");
    assert_eq!(stranger.header("access-control-allow-origin"), "");
}
