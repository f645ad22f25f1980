//! Settings that are changed while the server runs.

use api::Scope;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use spec::{ServerInputs, SourceFile, server_settings};

use crate::app::App;

const PATH: &str = "/api/v1/config";

#[tokio::test]
async fn settings_are_changed_replaced_and_reset_and_shown_with_what_holds() {
    let app = App::start().await;
    let origins = json!({"security": {"cors_origins": ["https://console.example.com"]}});

    let (_, before) = app.get(PATH).await;
    let strict = json!({"execution": {"masking_strict": false, "request_task_ttl": 5}});
    let (patched, first) = app.send(Method::PATCH, PATH, strict).await;
    let (_, second) = app.send(Method::PATCH, PATH, origins.clone()).await;
    let (_, held) = app.get(PATH).await;
    let (replaced, third) = app.send(Method::PUT, PATH, origins.clone()).await;
    let (_, only_set) = app.get(&format!("{PATH}?api_set=true")).await;
    let (reset, none) = app.send(Method::DELETE, PATH, Value::Null).await;
    let (_, after) = app.get(PATH).await;

    assert_eq!([patched, replaced, reset], [StatusCode::OK; 3]);
    assert_eq!(first, json!({"execution": {"masking_strict": false}}));
    assert_eq!(second["security"], origins["security"]);
    assert_eq!(second["execution"], first["execution"]);
    assert_eq!(held["execution"]["masking_strict"], false);
    assert_eq!(held["security"]["auth_rate_limit"], "10/minute");
    assert_eq!((&third, &only_set), (&origins, &origins));
    assert_eq!(none, json!({}));
    assert_eq!(before, after);
    assert_eq!(before["execution"]["masking_strict"], true);
}

/// What is only kept, without a key in the server file, is shown as well.
#[tokio::test]
async fn every_setting_that_clients_of_fides_set_is_kept_and_shown() {
    let app = App::start().await;
    let all = json!({
        "storage": {"active_default_storage_type": "s3"},
        "notifications": {"notification_service_type": "aws_ses", "send_request_receipt_notification": true},
        "execution": {"sql_dry_run": "none", "memory_watchdog_enabled": true,
                      "disable_consent_identity_verification": true},
        "consent": {"override_vendor_purposes": true},
        "admin_ui": {"enabled": true, "url": "https://console.example.com"},
        "privacy_center": {"url": "https://privacy.example.com"},
        "privacy_request_duplicate_detection": {"enabled": true, "time_window_days": 30,
                                                "match_identity_fields": ["email"]},
        "default_policies": {"access": "download"},
    });

    let (status, kept) = app.send(Method::PATCH, PATH, all.clone()).await;
    let (_, held) = app.get(PATH).await;

    assert_eq!(status, StatusCode::OK, "{kept}");
    for (section, members) in all.as_object().unwrap() {
        for (key, value) in members.as_object().unwrap() {
            assert_eq!((&kept[section][key], &held[section][key]), (value, value), "{section}.{key}");
        }
    }
}

#[tokio::test]
async fn what_the_server_file_says_stays_above_what_is_set() {
    let file = SourceFile::new("server.yml", "execution:\n  masking_strict: true\n");
    let inputs = ServerInputs { file: Some(file), ..ServerInputs::default() };
    let configured = server_settings(&inputs).value.unwrap();
    let app = App::start_with(|settings| settings.configured = configured).await;

    app.send(Method::PATCH, PATH, json!({"execution": {"masking_strict": false}})).await;
    let (_, held) = app.get(PATH).await;
    let (_, set) = app.get(&format!("{PATH}?api_set=true")).await;

    assert_eq!(held["execution"]["masking_strict"], true);
    assert_eq!(set["execution"]["masking_strict"], false);
}

#[rstest]
#[case::empty(json!({}), json!(["body"]))]
#[case::list(json!([]), json!(["body"]))]
#[case::section(json!({"egress": {"allow": ["0.0.0.0/0"]}}), json!(["body", "egress"]))]
#[case::key(json!({"security": {"token_life": "1d"}}), json!(["body", "security", "token_life"]))]
#[case::kind(json!({"execution": {"masking_strict": "no"}}), json!(["body", "execution", "masking_strict"]))]
#[case::word(json!({"storage": {"active_default_storage_type": "tape"}}), json!(["body", "storage", "active_default_storage_type"]))]
#[case::service(json!({"notifications": {"notification_service_type": "pigeon"}}), json!(["body", "notifications", "notification_service_type"]))]
#[case::origin(json!({"security": {"cors_origins": ["https://a.example.com", "*"]}}), json!(["body", "security", "cors_origins", 1]))]
#[case::days(json!({"privacy_request_duplicate_detection": {"time_window_days": 0}}), json!(["body", "privacy_request_duplicate_detection", "time_window_days"]))]
#[tokio::test]
async fn what_cannot_be_set_is_refused_at_its_place_and_nothing_is_set(
    #[case] body: Value,
    #[case] loc: Value,
) {
    let app = App::start().await;

    for method in [Method::PATCH, Method::PUT] {
        let (status, refused) = app.send(method, PATH, body.clone()).await;

        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        assert_eq!(refused["detail"][0]["loc"], loc, "{refused}");
    }
    assert_eq!(app.get(&format!("{PATH}?api_set=true")).await.1, json!({}));
}

#[tokio::test]
async fn a_reader_of_settings_changes_none() {
    let app = App::start().await.with_scopes(&[Scope::ConfigRead]).await;
    let change = json!({"execution": {"masking_strict": false}});

    let (read, _) = app.get(PATH).await;
    let (patch, _) = app.send(Method::PATCH, PATH, change.clone()).await;
    let (put, _) = app.send(Method::PUT, PATH, change).await;
    let (delete, _) = app.send(Method::DELETE, PATH, Value::Null).await;

    assert_eq!(read, StatusCode::OK);
    assert_eq!([patch, put, delete], [StatusCode::FORBIDDEN; 3]);
}
