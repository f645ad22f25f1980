//! Masking and encryption of values that the caller brings.

use api::Scope;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

async fn mask(app: &App, strategy: Value) -> (StatusCode, Value) {
    let body = json!({"values": ["ana@example.com", "ben@example.com"], "masking_strategy": strategy});
    app.send(Method::PUT, "/api/v1/masking/mask", body).await
}

// rule: fides-api 13
// rule: privacy-requests M-10
#[tokio::test]
async fn strategies_are_taken_from_left_to_right_with_fresh_secrets() {
    let app = App::start().await;
    let hash = json!({"strategy": "hash", "configuration": {"algorithm": "SHA-512"}});
    let both = json!([hash, {"strategy": "string_rewrite", "configuration": {"rewrite_value": "gone"}}]);

    let (status, one) = mask(&app, hash.clone()).await;
    let (_, other) = mask(&app, hash).await;
    let (_, replaced) = mask(&app, both).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(one["plain"], json!(["ana@example.com", "ben@example.com"]));
    assert_eq!(one["masked_values"][0].as_str().unwrap().len(), 128);
    assert_ne!(one["masked_values"][0], one["masked_values"][1]);
    assert_ne!(one["masked_values"], other["masked_values"]);
    assert_eq!(replaced["masked_values"], json!(["gone", "gone"]));
}

// rule: fides-api 13
#[rstest]
#[case::unknown(json!({"strategy": "rot13"}), StatusCode::NOT_FOUND, "Strategy 'rot13' does not exist. Valid strategies are [aes_encrypt, hash, hmac, null_rewrite, preserve, random_string_rewrite, string_rewrite]")]
#[case::missing(json!({"strategy": "string_rewrite", "configuration": {}}), StatusCode::BAD_REQUEST, "`rewrite_value`")]
#[case::wrong(json!({"strategy": "hash", "configuration": {"algorithm": "MD5"}}), StatusCode::BAD_REQUEST, "`SHA-256` or `SHA-512`")]
#[case::second(json!([{"strategy": "hash"}, {"strategy": 1}]), StatusCode::UNPROCESSABLE_ENTITY, "[\"body\",\"masking_strategy\",1,\"strategy\"]")]
#[case::none(json!([]), StatusCode::UNPROCESSABLE_ENTITY, "from 1 to 10")]
#[case::too_much(json!({"strategy": "random_string_rewrite", "configuration": {"length": 1_000_000, "format_preservation": {"suffix": "x".repeat(10_000_000)}}}), StatusCode::PAYLOAD_TOO_LARGE, "larger")]
#[tokio::test]
async fn a_strategy_that_cannot_be_used_is_refused(
    #[case] strategy: Value,
    #[case] status: StatusCode,
    #[case] text: &str,
) {
    let app = App::start().await;

    let (found, body) = mask(&app, strategy).await;

    assert_eq!(found, status, "{body}");
    assert!(body["detail"].to_string().replace("\\\"", "\"").contains(text), "{body}");
}

#[tokio::test]
async fn masks_that_would_fill_the_memory_are_refused_before_they_are_made() {
    let app = App::start().await;
    let values = vec!["a"; 100_000];
    let strategy = json!({"strategy": "random_string_rewrite", "configuration": {"length": 1_000_000}});
    let body = json!({"values": values, "masking_strategy": strategy});

    let (status, body) = app.send(Method::PUT, "/api/v1/masking/mask", body).await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["detail"].as_str().unwrap().contains("fewer values"), "{body}");
}

// rule: fides-api 13
#[tokio::test]
async fn strategies_are_listed_with_what_they_need() {
    let app = App::start().await.with_scopes(&[Scope::MaskingRead]).await;

    let (status, list) = app.get("/api/v1/masking/strategy").await;

    assert_eq!(status, StatusCode::OK);
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 7);
    assert_eq!(names[6], "string_rewrite");
    assert_eq!(list[6]["configurations"][0]["key"], "rewrite_value");
    assert_eq!(list[6]["configurations"][0]["optional"], false);
    assert!(list[6]["configurations"][0]["description"].is_string());
}

// rule: fides-api 13
#[tokio::test]
async fn a_value_is_encrypted_and_opens_with_its_key_alone() {
    let app = App::start().await;
    let (_, key) = app.get("/api/v1/cryptography/encryption/key").await;
    let (_, other) = app.get("/api/v1/cryptography/encryption/key").await;
    let encrypt = "/api/v1/cryptography/encryption/aes/encrypt";
    let decrypt = "/api/v1/cryptography/encryption/aes/decrypt";

    let (status, sealed) = app.send(Method::PUT, encrypt, json!({"value": "ana", "key": key})).await;
    let opening =
        |key: &Value| json!({"value": sealed["encrypted_value"], "key": key, "nonce": sealed["nonce"]});
    let opened = app.send(Method::PUT, decrypt, opening(&key)).await;
    let refused = app.send(Method::PUT, decrypt, opening(&other)).await;
    let short = app.send(Method::PUT, encrypt, json!({"value": "ana", "key": "short"})).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(key.as_str().unwrap().len(), 16);
    assert_eq!(opened, (StatusCode::OK, json!({"decrypted_value": "ana"})));
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
    assert_eq!(short.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(short.1["detail"][0]["loc"], json!(["body", "key"]));
}
