use std::sync::Arc;
use std::time::Duration;

use crypto::{HashKey, PublicKey, Secret};
use egress::{DoorSettings, Routes};
use jiff::SignedDuration;
use rstest::rstest;
use serde_json::json;
use testkit::{Answer, Canary, FakeSaas, TestClock};

use super::*;
use crate::assertion::AssertionChecks;
use crate::credential::{ApiHost, ClientSecret, Credential, FreshCredential};

struct Control {
    saas: FakeSaas,
    clock: TestClock,
    client: TokenClient,
    public_key: PublicKey,
    client_id: crate::credential::ClientId,
}

/// A control plane on loopback, to which calls for the client id's host are routed.
async fn control() -> Control {
    let saas = FakeSaas::start().await;
    let clock = TestClock::new();
    let host: ApiHost = "tenant.example.test".parse().unwrap();
    let fresh = FreshCredential::random(&host, &model::RandomIds);
    let client_secret = ClientSecret::parse(&fresh.client_secret).unwrap();
    let egress = DoorSettings {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        routes: Routes::parse([("tenant.example.test", saas.base_url())]).unwrap(),
        ..DoorSettings::default()
    };
    let client = TokenClient::new(TokenClientParts {
        credential: Arc::new(Credential { client_id: fresh.client_id.clone(), client_secret }),
        host,
        egress,
        clock: Arc::new(clock.clone()),
        ids: Arc::new(model::RandomIds),
    });
    let client = client.unwrap();
    Control { saas, clock, client, public_key: fresh.public_key, client_id: fresh.client_id }
}

fn token(text: &str, life_s: u32) -> Answer {
    Answer::json(200, &json!({"access_token": text, "token_type": "Bearer", "expires_in": life_s}))
}

fn text(token: &BearerToken) -> String {
    token.header().unwrap().to_str().unwrap().to_owned()
}

// rule: baton P-5
// rule: baton P-8
#[tokio::test]
async fn form_is_that_of_the_contract_and_its_assertion_holds() {
    let control = control().await;
    control.saas.on("POST", "/auth/v1/token").then(token("t1", 3600));

    let got = control.client.token().await.unwrap();

    assert_eq!(text(&got), "Bearer t1");
    let [call] = control.saas.calls().try_into().unwrap();
    assert_eq!(call.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(call.header("host"), Some("tenant.example.test"));
    let agent = call.header("user-agent").unwrap();
    assert_eq!(agent, concat!("baton-c1-credential-provider baton-sdk/", env!("CARGO_PKG_VERSION")));
    let form = TokenForm::parse(&call.body).unwrap();
    assert_eq!(form.client_id, control.client_id);
    let names: Vec<String> =
        url::form_urlencoded::parse(&call.body).map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "grant_type", "client_assertion_type", "client_assertion"]);
    let clock = Arc::new(control.clock.clone());
    let checks = AssertionChecks::new(SignedDuration::ZERO, clock);
    assert!(checks.check(form.client_assertion.expose(), &form.client_id, &control.public_key).is_ok());
}

// rule: baton P-7
#[rstest]
#[case::hour(3600, 3569, 3570)]
#[case::seconds(5, 3, 4)]
#[case::none(0, 0, 0)]
#[tokio::test]
async fn token_is_used_until_shortly_before_its_end(
    #[case] life_s: u32,
    #[case] still_s: u64,
    #[case] over_s: u64,
) {
    let control = control().await;
    control.saas.on("POST", "/auth/v1/token").then(token("t1", life_s)).then(token("t2", life_s));
    control.client.token().await.unwrap();

    if life_s > 0 {
        control.clock.advance(Duration::from_secs(still_s));
        assert_eq!(text(&control.client.token().await.unwrap()), "Bearer t1");
        assert_eq!(control.saas.calls().len(), 1);
    }
    control.clock.advance(Duration::from_secs(over_s - still_s));

    assert_eq!(text(&control.client.token().await.unwrap()), "Bearer t2");
}

// rule: baton P-7
#[tokio::test]
async fn however_many_ask_one_call_is_made() {
    let control = control().await;
    control.saas.on("POST", "/auth/v1/token").then(token("t1", 3600));

    let asked = futures::future::join_all((0..50).map(|_| control.client.token())).await;

    assert!(asked.into_iter().all(|got| text(&got.unwrap()) == "Bearer t1"));
    assert_eq!(control.saas.calls().len(), 1);
}

