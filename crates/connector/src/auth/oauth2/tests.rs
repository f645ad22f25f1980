use std::sync::Mutex;
use std::time::Duration;

use model::{CallStats, ConnectionKey, is_falsy};
use rstest::rstest;
use serde_json::json;
use testkit::Answer;

use super::*;
use crate::acme::{Acme, Pieces};
use crate::send::CallError;
use crate::token::{BoxFuture, MemoryTokens, TokenLock, TokenStore, TokenStoreError};

const CLIENT: &str = r#"
strategy: oauth2_client_credentials
configuration:
  token_request:
    method: POST
    path: /oauth/token
    client_config: {protocol: https, host: auth.acme.test}
    headers: [{name: Content-Type, value: application/x-www-form-urlencoded}]
    body: '{"grant_type": "client_credentials", "client_id": "<client_id>", "client_secret": "<client_secret>"}'
  refresh_request:
    method: POST
    path: /never
"#;

const CODE: &str = r#"
strategy: oauth2_authorization_code
configuration:
  authorization_request:
    method: GET
    path: /authorize
  token_request:
    method: POST
    path: /oauth/token
  refresh_request:
    method: POST
    path: /oauth/refresh
    body: '{"refresh_token": "<refresh_token>", "client_id": "<client_id>"}'
"#;

/// 2026-01-15 12:00 UTC, where the test clock starts.
const NOW: i64 = 1_768_478_400;

fn secrets<'a>(more: &[(&'a str, Value)]) -> Vec<(&'a str, Value)> {
    let mut secrets = vec![
        ("client_id", json!("CID")),
        ("client_secret", json!("canary-secret")),
        ("redirect_uri", json!("https://x.test/cb")),
    ];
    secrets.extend_from_slice(more);
    secrets
}

async fn start(authentication: &str, more: &[(&str, Value)]) -> Acme {
    let acme = Acme::start(Pieces { authentication, ..Pieces::default() }, &secrets(more)).await;
    acme.saas.on("GET", "/things").then(Answer::json(200, &json!({})));
    acme
}

async fn call(acme: &Acme) -> Result<(), CallError> {
    let prepared = acme.prepare(&ValueMap::new()).unwrap();
    let mut stats = CallStats::default();
    acme.connector.call(&prepared, &mut stats, |_| Ok(())).await.map(|_| ())
}

fn token(access_token: &str, expires_in: u64) -> Answer {
    Answer::json(200, &json!({"access_token": access_token, "expires_in": expires_in}))
}

/// Bearer tokens of the calls for data, in order.
fn bearers(acme: &Acme) -> Vec<String> {
    acme.saas
        .calls_to("/things")
        .iter()
        .map(|call| call.bearer_token().unwrap_or_default().to_owned())
        .collect()
}

// rule: saas-config 6.15
// rule: saas-config 6.16
// rule: saas-config 6.17
// rule: saas-config 6.18
// rule: saas-config 6.20
// rule: saas-config 6.27
#[tokio::test]
async fn token_is_fetched_once_sent_as_bearer_and_used_for_fifty_minutes() {
    let acme = start(CLIENT, &[]).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 3600)).then(token("AT2", 3600));

    call(&acme).await.unwrap();
    acme.clock.advance(Duration::from_mins(50));
    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["AT", "AT"]);
    let token_calls = acme.saas.calls_to("/oauth/token");
    assert_eq!(token_calls.len(), 1);
    assert_eq!(token_calls[0].host(), "auth.acme.test");
    assert_eq!(token_calls[0].header("authorization"), None);
    assert_eq!(
        token_calls[0].body,
        "client_id=CID&client_secret=canary-secret&grant_type=client_credentials"
    );
}

// rule: saas-config 6.19
// rule: saas-config 6.27
#[tokio::test]
async fn token_that_ends_within_ten_minutes_is_replaced_by_the_token_request() {
    let acme = start(CLIENT, &[]).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 3600)).then(token("AT2", 3600));

    call(&acme).await.unwrap();
    acme.clock.advance(Duration::from_secs(3_001));
    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["AT", "AT2"]);
    assert!(acme.saas.calls_to("/never").is_empty(), "`refresh_request` has no part in client credentials");
}

// rule: saas-config 6.21
#[rstest]
#[case(json!(3600), Some(NOW + 3600))]
#[case(json!("3600"), Some(NOW + 3600))]
#[case(json!(0), None)]
#[case(json!(null), None)]
fn lifetime_may_be_a_number_or_digits(#[case] expires_in: Value, #[case] expected: Option<i64>) {
    let body = json!({"expires_in": expires_in});

    let lifetime = body.get("expires_in").filter(|value| !is_falsy(value)).map(seconds).transpose().unwrap();

    assert_eq!(lifetime.filter(|seconds| *seconds > 0).map(|lifetime| NOW + lifetime), expected);
    assert!(matches!(seconds(&json!("soon")), Err(AuthError::TokenLifetime)));
}

