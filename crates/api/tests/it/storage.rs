//! Places where packages are put.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Answer, FakeSaas};

use crate::app::App;

const CONFIG: &str = "/api/v1/storage/config";
const DEFAULT: &str = "/api/v1/storage/default";

/// One element; what became of it.
async fn patch(app: &App, element: Value) -> Result<Value, String> {
    let (status, body) = app.send(Method::PATCH, CONFIG, json!([element])).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    match body["failed"].as_array().unwrap().first() {
        Some(failed) => Err(failed["message"].as_str().unwrap().to_owned()),
        None => Ok(body["succeeded"][0].clone()),
    }
}

fn bucket(details: Value) -> Value {
    let mut whole = json!({"auth_method": "secret_keys", "bucket": "exports"});
    let Value::Object(details) = details else { panic!("no object: {details}") };
    for (key, value) in details {
        whole[key.as_str()] = value;
    }
    json!({"name": "Bucket", "key": "bucket", "type": "s3", "details": whole, "format": "csv"})
}

fn account() -> Value {
    json!({"aws_access_key_id": "canary-id", "aws_secret_access_key": "canary-secret"})
}

// rule: privacy-requests ST-1
// rule: privacy-requests ST-2
#[tokio::test]
async fn a_place_is_made_changed_and_removed_by_its_key() {
    let app = App::start().await;

    let made = patch(&app, bucket(json!({}))).await.unwrap();
    let mut changed = bucket(json!({"max_retries": 2}));
    changed["name"] = json!("Bucket 2");
    let changed = patch(&app, changed).await.unwrap();

    assert_eq!(
        made,
        json!({
            "name": "Bucket",
            "type": "s3",
            "details": {
                "auth_method": "secret_keys",
                "bucket": "exports",
                "naming": "request_id",
                "max_retries": 0,
                "enable_streaming": false,
                "enable_access_package_redirect": false,
            },
            "key": "bucket",
            "format": "csv",
            "is_default": false,
        })
    );
    assert_eq!((&changed["name"], &changed["details"]["max_retries"]), (&json!("Bucket 2"), &json!(2)));
    let path = format!("{CONFIG}/bucket");
    assert_eq!(app.get(&path).await, (StatusCode::OK, changed.clone()));
    let (_, listed) = app.get(CONFIG).await;
    assert_eq!((&listed["items"], &listed["total"]), (&json!([changed]), &json!(1)));
    assert_eq!(app.send(Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    for method in [Method::GET, Method::DELETE] {
        let (status, body) = app.send(method, &path, Value::Null).await;
        assert_eq!(
            (status, &body["detail"]),
            (StatusCode::NOT_FOUND, &json!("No configuration with key bucket."))
        );
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_is_refused_with_its_reason() {
    let app = App::start().await;
    patch(&app, bucket(json!({}))).await.unwrap();
    let local = |format| json!({"name": "Folder", "type": "local", "details": {}, "format": format});
    let mut same_name = bucket(json!({}));
    same_name["key"] = json!("other");
    let mut same_key = bucket(json!({}));
    same_key.as_object_mut().unwrap().remove("key");

    let csv = patch(&app, local("csv")).await.unwrap_err();
    let reserved = patch(&app, json!({"name": "T", "type": "transcend", "details": {}})).await.unwrap_err();

    assert_eq!(csv, "Only JSON or HTML upload format are supported for local storage destinations.");
    assert!(reserved.contains("transcend"), "{reserved}");
    assert_eq!(patch(&app, same_name).await.unwrap_err(), "Name Bucket already exists in StorageConfig.");
    assert!(
        patch(&app, same_key).await.unwrap_err().starts_with("Key bucket already exists in StorageConfig.")
    );
    assert_eq!(patch(&app, local("html")).await.unwrap()["key"], "folder");
}

#[rstest]
#[case::unknown_key(json!({"name": "a", "type": "local", "details": {}, "colour": 1}), json!(["body", 0, "colour"]))]
#[case::unknown_kind(json!({"name": "a", "type": "tape", "details": {}}), json!(["body", 0, "type"]))]
#[case::no_bucket(
    json!({"name": "a", "type": "s3", "details": {"auth_method": "automatic"}}),
    json!(["body", 0, "details", "bucket"])
)]
#[case::method_of_another_kind(
    json!({"name": "a", "type": "s3", "details": {"auth_method": "adc", "bucket": "b"}}),
    json!(["body", 0, "details", "auth_method"])
)]
#[case::detail(json!({"name": "a", "type": "local", "details": {"folder": "/etc"}}), json!(["body", 0, "details", "folder"]))]
#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_with_its_place(#[case] element: Value, #[case] loc: Value) {
    let app = App::start().await;

    let (status, body) = app.send(Method::PATCH, CONFIG, json!([element])).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["detail"][0]["loc"], loc, "{body}");
}