#[tokio::test]
async fn refused_token_is_forgotten_once_and_never_its_successor() {
    let control = control().await;
    control.saas.on("POST", "/auth/v1/token").then(token("t1", 3600)).then(token("t2", 3600));
    let first = control.client.token().await.unwrap();

    control.client.forget(&first);
    let second = control.client.token().await.unwrap();
    control.client.forget(&first);

    assert_eq!(text(&control.client.token().await.unwrap()), text(&second));
    assert_eq!(control.saas.calls().len(), 2);
}

// rule: baton P-7
#[rstest]
#[case(Answer::status(401), tonic::Code::Unauthenticated)]
#[case(Answer::status(400), tonic::Code::Unauthenticated)]
#[case(Answer::status(404), tonic::Code::Unauthenticated)]
#[case(Answer::status(201), tonic::Code::Unauthenticated)]
#[case(Answer::text(302, "").header("location", "/elsewhere"), tonic::Code::FailedPrecondition)]
#[case(Answer::text(200, ""), tonic::Code::Unauthenticated)]
#[case(Answer::json(200, &json!({"access_token": "", "expires_in": 3})), tonic::Code::Unauthenticated)]
#[case(Answer::json(200, &json!({"access_token": "t", "token_type": "mac"})), tonic::Code::Unauthenticated)]
#[case(Answer::status(408), tonic::Code::Unavailable)]
#[case(Answer::status(429), tonic::Code::Unavailable)]
#[case(Answer::status(500), tonic::Code::Unavailable)]
#[case(Answer::status(503), tonic::Code::Unavailable)]
#[tokio::test]
async fn refusals_are_final_and_outages_are_not(#[case] answer: Answer, #[case] code: tonic::Code) {
    let control = control().await;
    control.saas.on("POST", "/auth/v1/token").then(answer).then(token("t2", 3600));

    let error = control.client.token().await.unwrap_err();

    assert_eq!(error.code(), code, "{error}");
    assert_eq!(text(&control.client.token().await.unwrap()), "Bearer t2");
}

#[tokio::test]
async fn wrong_clock_is_named_where_it_is_the_reason() {
    let control = control().await;
    let ahead = Answer::status(401).header("date", "Thu, 15 Jan 2026 11:50:00 GMT");
    let same = Answer::status(401).header("date", "Thu, 15 Jan 2026 12:00:01 GMT");
    control.saas.on("POST", "/auth/v1/token").then(ahead).then(same);

    let (ahead, same) =
        (control.client.token().await.unwrap_err(), control.client.token().await.unwrap_err());

    assert!(ahead.to_string().contains("is 600 s ahead of its own; set the clock"), "{ahead}");
    assert!(!same.to_string().contains("clock"), "{same}");
    assert!(
        same.to_string().contains("Rotate") && same.to_string().contains("@tenant.example.test"),
        "{same}"
    );
}

// rule: architecture law 8
#[tokio::test]
async fn neither_errors_nor_debug_forms_show_a_secret() {
    let canary = Canary::new("token");
    let control = control().await;
    control
        .saas
        .on("POST", "/auth/v1/token")
        .then(Answer::text(401, canary.secret.clone()))
        .then(Answer::json(200, &json!({"access_token": canary.secret, "token_type": canary.secret})))
        .then(token(&canary.secret, 3600));

    let (one, two) = (control.client.token().await.unwrap_err(), control.client.token().await.unwrap_err());
    let token = control.client.token().await.unwrap();

    let shown = [
        format!("{one} {one:?}"),
        format!("{two} {two:?}"),
        format!("{token:?} {:?} {:?}", token.header().unwrap(), control.client),
    ];
    canary.assert_absent(&shown);
    let assertions: Vec<String> =
        control.saas.calls().iter().map(|call| String::from_utf8_lossy(&call.body).into_owned()).collect();
    assert!(assertions.iter().all(|body| shown.iter().all(|text| !text.contains(body))));
}

fn tokens(key: &[u8], life_s: u64, clock: &TestClock) -> AccessTokens {
    AccessTokens::new(HashKey::from_bytes(key), Duration::from_secs(life_s), Arc::new(clock.clone()))
}