// rule: saas-config 6.20
// rule: saas-config 6.21
#[tokio::test]
async fn refused_token_says_what_the_service_said_and_no_secret_and_is_not_retried() {
    let acme = start(CLIENT, &[]).await;
    let refusal = json!({"error": "invalid_client", "error_description": "canary-secret is wrong", "error_uri": "https://x.test/e"});
    acme.saas.on("POST", "/oauth/token").then(Answer::json(503, &refusal));

    let error = call(&acme).await.unwrap_err();

    let text = format!("{error} {error:?}");
    for part in
        ["Operational Error connecting to 'acme'", "invalid_client", "is wrong", "https://x.test/e", "503"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(acme.saas.calls().len(), 1);
}

// rule: saas-config 6.15
#[tokio::test]
async fn missing_client_secrets_are_named_before_anything_is_sent() {
    let acme =
        Acme::start(Pieces { authentication: CLIENT, ..Pieces::default() }, &[("client_id", json!(""))])
            .await;

    let error = call(&acme).await.unwrap_err();

    assert!(error.to_string().contains("`client_id` and `client_secret`"), "{error}");
    assert!(acme.saas.calls().is_empty());
}

// rule: saas-config 6.20
#[tokio::test]
async fn token_request_without_own_client_config_goes_to_the_files_host_without_authentication() {
    let own = CODE.replace("oauth2_authorization_code", "oauth2_client_credentials");
    let acme = start(&own, &[]).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 3600));

    call(&acme).await.unwrap();

    let token_call = &acme.saas.calls_to("/oauth/token")[0];
    assert_eq!((token_call.host(), token_call.header("authorization")), ("api.acme.test", None));
}

// rule: saas-config 6.23
// rule: saas-config 6.26
#[tokio::test]
async fn connection_that_was_never_authorized_says_so() {
    let acme = start(CODE, &[]).await;

    let error = call(&acme).await.unwrap_err();

    assert!(error.to_string().contains("authorize it"), "{error}");
    assert!(acme.saas.calls().is_empty());
}

// rule: saas-config 6.26
#[tokio::test]
async fn given_token_is_used_until_it_is_close_to_expiry_then_refreshed() {
    let given =
        [("access_token", json!("AT")), ("refresh_token", json!("R1")), ("expires_at", json!(NOW + 601))];
    let acme = start(CODE, &given).await;
    let next = json!({"access_token": "AT2", "refresh_token": "R2", "expires_in": 700});
    let last = json!({"access_token": "AT3", "expires_in": 3600});
    acme.saas.on("POST", "/oauth/refresh").then(Answer::json(200, &next)).then(Answer::json(200, &last));

    call(&acme).await.unwrap();
    acme.clock.advance(Duration::from_secs(2));
    call(&acme).await.unwrap();
    acme.clock.advance(Duration::from_secs(200));
    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["AT", "AT2", "AT3"]);
    let sent: Vec<Value> = acme
        .saas
        .calls_to("/oauth/refresh")
        .iter()
        .map(|call| call.json().unwrap()["refresh_token"].clone())
        .collect();
    assert_eq!(sent, ["R1", "R2"], "each refresh uses the latest refresh token");
}

// rule: saas-config 6.21
#[tokio::test]
async fn without_a_lifetime_the_old_expiry_is_dropped() {
    let given = [("access_token", json!("AT")), ("refresh_token", json!("R1")), ("expires_at", json!(NOW))];
    let acme = start(CODE, &given).await;
    acme.saas.on("POST", "/oauth/refresh").then(Answer::json(200, &json!({"access_token": "AT2"})));

    call(&acme).await.unwrap();
    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["AT2", "AT2"]);
    assert_eq!(acme.saas.calls_to("/oauth/refresh").len(), 1);
}

// rule: saas-config 6.26
#[tokio::test]
async fn without_refresh_request_the_token_is_used_even_when_expired() {
    let no_refresh = CODE.split("  refresh_request").next().unwrap();
    let acme = start(no_refresh, &[("access_token", json!("AT")), ("expires_at", json!(NOW - 1))]).await;

    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["AT"]);
}

