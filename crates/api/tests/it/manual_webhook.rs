//! What people bring from places that no program reads.

use http::{Method, StatusCode};
use model::PrivacyRequestId;
use serde_json::{Value, json};
use store::{Intake, PrivacyRequestStatus};

use crate::app::App;

const FORM: &str = "/api/v1/connection/desk/access_manual_webhook";

/// An interface with a manual connection, another one, and a policy.
async fn app() -> App {
    let app = App::start().await;
    let connection =
        |key: &str, kind: &str| json!({"name": key, "key": key, "connection_type": kind, "access": "read"});
    let connections = json!([connection("desk", "manual_webhook"), connection("crm", "https")]);
    let (_, made) = app.send(Method::PATCH, "/api/v1/connection", connections).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    let (_, made) = app.send(Method::PATCH, "/api/v1/dsr/policy", json!([{"name": "Ana"}])).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    app
}

// rule: fides-api 12
// rule: privacy-requests W-13
#[tokio::test]
async fn a_form_is_made_once_changed_listed_and_removed() {
    let app = app().await;
    let fields = json!({"fields": [
        {"pii_field": "Home Address", "types": ["string", "file"], "data_categories": ["user.contact"]},
        {"pii_field": "note", "dsr_package_label": "remarks"},
    ]});

    let none = app.get(FORM).await;
    let (status, made) = app.send(Method::POST, FORM, fields.clone()).await;
    let again = app.send(Method::POST, FORM, fields.clone()).await;
    let elsewhere = app.send(Method::POST, &FORM.replace("desk", "crm"), fields.clone()).await;
    let nowhere = app.send(Method::POST, &FORM.replace("desk", "none"), fields).await;

    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["connection_config"]["key"], "desk");
    assert_eq!(
        made["fields"],
        json!([
            {"pii_field": "Home Address", "dsr_package_label": "home_address", "types": ["string", "file"], "data_categories": ["user.contact"]},
            {"pii_field": "note", "dsr_package_label": "remarks", "types": ["string"], "data_categories": []},
        ])
    );
    let detail = "No access manual webhook exists for connection config with key 'desk'";
    assert_eq!(none, (StatusCode::NOT_FOUND, json!({"detail": detail})));
    let statuses = [again.0, elsewhere.0, nowhere.0];
    assert_eq!(statuses, [StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND]);
    let changed = json!({"fields": [{"pii_field": "name"}]});
    let (status, changed) = app.send(Method::PATCH, FORM, changed).await;
    assert_eq!((status, &changed["id"]), (StatusCode::OK, &made["id"]));
    assert_eq!(app.get(FORM).await, (StatusCode::OK, changed.clone()));
    assert_eq!(app.get("/api/v1/access_manual_webhook").await.1, json!([changed]));
    let removed = app.send(Method::DELETE, FORM, Value::Null).await.0;
    assert_eq!(removed, StatusCode::NO_CONTENT);
    assert_eq!(app.send(Method::DELETE, FORM, Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        app.send(Method::PATCH, FORM, json!({"fields": [{"pii_field": "name"}]})).await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_form_whose_names_do_not_stand_once_is_refused_with_the_place() {
    let app = app().await;
    let refused = async |fields: Value| {
        let (status, reply) = app.send(Method::POST, FORM, json!({"fields": fields})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{reply}");
        reply["detail"][0]["loc"].clone()
    };

    let name = refused(json!([{"pii_field": "a"}, {"pii_field": "a", "dsr_package_label": "b"}])).await;
    let label = refused(json!([{"pii_field": "a b"}, {"pii_field": "A B"}])).await;
    let none = refused(json!([])).await;
    let unnamed = refused(json!([{"pii_field": " "}])).await;
    let kind = refused(json!([{"pii_field": "a", "types": ["image"]}])).await;

    assert_eq!(name, json!(["body", "fields", 1, "pii_field"]));
    assert_eq!(label, json!(["body", "fields", 1, "dsr_package_label"]));
    assert_eq!(none, json!(["body", "fields"]));
    assert_eq!(unnamed, json!(["body", "fields", 0, "pii_field"]));
    assert_eq!(kind, json!(["body", "fields", 0, "types", 0]));
}

// rule: fides-api 12
// rule: privacy-requests W-14
#[tokio::test]
async fn input_is_brought_while_a_request_waits_and_is_checked_when_whole() {
    let app = app().await;
    let fields = json!({"fields": [{"pii_field": "name"}, {"pii_field": "note"}]});
    app.send(Method::POST, FORM, fields).await;
    let waiting =
        app.enter_request(("ana", Intake::Authenticated), PrivacyRequestStatus::RequiresInput).await;
    let pending = app.enter_request(("ana", Intake::Authenticated), PrivacyRequestStatus::Pending).await;
    let path = |id: &PrivacyRequestId, action: &str| {
        format!("/api/v1/privacy-request/{id}/{action}_manual_webhook/desk")
    };
    let access = path(&waiting, "access");

    let before = app.get(&access).await;
    let (partly, _) = app.send(Method::PATCH, &access, json!({"name": "Ana"})).await;
    let half = app.get(&access).await.1;
    let (whole, reply) = app.send(Method::PATCH, &access, json!({"name": "Ana", "note": ""})).await;
    let unknown = app.send(Method::PATCH, &access, json!({"name": "Ana", "age": "7"})).await;
    let early = app.send(Method::PATCH, &path(&pending, "access"), json!({})).await;
    let nobody = app.get("/api/v1/privacy-request/pri_x/access_manual_webhook/desk").await;

    assert_eq!(before, (StatusCode::OK, json!({"checked": false, "fields": {"name": null, "note": null}})));
    assert_eq!(
        (partly, half),
        (StatusCode::OK, json!({"checked": false, "fields": {"name": "Ana", "note": null}}))
    );
    assert_eq!((whole, reply), (StatusCode::OK, Value::Null));
    assert_eq!(app.get(&access).await.1, json!({"checked": true, "fields": {"name": "Ana", "note": ""}}));
    assert_eq!(unknown.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(unknown.1["detail"][0]["loc"], json!(["body", "age"]));
    assert_eq!((early.0, nobody.0), (StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn what_was_erased_by_hand_is_said_field_by_field() {
    let app = app().await;
    app.send(Method::POST, FORM, json!({"fields": [{"pii_field": "name"}, {"pii_field": "note"}]})).await;
    let waiting =
        app.enter_request(("ana", Intake::Authenticated), PrivacyRequestStatus::RequiresInput).await;
    let path = format!("/api/v1/privacy-request/{waiting}/erasure_manual_webhook/desk");

    let text = app.send(Method::PATCH, &path, json!({"name": "yes", "note": true})).await;
    app.send(Method::PATCH, &path, json!({"name": true, "note": false})).await;
    let not_yet = app.get(&path).await.1;
    app.send(Method::PATCH, &path, json!({"name": true, "note": true})).await;

    assert_eq!(text.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(not_yet, json!({"checked": false, "fields": {"name": true, "note": false}}));
    assert_eq!(app.get(&path).await.1, json!({"checked": true, "fields": {"name": true, "note": true}}));
}

// rule: fides-api 12
#[tokio::test]
async fn a_form_works_once_it_asks_for_something() {
    let app = app().await;
    let test = async || app.get("/api/v1/connection/desk/test").await.1["test_status"].clone();

    let without = test().await;
    let form = json!({"fields": [{"pii_field": "note"}]});
    assert_eq!(app.send(Method::POST, FORM, form).await.0, StatusCode::CREATED);
    let with = test().await;

    assert_eq!((without, with), (json!("failed"), json!("succeeded")));
}
