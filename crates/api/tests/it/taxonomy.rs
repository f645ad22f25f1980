//! The taxonomy: default entries and those of one's own.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

const PATH: &str = "/api/v1/data_category";

// rule: fides-api 6.4
#[rstest]
#[case("data_category", "user.contact.email")]
#[case("data_use", "essential.service.security")]
#[case("data_subject", "customer")]
#[case("organization", "default_organization")]
#[tokio::test]
async fn the_default_taxonomy_is_there_from_the_start_and_stays(#[case] kind: &str, #[case] key: &str) {
    let app = App::start().await;
    let path = format!("/api/v1/{kind}");

    let (listed, all) = app.get(&path).await;
    let (_, page) = app.get(&format!("{path}?page=1&size=1")).await;
    let (found, entry) = app.get(&format!("{path}/{key}")).await;
    let (twice, taken) = app.send(Method::POST, &path, json!({"fides_key": key})).await;
    let renamed = json!({"fides_key": key, "name": "Renamed", "is_default": false});
    let (updated, renamed) = app.send(Method::PUT, &path, renamed).await;
    let (removed, refused) = app.send(Method::DELETE, &format!("{path}/{key}"), Value::Null).await;

    assert_eq!((listed, found), (StatusCode::OK, StatusCode::OK));
    assert_eq!(page["total"], json!(all.as_array().unwrap().len()));
    assert_eq!((&entry["fides_key"], &entry["is_default"]), (&json!(key), &json!(true)));
    assert_eq!(twice, StatusCode::CONFLICT, "{taken}");
    assert_eq!(updated, StatusCode::OK);
    assert_eq!((&renamed["name"], &renamed["is_default"]), (&json!("Renamed"), &json!(true)));
    assert_eq!((removed, &refused["detail"]["fides_key"]), (StatusCode::FORBIDDEN, &json!(key)));
    assert_eq!(app.get(&format!("{path}/{key}")).await.1["name"], "Renamed");
}

// rule: fides-api 6.4
#[tokio::test]
async fn an_entry_of_ones_own_is_kept_listed_replaced_and_removed() {
    let app = App::start().await;
    let badge = json!({"fides_key": "acme.badge", "name": "Badge", "parent_key": "acme"});

    let (orphan, told) = app.send(Method::POST, PATH, badge.clone()).await;
    let both = json!([badge, {"fides_key": "acme", "name": "Acme"}, {"fides_key": "user", "name": "People"}]);
    let (upserted, counts) = app.send(Method::POST, &format!("{PATH}/upsert"), both).await;
    let (_, found) = app.get(&format!("{PATH}?search=BADG")).await;
    let (absent, missing) = app.send(Method::PUT, PATH, json!({"fides_key": "none"})).await;
    let (above, used) = app.send(Method::DELETE, &format!("{PATH}/acme"), Value::Null).await;
    let (removed, gone) = app.send(Method::DELETE, &format!("{PATH}/acme.badge"), Value::Null).await;

    assert_eq!(orphan, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(told["detail"][0]["loc"], json!(["body", "fides_key"]));
    assert_eq!((upserted, &counts["inserted"]), (StatusCode::CREATED, &json!(2)), "{counts}");
    assert_eq!(counts["updated"], 1);
    assert_eq!((&found[0]["fides_key"], &found[0]["is_default"]), (&json!("acme.badge"), &json!(false)));
    assert_eq!(
        (absent, &missing["detail"]["resource_type"]),
        (StatusCode::NOT_FOUND, &json!("DataCategory"))
    );
    assert_eq!(above, StatusCode::CONFLICT);
    assert!(used["detail"]["error"].as_str().unwrap().contains("`acme.badge`"), "{used}");
    assert_eq!((removed, &gone["resource"]["name"]), (StatusCode::OK, &json!("Badge")));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_list_is_told_with_its_place() {
    let app = App::start().await;
    let list =
        json!([{"fides_key": "acme"}, {"name": 5}, {"fides_key": "user.shoe", "parent_key": "system"}]);

    let (status, reply) = app.send(Method::POST, &format!("{PATH}/upsert"), list).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let places: Vec<&Value> = reply["detail"].as_array().unwrap().iter().map(|one| &one["loc"]).collect();
    let expected =
        [json!(["body", 1, "fides_key"]), json!(["body", 1, "name"]), json!(["body", 2, "parent_key"])];
    assert_eq!(places, expected.iter().collect::<Vec<_>>());
    assert_eq!(app.get(&format!("{PATH}/acme")).await.0, StatusCode::NOT_FOUND, "nothing was kept");
}

// rule: fides-api 6.4
// rule: privacy-requests POL-6
#[tokio::test]
async fn a_category_of_ones_own_is_used_by_datasets_and_targets_and_then_stays() {
    let app = App::start().await;
    let dataset = json!({"fides_key": "door", "collections": [
        {"name": "entries", "fields": [{"name": "badge", "data_categories": ["acme.badge"]}]}]});
    let policy = json!([{"name": "Hand out", "rules": [
        {"name": "Hand out", "key": "hand_out_rule", "action_type": "access",
            "targets": [{"data_category": "acme"}]}]}]);
    let (unknown, told) = app.send(Method::POST, "/api/v1/dataset", dataset.clone()).await;
    let (no_target, _) = app.send(Method::PATCH, "/api/v1/dsr/policy", policy.clone()).await;
    let own = json!([{"fides_key": "acme"}, {"fides_key": "acme.badge"}]);
    app.send(Method::POST, &format!("{PATH}/upsert"), own).await;

    let (kept, _) = app.send(Method::POST, "/api/v1/dataset", dataset).await;
    let (target, made) = app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await;
    let (of_dataset, used) = app.send(Method::DELETE, &format!("{PATH}/acme.badge"), Value::Null).await;
    app.send(Method::DELETE, "/api/v1/dataset/door", Value::Null).await;
    let (free, _) = app.send(Method::DELETE, &format!("{PATH}/acme.badge"), Value::Null).await;
    let (of_target, used_by_rule) = app.send(Method::DELETE, &format!("{PATH}/acme"), Value::Null).await;

    assert_eq!((unknown, no_target), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(told["detail"][0]["msg"], "The data category acme.badge is not supported.");
    assert_eq!((kept, target), (StatusCode::CREATED, StatusCode::OK), "{made}");
    assert_eq!(made["failed"], json!([]));
    assert_eq!((of_dataset, free, of_target), (StatusCode::CONFLICT, StatusCode::OK, StatusCode::CONFLICT));
    assert!(used["detail"]["error"].as_str().unwrap().contains("dataset `door`"), "{used}");
    assert!(used_by_rule["detail"]["error"].as_str().unwrap().contains("hand_out_rule"), "{used_by_rule}");
}