#[tokio::test]
async fn token_call_without_answer_is_repeated_but_a_refresh_is_not() {
    let fetching = start(CLIENT, &[]).await;
    fetching.saas.on("POST", "/oauth/token").then(Answer::reset()).then(token("AT", 3600));
    let given = [("access_token", json!("AT")), ("refresh_token", json!("R1")), ("expires_at", json!(NOW))];
    let refreshing = start(CODE, &given).await;
    refreshing.saas.on("POST", "/oauth/refresh").then(Answer::reset()).then(token("AT2", 3600));

    let fetched = call(&fetching).await;
    let refreshed = call(&refreshing).await;

    assert!(fetched.is_ok());
    assert!(refreshed.is_err(), "the refresh token may be used up");
    assert_eq!(refreshing.saas.calls().len(), 1);
}

#[tokio::test]
async fn many_callers_refresh_once() {
    let acme = start(CLIENT, &[]).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 60)).then(token("AT2", 60));

    let calls = (0..8).map(|_| call(&acme));
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }

    assert_eq!(acme.saas.calls_to("/oauth/token").len(), 1);
    assert_eq!(bearers(&acme), vec!["AT"; 8]);
}

/// Writes down what happens in which order.
#[derive(Debug, Default)]
struct Watched {
    tokens: MemoryTokens,
    log: Mutex<Vec<&'static str>>,
    broken: bool,
    /// Somebody else's token, kept in place of the one that comes late.
    faster: Option<Tokens>,
}

impl TokenStore for Watched {
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<Tokens>, TokenStoreError>> {
        self.tokens.load(key)
    }

    fn save<'a>(&'a self, key: &'a TokenKey, tokens: Tokens) -> BoxFuture<'a, Result<(), TokenStoreError>> {
        self.log.lock().unwrap().push("save");
        if self.broken {
            return Box::pin(async { Err(TokenStoreError { source: "disk full".into() }) });
        }
        self.tokens.save(key, self.faster.clone().unwrap_or(tokens))
    }

    fn lock<'a>(
        &'a self,
        connection: &'a ConnectionKey,
    ) -> BoxFuture<'a, Result<TokenLock, TokenStoreError>> {
        self.log.lock().unwrap().push("lock");
        self.tokens.lock(connection)
    }
}

#[tokio::test]
async fn token_that_cannot_be_saved_is_not_used() {
    let store = Arc::new(Watched { broken: true, ..Watched::default() });
    let pieces = Pieces { authentication: CLIENT, ..Pieces::default() };
    let acme = Acme::with_tokens(pieces, &secrets(&[]), store.clone()).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 3600));

    let error = call(&acme).await.unwrap_err();

    assert!(error.to_string().contains("token store"), "{error}");
    assert_eq!(*store.log.lock().unwrap(), ["lock", "save"]);
    assert!(bearers(&acme).is_empty());
}

#[tokio::test]
async fn a_token_that_came_too_late_gives_way_to_the_one_that_is_kept() {
    let faster = Tokens {
        access_token: Arc::new(Secret::new("THEIRS".to_owned())),
        refresh_token: None,
        expires_at: None,
    };
    let store = Arc::new(Watched { faster: Some(faster), ..Watched::default() });
    let pieces = Pieces { authentication: CLIENT, ..Pieces::default() };
    let acme = Acme::with_tokens(pieces, &secrets(&[]), store).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 3600));
    acme.saas.on("GET", "/things").then(Answer::json(200, &json!({})));

    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["THEIRS"]);
}

const TOKEN_BY_BASIC: &str = r"
strategy: oauth2_client_credentials
configuration:
  expires_in: 1200
  token_request:
    method: POST
    path: /oauth/token
    client_config:
      protocol: https
      host: auth.acme.test
      authentication: {strategy: basic, configuration: {username: <client_id>, password: <client_secret>}}
";

// rule: saas-config 6.16
// rule: saas-config 6.20
// rule: saas-config 6.21
#[tokio::test]
async fn own_client_config_of_the_token_request_authenticates_and_the_configured_lifetime_wins() {
    let acme = start(TOKEN_BY_BASIC, &[]).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 9_999_999)).then(token("AT2", 9_999_999));

    call(&acme).await.unwrap();
    acme.clock.advance(Duration::from_secs(601));
    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["AT", "AT2"]);
    let credentials = acme.saas.calls_to("/oauth/token")[0].basic_credentials();
    assert_eq!(credentials, Some(("CID".to_owned(), "canary-secret".to_owned())));
}

const BY_PERSON: &str = r#"
strategy: oauth2_authorization_code
configuration:
  authorization_request:
    method: GET
    path: /auth/authorize
    client_config: {protocol: https, host: login.acme.test}
    query_params:
      - {name: client_id, value: <client_id>}
      - {name: redirect_uri, value: <redirect_uri>}
      - {name: response_type, value: code}
      - {name: scope, value: a.read a.write}
      - {name: state, value: <state>}
  token_request:
    method: POST
    path: /oauth/token
    headers: [{name: Content-Type, value: application/x-www-form-urlencoded}]
    body: '{"grant_type": "authorization_code", "code": "<code>", "client_secret": "<client_secret>"}'
