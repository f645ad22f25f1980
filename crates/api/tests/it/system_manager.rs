//! Systems that people look after.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::App;

async fn user(app: &App, username: &str, role: &str) -> String {
    let new = json!({"username": username, "email_address": format!("{username}@example.com")});
    let id = app.send(Method::POST, "/api/v1/user", new).await.1["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/user/{id}/permission");
    let put = app.send(Method::PUT, &path, json!({"roles": [role]})).await;
    assert_eq!(put.0, StatusCode::OK, "{put:?}");
    id
}

fn keys(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().filter_map(|system| system["fides_key"].as_str()).collect()
}

// rule: fides-api 2.3
#[tokio::test]
async fn a_person_looks_after_the_systems_that_were_named_last() {
    let app = App::start().await;
    let id = user(&app, "olga", "contributor").await;
    for key in ["crm", "shop"] {
        app.send(Method::POST, "/api/v1/system", json!({"fides_key": key})).await;
    }
    let path = format!("/api/v1/user/{id}/system-manager");

    let set = app.send(Method::PUT, &path, json!(["shop", "crm"])).await;
    let listed = app.get(&path).await;
    let one = app.get(&format!("{path}/shop")).await;
    let removed = app.send(Method::DELETE, &format!("{path}/shop"), json!(null)).await;
    let again = app.send(Method::DELETE, &format!("{path}/shop"), json!(null)).await;
    let left = app.get(&path).await;

    assert_eq!((set.0, keys(&set.1)), (StatusCode::OK, vec!["crm", "shop"]));
    assert_eq!(listed, set);
    assert_eq!((one.0, one.1["fides_key"].as_str()), (StatusCode::OK, Some("shop")));
    assert_eq!((removed.0, again.0), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
    assert_eq!(keys(&left.1), ["crm"]);
    assert_eq!(app.get(&format!("{path}/shop")).await.0, StatusCode::NOT_FOUND);
}

// rule: fides-api 2.3
#[tokio::test]
async fn nothing_changes_for_an_unknown_system_an_unknown_person_or_an_approver() {
    let app = App::start().await;
    let olga = user(&app, "olga", "contributor").await;
    let anna = user(&app, "anna", "approver").await;
    app.send(Method::POST, "/api/v1/system", json!({"fides_key": "crm"})).await;
    let put = async |id: &str, keys: Value| {
        app.send(Method::PUT, &format!("/api/v1/user/{id}/system-manager"), keys).await.0
    };

    assert_eq!(put(&olga, json!(["crm"])).await, StatusCode::OK);
    assert_eq!(put(&olga, json!(["crm", "none"])).await, StatusCode::NOT_FOUND);
    assert_eq!(put(&anna, json!(["crm"])).await, StatusCode::BAD_REQUEST);
    assert_eq!(put("fid_none", json!(["crm"])).await, StatusCode::NOT_FOUND);
    assert_eq!(put(&olga, json!("crm")).await, StatusCode::UNPROCESSABLE_ENTITY);
    let listed = app.get(&format!("/api/v1/user/{olga}/system-manager")).await.1;
    assert_eq!(keys(&listed), ["crm"]);
}
