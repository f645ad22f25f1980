use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::engine::general_purpose::STANDARD;
use model::CallStats;
use rstest::rstest;
use testkit::Answer;

use super::*;
use crate::acme::{Acme, Pieces};
use crate::send::CallError;
use crate::values::ValueMap;

const NOW: i64 = 1_768_478_400;

/// A private key as PEM, and the same for checking signatures.
fn key() -> (String, RsaKeyPair) {
    let der = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref().to_vec();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", STANDARD.encode(&der));
    (pem, RsaKeyPair::from_pkcs8(&der).unwrap())
}

async fn start(configuration: &str, secrets: &[(&str, Value)]) -> Acme {
    let authentication = format!("strategy: google_cloud_service_account\nconfiguration: {configuration}");
    let acme = Acme::start(Pieces { authentication: &authentication, ..Pieces::default() }, secrets).await;
    acme.saas.on("GET", "/things").then(Answer::json(200, &json!({})));
    acme.saas.on("POST", "/token").then(Answer::json(200, &json!({"access_token": "GT"})));
    acme
}

async fn call(acme: &Acme) -> Result<(), CallError> {
    let prepared = acme.prepare(&ValueMap::new()).unwrap();
    acme.connector.call(&prepared, &mut CallStats::default(), |_| Ok(())).await.map(|_| ())
}

fn account<'a>(private_key: &str) -> Vec<(&'a str, Value)> {
    vec![
        ("project_id", json!("acme-1")),
        ("client_email", json!("robot@acme-1.example.com")),
        ("private_key_id", json!("kid-1")),
        ("private_key", json!(private_key)),
    ]
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

// rule: saas-config 6.28
// rule: saas-config 6.30
// rule: saas-config 6.31
#[tokio::test]
async fn signed_claim_is_exchanged_for_a_token_that_is_kept() {
    let (pem, pair) = key();
    let acme = start("{}", &account(&pem.replace('\n', "\\n"))).await;

    call(&acme).await.unwrap();
    acme.clock.advance(Duration::from_secs(2_999));
    call(&acme).await.unwrap();

    let exchanges = acme.saas.calls_to("/token");
    assert_eq!(exchanges.len(), 1, "an answer without lifetime counts as one hour");
    assert_eq!(exchanges[0].host(), "oauth2.googleapis.com");
    let form: Vec<(String, String)> = form_urlencoded::parse(&exchanges[0].body).into_owned().collect();
    assert_eq!(form[0], ("grant_type".to_owned(), GRANT.to_owned()));
    let (signed, signature) = form[1].1.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    assert_eq!(decoded(header), json!({"alg": "RS256", "typ": "JWT", "kid": "kid-1"}));
    assert_eq!(
        decoded(claims),
        json!({
            "iss": "robot@acme-1.example.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": NOW,
            "exp": NOW + 3600,
        })
    );
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key())
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .unwrap();
    assert_eq!(acme.saas.calls_to("/things")[1].bearer_token(), Some("GT"));
}

// rule: saas-config 6.28
#[tokio::test]
async fn configured_scopes_are_joined_by_a_space() {
    let (pem, _) = key();
    let acme = start("{scopes: [a.read, b.read]}", &account(&pem)).await;

    call(&acme).await.unwrap();

    let form: Vec<(String, String)> =
        form_urlencoded::parse(&acme.saas.calls_to("/token")[0].body).into_owned().collect();
    assert_eq!(decoded(form[1].1.split('.').nth(1).unwrap())["scope"], "a.read b.read");
}

// rule: saas-config 6.31
#[tokio::test]
async fn cached_token_among_the_secrets_is_used_until_ten_minutes_before_its_end() {
    let (pem, _) = key();
    let mut secrets = account(&pem);
    secrets.push(("google_cloud_access_token", json!("OLD")));
    secrets.push(("google_cloud_token_expires_at", json!(NOW + 601)));
    let acme = start("{}", &secrets).await;

    call(&acme).await.unwrap();
    acme.clock.advance(Duration::from_secs(2));
    call(&acme).await.unwrap();

    let sent: Vec<_> =
        acme.saas.calls_to("/things").iter().map(|call| call.bearer_token().map(str::to_owned)).collect();
    assert_eq!(sent, [Some("OLD".to_owned()), Some("GT".to_owned())]);
}

// rule: saas-config 6.29
#[tokio::test]
async fn missing_secrets_are_listed() {
    let acme = start("{}", &[("project_id", json!("acme-1"))]).await;

    let error = call(&acme).await.unwrap_err();

    assert!(error.to_string().contains("`client_email` and `private_key`"), "{error}");
    assert!(acme.saas.calls().is_empty());
}

// rule: saas-config 6.32
#[rstest]
#[case("private_key", json!("canary, not PEM"), "malformed private key")]
#[case("token_uri", json!("http://oauth2.googleapis.com/token"), "malformed credentials")]
#[case("token_uri", json!("https://127.0.0.2/token"), "got no answer")]
#[tokio::test]
async fn failures_are_told_apart(#[case] name: &'static str, #[case] value: Value, #[case] expected: &str) {
    let (pem, _) = key();
    let mut secrets = account(&pem);
    secrets.retain(|(known, _)| *known != name);
    secrets.push((name, value));
    let acme = start("{}", &secrets).await;

    let error = call(&acme).await.unwrap_err();

    assert!(error.to_string().contains(expected), "{error}");
    assert!(error.to_string().contains("Operational Error connecting to 'acme'"), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

// rule: saas-config 6.32
#[tokio::test]
async fn rejected_credentials_say_what_google_said() {
    let (pem, _) = key();
    let acme = start("{}", &account(&pem)).await;
    acme.saas.on("POST", "/token").then(Answer::json(400, &json!({"error": "invalid_grant"})));

    let error = call(&acme).await.unwrap_err();

    assert!(error.to_string().contains("invalid_grant"), "{error}");
}