"#;

/// The example of RFC 7636, appendix B, and its hash.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn sent_to(acme: &Acme) -> Result<url::Url, AuthError> {
    acme.connector.authorization_url(&Secret::new("S1".to_owned()), &Secret::new(VERIFIER.to_owned()))
}

fn code(text: &str) -> AuthorizationCode {
    let secret = |text: &str| Secret::new(text.to_owned());
    AuthorizationCode { code: secret(text), state: secret("S1"), verifier: secret(VERIFIER) }
}

// rule: saas-config 6.24
#[tokio::test]
async fn person_is_sent_to_the_address_of_the_authorization_request() {
    let acme = start(BY_PERSON, &[]).await;

    let url = sent_to(&acme).unwrap();

    assert_eq!(
        url.as_str(),
        "https://login.acme.test/auth/authorize?client_id=CID&redirect_uri=https%3A%2F%2Fx.test%2Fcb\
         &response_type=code&scope=a.read+a.write&state=S1"
    );
    assert!(acme.saas.calls().is_empty());
}

// rule: saas-config 6.25
#[tokio::test]
async fn code_is_changed_for_a_token_that_calls_use_from_then_on() {
    let acme = start(BY_PERSON, &[]).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 3600)).then(token("AT2", 3600));

    acme.connector.take_code(&code("canary-code")).await.unwrap();
    call(&acme).await.unwrap();
    acme.connector.take_code(&code("other")).await.unwrap();
    call(&acme).await.unwrap();

    assert_eq!(bearers(&acme), ["AT", "AT2"], "authorized anew, the new token counts");
    let first = &acme.saas.calls_to("/oauth/token")[0];
    assert_eq!(first.body, "client_secret=canary-secret&code=canary-code&grant_type=authorization_code");
}

// rule: saas-config 6.24
// rule: saas-config 6.25
#[tokio::test]
async fn file_may_bind_the_code_to_whoever_sent_the_person_away() {
    let authentication = BY_PERSON
        .replace("- {name: state, value: <state>}", "- {name: code_challenge, value: <code_challenge>}")
        .replace("\"<code>\"", "\"<code>\", \"code_verifier\": \"<code_verifier>\"");
    let acme = start(&authentication, &[]).await;
    acme.saas.on("POST", "/oauth/token").then(token("AT", 3600));

    let url = sent_to(&acme).unwrap();
    acme.connector.take_code(&code("C")).await.unwrap();

    assert!(url.as_str().ends_with(&format!("&code_challenge={CHALLENGE}")), "{url}");
    assert!(!url.as_str().contains(VERIFIER));
    let sent = String::from_utf8_lossy(&acme.saas.calls_to("/oauth/token")[0].body).into_owned();
    assert!(sent.contains(&format!("code_verifier={VERIFIER}")), "{sent}");
}

// rule: saas-config 6.21
#[tokio::test]
async fn refused_code_is_not_sent_twice_and_is_in_no_message() {
    let acme = start(BY_PERSON, &[]).await;
    let refusal = json!({"error": "invalid_grant", "error_description": "canary-code is used up"});
    acme.saas.on("POST", "/oauth/token").then(Answer::json(400, &refusal));

    let error = acme.connector.take_code(&code("canary-code")).await.unwrap_err();

    let text = format!("{error} {error:?} {:?}", code("canary-code"));
    assert!(text.contains("invalid_grant") && !text.contains("canary"), "{text}");
    assert_eq!(acme.saas.calls().len(), 1);
    assert!(call(&acme).await.is_err(), "nothing was kept");
}

#[tokio::test]
async fn file_that_a_person_does_not_authorize_says_so() {
    let acme = start(CLIENT, &[]).await;

    let url = sent_to(&acme).unwrap_err();
    let taken = acme.connector.take_code(&code("C")).await.unwrap_err();

    assert!(matches!((url, taken), (AuthError::NotByCode, AuthError::NotByCode)));
}

// rule: saas-config 6.24
#[tokio::test]
async fn missing_redirect_address_is_named() {
    let acme = Acme::start(
        Pieces { authentication: BY_PERSON, ..Pieces::default() },
        &[("client_id", json!("CID")), ("client_secret", json!("CS"))],
    )
    .await;

    let error = sent_to(&acme).unwrap_err();

    assert!(error.to_string().contains("`redirect_uri`"), "{error}");
}
