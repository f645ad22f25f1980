//! Systems of the data map, and their connections.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

// rule: fides-api 6.4
#[tokio::test]
async fn a_system_is_kept_listed_replaced_and_removed() {
    let app = App::start().await;
    let path = "/api/v1/system";
    let shop = json!({"fides_key": "shop", "name": "The shop", "system_type": "Service", "privacy_declarations": []});

    let (created, first) = app.send(Method::POST, path, shop.clone()).await;
    let (twice, taken) = app.send(Method::POST, path, shop).await;
    let (updated, second) = app.send(Method::PUT, path, json!({"fides_key": "shop", "name": "Shop"})).await;
    let (absent, _) = app.send(Method::PUT, path, json!({"fides_key": "crm"})).await;
    let (upserted, counts) = app
        .send(Method::POST, "/api/v1/system/upsert", json!([{"fides_key": "crm"}, {"fides_key": "shop"}]))
        .await;

    assert_eq!((created, &first["system_type"]), (StatusCode::CREATED, &json!("Service")));
    assert!(first["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!((twice, &taken["detail"]["resource_type"]), (StatusCode::CONFLICT, &json!("System")));
    assert_eq!((updated, &second["name"]), (StatusCode::OK, &json!("Shop")));
    assert_eq!(absent, StatusCode::NOT_FOUND);
    assert_eq!(
        (upserted, &counts["inserted"], &counts["updated"]),
        (StatusCode::CREATED, &json!(1), &json!(1))
    );
    let (_, all) = app.get(path).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    let (_, page) = app.get("/api/v1/system?page=2&size=1").await;
    assert_eq!((&page["total"], &page["items"][0]["fides_key"]), (&json!(2), &json!("shop")));
    let (removed, reply) = app.send(Method::DELETE, "/api/v1/system/crm", Value::Null).await;
    assert_eq!((removed, &reply["resource"]["fides_key"]), (StatusCode::OK, &json!("crm")));
    let (gone, missing) = app.get("/api/v1/system/crm").await;
    assert_eq!((gone, &missing["detail"]["fides_key"]), (StatusCode::NOT_FOUND, &json!("crm")));
}

#[rstest]
#[case::no_key(json!({"name": "Shop"}), json!(["body", "fides_key"]))]
#[case::bad_key(json!({"fides_key": "a b"}), json!(["body", "fides_key"]))]
#[case::number(json!({"fides_key": 5}), json!(["body", "fides_key"]))]
#[case::name(json!({"fides_key": "a", "name": [1]}), json!(["body", "name"]))]
#[case::zero(json!({"fides_key": "a", "name": "a\0"}), json!(["body", "name"]))]
#[case::text(json!("shop"), json!(["body"]))]
#[tokio::test]
async fn what_is_no_system_is_refused_with_its_place(#[case] body: Value, #[case] loc: Value) {
    let app = App::start().await;

    let (status, reply) = app.send(Method::POST, "/api/v1/system", body).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply["detail"][0]["loc"], loc);
}

// rule: fides-api 3.7
#[tokio::test]
async fn connections_are_made_for_a_system_and_outlive_it() {
    let app = App::start().await;
    app.send(Method::POST, "/api/v1/system", json!({"fides_key": "shop", "name": "Shop"})).await;
    let path = "/api/v1/system/shop/connection";
    let new = json!([{"key": "db", "name": "Database", "connection_type": "postgres", "access": "read"}]);

    let (made, reply) = app.send(Method::PATCH, path, new).await;
    let secrets = json!({"host": "db.example.com"});
    let (kept, _) = app.send(Method::PATCH, &format!("{path}/secrets?verify=false"), secrets).await;
    let (_, page) = app.get(path).await;
    let instance = json!({
        "instance_key": "mail", "secrets": {"domain": "us1.api.mailchimp.com", "username": "u", "api_key": "k"}});
    let (instantiated, _) = app.send(Method::POST, &format!("{path}/instantiate/mailchimp"), instance).await;
    let (several, _) = app.send(Method::DELETE, path, Value::Null).await;
    app.send(Method::DELETE, "/api/v1/connection/mail", Value::Null).await;

    assert_eq!(made, StatusCode::OK, "{reply}");
    assert_eq!(reply["succeeded"][0]["linked_systems"], json!([{"fides_key": "shop", "name": "Shop"}]));
    assert_eq!(kept, StatusCode::OK);
    assert_eq!((&page["total"], &page["items"][0]["key"]), (&json!(1), &json!("db")));
    assert_eq!((instantiated, several), (StatusCode::OK, StatusCode::CONFLICT));
    app.send(Method::DELETE, "/api/v1/system/shop", Value::Null).await;
    let (status, connection) = app.get("/api/v1/connection/db").await;
    assert_eq!((status, &connection["linked_systems"]), (StatusCode::OK, &json!([])));
}

#[tokio::test]
async fn the_one_connection_of_a_system_is_removed_with_it_named() {
    let app = App::start().await;
    app.send(Method::POST, "/api/v1/system", json!({"fides_key": "shop"})).await;
    let path = "/api/v1/system/shop/connection";
    let new = json!([{"key": "db", "connection_type": "postgres", "access": "read"}]);
    app.send(Method::PATCH, path, new).await;

    let (removed, _) = app.send(Method::DELETE, path, Value::Null).await;
    let (none, _) = app.send(Method::DELETE, path, Value::Null).await;
    let (no_system, _) = app.get("/api/v1/system/crm/connection").await;

    assert_eq!(removed, StatusCode::NO_CONTENT);
    assert_eq!((none, no_system), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(app.get("/api/v1/connection/db").await.0, StatusCode::NOT_FOUND);
}