// rule: privacy-requests ST-5
// rule: privacy-requests POL-5
#[tokio::test]
async fn each_kind_has_one_default_and_the_active_one_is_a_folder_unless_the_settings_name_another() {
    let app = App::start().await;
    let s3 = |bucket| json!({"type": "s3", "details": {"auth_method": "secret_keys", "bucket": bucket}, "format": "json"});

    let (_, active) = app.get(&format!("{DEFAULT}/active")).await;
    let none = app.get(&format!("{DEFAULT}/s3")).await;
    let (status, first) = app.send(Method::PUT, DEFAULT, s3("one")).await;
    let (_, second) = app.send(Method::PUT, DEFAULT, s3("two")).await;

    assert_eq!(
        (&active["type"], &active["format"], &active["is_default"]),
        (&json!("local"), &json!("html"), &json!(true))
    );
    assert_eq!(
        (none.0, &none.1["detail"]),
        (StatusCode::NOT_FOUND, &json!("No default config for storage type s3."))
    );
    assert_eq!((status, &first["is_default"]), (StatusCode::OK, &json!(true)));
    assert_eq!((&second["key"], &second["details"]["bucket"]), (&first["key"], &json!("two")));
    let (_, listed) = app.get(DEFAULT).await;
    assert_eq!((&listed["items"][0], &listed["total"]), (&second, &json!(1)));
    assert_eq!(app.get(&format!("{DEFAULT}/s3")).await.1, second);
    let path = format!("{CONFIG}/{}", second["key"].as_str().unwrap());
    let (status, body) = app.send(Method::DELETE, &path, Value::Null).await;
    let text = json!("Default storage configurations cannot be deleted.");
    assert_eq!((status, &body["detail"]), (StatusCode::BAD_REQUEST, &text));
}

#[tokio::test]
async fn the_active_default_follows_the_settings() {
    let app = App::start().await;
    let set = |kind| json!({"storage": {"active_default_storage_type": kind}});
    let status = async || app.get(&format!("{DEFAULT}/status")).await.1["config_status"].clone();
    let unset = status().await;

    app.send(Method::PATCH, "/api/v1/config", set("s3")).await;
    let missing = app.get(&format!("{DEFAULT}/active")).await;
    let without_default = status().await;
    let default =
        json!({"type": "s3", "details": {"auth_method": "secret_keys", "bucket": "one"}, "format": "json"});
    app.send(Method::PUT, DEFAULT, default).await;
    let without_secrets = status().await;
    let (kept, _) = app.send(Method::PUT, &format!("{DEFAULT}/s3/secret?verify=false"), account()).await;

    assert_eq!(unset, "configured");
    let text = json!("No active default storage config found.");
    assert_eq!((missing.0, &missing.1["detail"]), (StatusCode::NOT_FOUND, &text));
    assert_eq!((without_default, without_secrets), (json!("not configured"), json!("not configured")));
    assert_eq!((kept, status().await), (StatusCode::OK, json!("configured")));
}

#[tokio::test]
async fn secrets_are_kept_and_never_shown_and_the_place_is_tried() {
    let app = App::start().await;
    let server = FakeSaas::start().await;
    let answer =
        r#"<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"#;
    server.on("GET", "/exports").then(Answer::status(200).body(answer.as_bytes().to_vec()));
    patch(&app, bucket(json!({"endpoint": server.base_url()}))).await.unwrap();
    let path = format!("{CONFIG}/bucket/secret");

    let (status, untried) = app.send(Method::PUT, &format!("{path}?verify=false"), account()).await;
    let (_, tried) = app.send(Method::PUT, &path, account()).await;

    let msg = json!("Secrets updated for StorageConfig with key: bucket.");
    assert_eq!(
        (status, &untried),
        (StatusCode::OK, &json!({"msg": msg, "test_status": null, "failure_reason": null}))
    );
    assert_eq!(tried, json!({"msg": msg, "test_status": "succeeded", "failure_reason": null}));
    for path in [CONFIG.to_owned(), format!("{CONFIG}/bucket")] {
        assert!(!app.get(&path).await.1.to_string().contains("canary"));
    }
}