fn holder() -> TokenHolder {
    TokenHolder {
        client_id: "otter@tenant.example.test/spc".parse().unwrap(),
        credential_id: "2abcDEF".to_owned(),
    }
}

// rule: baton P-7
#[test]
fn token_is_taken_by_every_process_with_the_key_until_its_end() {
    let clock = TestClock::new();
    let (one, other) = (tokens(b"shared", 5, &clock), tokens(b"shared", 600, &clock));

    let issued = one.issue(&holder());

    assert_eq!(other.check(issued.text.expose()), Ok(holder()));
    clock.advance(Duration::from_millis(4_999));
    assert_eq!(other.check(issued.text.expose()), Ok(holder()));
    clock.advance(Duration::from_millis(1));
    assert_eq!(other.check(issued.text.expose()), Err(AccessTokenError::Ended));
    let answer = serde_json::to_value(issued.answer()).unwrap();
    assert_eq!(
        answer,
        json!({"access_token": issued.text.expose(), "token_type": "Bearer", "expires_in": 5.0})
    );
}

#[test]
fn changed_foreign_and_cut_tokens_are_not_taken() {
    let clock = TestClock::new();
    let tokens_of_ours = tokens(b"shared", 600, &clock);
    let issued = tokens_of_ours.issue(&holder());
    let other = tokens_of_ours.issue(&TokenHolder { credential_id: "other".to_owned(), ..holder() });
    let (claims, hash) = issued.text.expose().split_once('.').unwrap();
    let (other_claims, _) = other.text.expose().split_once('.').unwrap();
    let foreign = tokens(b"another", 600, &clock).issue(&holder());

    let wrong = [
        String::new(),
        ".".to_owned(),
        claims.to_owned(),
        format!("{claims}."),
        format!("{claims}.{}", &hash[..20]),
        format!("{other_claims}.{hash}"),
        format!("{claims}.{hash}.{hash}"),
        foreign.text.expose().clone(),
        "x".repeat(10_000),
    ];
    for token in wrong {
        assert_eq!(tokens_of_ours.check(&token), Err(AccessTokenError::Foreign), "{token}");
    }
    assert!(!format!("{issued:?} {tokens_of_ours:?} {:?}", issued.answer()).contains(claims));
}

/// The same bytes under the same key for another purpose are no token.
#[test]
fn hash_of_another_purpose_is_no_token() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims = br#"{"client":"otter@a/spc","credential":"c","until":9999999999999}"#;
    let hash = HashKey::from_bytes(b"shared").keyed_hash(claims);
    let token = format!("{}.{}", URL_SAFE_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode(hash));

    assert_eq!(tokens(b"shared", 5, &TestClock::new()).check(&token), Err(AccessTokenError::Foreign));
}

// rule: baton P-5
#[rstest]
#[case("", TokenFormError::Missing { field: "grant_type" }, 400)]
#[case("grant_type=password", TokenFormError::Grant, 400)]
#[case("grant_type=client_credentials", TokenFormError::Missing { field: "client_assertion_type" }, 400)]
#[case("grant_type=client_credentials&client_assertion_type=x", TokenFormError::AssertionType, 400)]
#[case(
    "grant_type=client_credentials&grant_type=client_credentials",
    TokenFormError::Repeated { field: "grant_type" }, 400
)]
#[case(
    "grant_type=client_credentials&client_id=otter&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
    TokenFormError::ClientId(crate::credential::CredentialError::IdWithoutHost),
    401
)]
fn wrong_form_is_named(#[case] body: &str, #[case] expected: TokenFormError, #[case] status: u16) {
    let error = TokenForm::parse(body.as_bytes()).unwrap_err();

    assert_eq!(error, expected);
    assert_eq!(error.refusal().status().as_u16(), status);
}

#[test]
fn refusals_are_named_as_oauth_does_and_a_form_hides_its_assertion() {
    let named = |refusal: TokenRefusal| serde_json::to_value(refusal).unwrap();
    let canary = Canary::new("form");
    let form =
        TokenForm { client_id: holder().client_id, client_assertion: Secret::new(canary.secret.clone()) };

    assert_eq!(named(TokenRefusal::InvalidClient), json!({"error": "invalid_client"}));
    assert_eq!(named(TokenRefusal::UnsupportedGrantType), json!({"error": "unsupported_grant_type"}));
    canary.assert_absent([format!("{form:?}")]);
}
