//! Signing in at a real provider of accounts. `cargo xtask test` starts one and names it in
//! `TUTELA_TEST_OIDC`; without it, nothing is looked at here outside of CI.

use api::{OidcParts, Scope};
use crypto::Secret;
use egress::DoorSettings;
use http::StatusCode;
use model::{Clock as _, SystemClock};
use rstest::rstest;
use serde_json::Value;
use spec::server_file::OidcSettings;
use url::Url;

use crate::app::{App, Reply};
use crate::browser::Browser;

const OWN: &str = "http://localhost:8080";

/// The provider, or none where tests run by hand without it.
fn issuer() -> Option<String> {
    let issuer = std::env::var("TUTELA_TEST_OIDC").ok().filter(|issuer| !issuer.is_empty());
    assert!(
        issuer.is_some() || std::env::var_os("CI").is_none(),
        "set TUTELA_TEST_OIDC; `cargo xtask test` does"
    );
    issuer
}

fn settings(issuer: &str) -> OidcSettings {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    OidcSettings {
        issuer: issuer.to_owned(),
        client_id: "tutela-sign-in".to_owned(),
        label: "Example account".to_owned(),
        scopes: texts(&["openid", "email", "profile", "groups"]),
        username_claim: "preferred_username".to_owned(),
        groups_claim: "groups".to_owned(),
        roles: vec![
            ("approvers".to_owned(), "approver".to_owned()),
            ("owners".to_owned(), "owner".to_owned()),
        ],
        default_role: None,
        link_accounts: false,
    }
}

async fn app_with(settings: OidcSettings) -> App {
    let allow = vec!["127.0.0.1".parse().unwrap()];
    let parts = OidcParts {
        settings,
        client_secret: Some(Secret::new("canary-client-secret".to_owned())),
        public_url: OWN.to_owned(),
        egress: DoorSettings { allow, ..DoorSettings::default() },
    };
    let app = App::start_with(|settings| settings.oidc = Some(parts)).await;
    // The provider has a clock of its own.
    app.clock().set(SystemClock.now());
    app.with_scopes(Scope::ALL).await
}

/// Goes to the provider and through its pages as `account`, and gives the way back.
#[expect(clippy::disallowed_types, reason = "the person's browser calls the provider, not the server")]
async fn at_the_provider(place: &str, account: &str) -> Url {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut url: Url = place.parse().unwrap();
    url.query_pairs_mut().append_pair("login_hint", account);
    let mut cookies: Vec<(String, String)> = Vec::new();
    for _ in 0..10 {
        if url.as_str().starts_with(OWN) {
            return url;
        }
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = client.get(url.clone()).header("cookie", pairs.join("; ")).send().await.unwrap();
        for set in answer.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.retain(|(known, _)| known != name);
            cookies.push((name.to_owned(), value.to_owned()));
        }
        let next = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        let next = next.unwrap_or_else(|| panic!("the provider stops at {url}"));
        url = url.join(&next).unwrap();
    }
    panic!("the provider goes round in circles: {url}");
}

async fn leave(browser: &mut Browser, next: &str) -> String {
    let reply = browser.call(&format!("GET /api/v1/session/oidc{next}"), &[], None).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text());
    reply.header("location").to_owned()
}

async fn come_back(browser: &mut Browser, url: &Url) -> Reply {
    browser.call(&format!("GET {}?{}", url.path(), url.query().unwrap()), &[], None).await
}

async fn sign_in(browser: &mut Browser, account: &str) -> Reply {
    let place = leave(browser, "?next=/health").await;
    come_back(browser, &at_the_provider(&place, account).await).await
}

#[tokio::test]
async fn a_person_signs_in_with_the_account_of_the_company_and_has_the_roles_of_their_groups() {
    let Some(issuer) = issuer() else { return };
    let app = app_with(settings(&issuer)).await;
    let mut browser = Browser::new(&app);

    let methods = browser.call("GET /api/v1/session/methods", &[], None).await.json();
    let back = sign_in(&mut browser, "boris+approvers+strangers").await;
    let session = browser.call("GET /api/v1/session", &[], None).await.json();
    let logins = app.get("/api/v1/user").await.1;

    assert_eq!(methods["oidc"]["label"], "Example account");
    assert_eq!((back.status, back.header("location")), (StatusCode::SEE_OTHER, "/health"), "{}", back.text());
    assert_eq!(session["user_data"]["username"], "boris");
    assert_eq!(session["user_data"]["email_address"], "boris@example.com");
    let scopes: Vec<&str> = session["scopes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(scopes.contains(&"privacy-request:review") && !scopes.contains(&"connection:read"));
    assert_eq!(logins["total"], 1);
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["tutela_session"], "the other one has served");
}

#[tokio::test]
async fn who_signs_in_again_is_the_same_person() {
    let Some(issuer) = issuer() else { return };
    let app = app_with(settings(&issuer)).await;

    for _ in 0..2 {
        let back = sign_in(&mut Browser::new(&app), "boris+owners").await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text());
    }

    assert_eq!(app.get("/api/v1/user").await.1["total"], 1);
}