#[tokio::test]
async fn a_place_that_refuses_is_told_without_what_it_said_and_the_secrets_stay() {
    let app = App::start().await;
    let server = FakeSaas::start().await;
    let answer = "<Error><Code>AccessDenied</Code><Key>canary-id</Key></Error>";
    server.on("GET", "/exports").then(Answer::status(403).body(answer.as_bytes().to_vec()));
    patch(&app, bucket(json!({"endpoint": server.base_url()}))).await.unwrap();

    let (status, tried) = app.send(Method::PUT, &format!("{CONFIG}/bucket/secret"), account()).await;

    assert_eq!((status, &tried["test_status"]), (StatusCode::OK, &json!("failed")));
    let reason = tried["failure_reason"].as_str().unwrap();
    assert!(reason.contains("AccessDenied") && !reason.contains("canary"), "{reason}");
    assert!(app.store().storage_secrets_find("bucket").await.unwrap().is_some());
}

#[tokio::test]
async fn secrets_do_not_follow_a_place_to_another_server() {
    let app = App::start().await;
    patch(&app, bucket(json!({}))).await.unwrap();
    let path = format!("{CONFIG}/bucket/secret?verify=false");
    app.send(Method::PUT, &path, account()).await;
    patch(&app, bucket(json!({"max_retries": 1}))).await.unwrap();
    assert!(app.store().storage_secrets_find("bucket").await.unwrap().is_some());

    patch(&app, bucket(json!({"endpoint": "https://elsewhere.example.com"}))).await.unwrap();

    assert!(app.store().storage_secrets_find("bucket").await.unwrap().is_none());
}

#[rstest]
#[case::missing(json!({"aws_access_key_id": "canary"}), "aws_secret_access_key", "missing")]
#[case::unknown(json!({"aws_access_key_id": "canary", "aws_secret_access_key": "canary", "colour": "canary"}), "colour", "extra_forbidden")]
#[case::no_text(json!({"aws_access_key_id": "canary", "aws_secret_access_key": ["canary"]}), "aws_secret_access_key", "string_type")]
#[tokio::test]
async fn wrong_secrets_are_told_by_name_without_their_values(
    #[case] secrets: Value,
    #[case] name: &str,
    #[case] kind: &str,
) {
    let app = App::start().await;
    patch(&app, bucket(json!({}))).await.unwrap();

    let (status, body) = app.send(Method::PUT, &format!("{CONFIG}/bucket/secret"), secrets).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (&body["detail"][0]["loc"], &body["detail"][0]["type"]),
        (&json!(["body", name]), &json!(kind))
    );
    assert!(!body.to_string().contains("canary"), "{body}");
}

#[tokio::test]
async fn secrets_of_what_is_not_there_are_refused() {
    let app = App::start().await;

    let place = app.send(Method::PUT, &format!("{CONFIG}/nowhere/secret"), account()).await;
    let default = app.send(Method::PUT, &format!("{DEFAULT}/s3/secret"), account()).await;

    assert_eq!(place.1["detail"], "No storage configuration with key nowhere.");
    assert_eq!(default.1["detail"], "No default configuration found for storage type s3.");
    assert_eq!((place.0, default.0), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn a_place_that_a_rule_names_stays() {
    let app = App::start().await;
    patch(&app, bucket(json!({}))).await.unwrap();
    let rule = json!({"name": "Deliver", "action_type": "access", "storage_destination_key": "bucket"});
    app.send(Method::PATCH, "/api/v1/dsr/policy", json!([{"name": "Ana", "rules": [rule]}])).await;

    let (status, _) = app.send(Method::DELETE, &format!("{CONFIG}/bucket"), Value::Null).await;

    assert_eq!(status, StatusCode::CONFLICT);
}