#[tokio::test]
async fn a_way_back_serves_once_and_only_the_browser_that_went_away() {
    let Some(issuer) = issuer() else { return };
    let app = app_with(settings(&issuer)).await;
    let (mut own, mut other) = (Browser::new(&app), Browser::new(&app));
    let url = at_the_provider(&leave(&mut own, "").await, "boris+owners").await;
    leave(&mut other, "").await;
    let mut without = Browser::new(&app);

    let foreign = come_back(&mut other, &url).await.status;
    let unknown = come_back(&mut without, &url).await.status;
    let kept = own.cookies.clone();
    let first = come_back(&mut own, &url).await;
    own.cookies = kept;
    let second = come_back(&mut own, &url).await.status;

    assert_eq!((foreign, unknown), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!((first.status, first.header("location")), (StatusCode::SEE_OTHER, "/docs"));
    assert_eq!(second, StatusCode::UNAUTHORIZED);
}

#[rstest]
#[case::no_group("boris", StatusCode::FORBIDDEN)]
#[case::other_group("boris+strangers", StatusCode::FORBIDDEN)]
#[case::no_consent("refuse", StatusCode::UNAUTHORIZED)]
#[tokio::test]
async fn who_may_not_sign_in_gets_no_session_and_no_account(
    #[case] account: &str,
    #[case] status: StatusCode,
) {
    let Some(issuer) = issuer() else { return };
    let app = app_with(settings(&issuer)).await;
    let mut browser = Browser::new(&app);

    let back = sign_in(&mut browser, account).await;

    assert_eq!(back.status, status, "{}", back.text());
    assert!(!browser.cookies.contains_key("tutela_session"));
    assert_eq!(app.get("/api/v1/user").await.1["total"], 0);
}

#[tokio::test]
async fn an_account_with_the_same_address_is_taken_over_only_if_that_is_allowed_and_the_address_is_theirs() {
    let Some(issuer) = issuer() else { return };
    let linked = OidcSettings { link_accounts: true, username_claim: "sub".to_owned(), ..settings(&issuer) };
    let apart = OidcSettings { username_claim: "sub".to_owned(), ..settings(&issuer) };
    let status = async |settings: OidcSettings, account: &str| {
        let app = app_with(settings).await;
        let new = serde_json::json!({"username": "bb-old", "email_address": "boris@example.com"});
        app.send(http::Method::POST, "/api/v1/user", new).await;
        let status = sign_in(&mut Browser::new(&app), account).await.status;
        (status, app.get("/api/v1/user").await.1["total"].as_u64().unwrap())
    };

    assert_eq!(status(apart, "boris+owners").await, (StatusCode::CONFLICT, 1));
    assert_eq!(status(linked.clone(), "boris+owners").await, (StatusCode::SEE_OTHER, 1));
    assert_eq!(status(linked, "boris~unverified+owners").await, (StatusCode::SEE_OTHER, 2));
}

#[tokio::test]
async fn a_code_that_another_client_secret_asks_with_is_worth_nothing() {
    let Some(issuer) = issuer() else { return };
    let allow = vec!["127.0.0.1".parse().unwrap()];
    let parts = OidcParts {
        settings: settings(&issuer),
        client_secret: Some(Secret::new("wrong".to_owned())),
        public_url: OWN.to_owned(),
        egress: DoorSettings { allow, ..DoorSettings::default() },
    };
    let app = App::start_with(|settings| settings.oidc = Some(parts)).await;
    app.clock().set(SystemClock.now());

    let back = sign_in(&mut Browser::new(&app), "boris+owners").await;

    assert_eq!(back.status, StatusCode::UNAUTHORIZED, "{}", back.text());
}

#[tokio::test]
async fn a_provider_that_is_not_reached_or_calls_itself_something_else_is_said_so() {
    let nobody = app_with(settings("http://127.0.0.1:1")).await;
    let none = App::start().await;
    let get = async |app: &App| app.without_token().get("/api/v1/session/oidc").await;

    let (status, reply) = get(&nobody).await;

    assert_eq!(status, StatusCode::FAILED_DEPENDENCY);
    assert!(!reply.to_string().contains("127.0.0.1"), "{reply}");
    assert_eq!(get(&none).await.0, StatusCode::NOT_FOUND);
    if let Some(issuer) = issuer() {
        let other_name = app_with(settings(&issuer.replace("127.0.0.1", "localhost"))).await;
        assert_eq!(get(&other_name).await.0, StatusCode::FAILED_DEPENDENCY);
    }
}

#[test]
fn a_role_that_is_none_is_told_with_its_place() {
    let mut parts = OidcParts {
        settings: settings("https://id.example.com"),
        client_secret: None,
        public_url: OWN.to_owned(),
        egress: DoorSettings::default(),
    };
    assert_eq!(parts.check(), Ok(()));

    parts.settings.roles.push(("team".to_owned(), "approvr".to_owned()));

    assert!(parts.check().unwrap_err().starts_with("`oidc.roles.team`: `approvr` is no role"));
}
