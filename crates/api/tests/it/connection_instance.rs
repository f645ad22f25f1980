//! Connections made from a template.

use api::Scope;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

fn mailchimp() -> Value {
    json!({
        "name": "My Mailchimp",
        "description": "Lists",
        "secrets": {"domain": "us1.api.mailchimp.com", "username": "u", "api_key": "canary"},
        "instance_key": "primary_mailchimp",
    })
}

async fn make(app: &App, connector_type: &str, body: Value) -> (StatusCode, Value) {
    app.send(Method::POST, &format!("/api/v1/connection/instantiate/{connector_type}"), body).await
}

/// What is kept, as far as the interface shows it.
async fn kept(app: &App, key: &str) -> (StatusCode, Option<Value>) {
    let (connection, _) = app.get(&format!("/api/v1/connection/{key}")).await;
    let dataset = app.store().dataset_find(key).await.unwrap();
    (connection, dataset.map(|dataset| serde_json::from_str(&dataset.body).unwrap()))
}

#[rstest]
#[case::with_prefix("/api/v1/connection/instantiate/mailchimp")]
#[case::as_the_published_guide_writes_it("/connection/instantiate/mailchimp")]
#[tokio::test]
async fn connection_file_secrets_and_dataset_are_made_at_once(#[case] path: &str) {
    let app = App::start().await;

    let (status, made) = app.send(Method::POST, path, mailchimp()).await;

    assert_eq!(status, StatusCode::OK, "{made}");
    let connection = &made["connection"];
    assert_eq!(connection["key"], "primary_mailchimp");
    assert_eq!(connection["access"], "write");
    assert_eq!(connection["disabled"], false);
    assert_eq!(connection["connection_type"], "saas");
    assert_eq!(connection["saas_config"]["type"], "mailchimp");
    assert_eq!(connection["secrets"]["api_key"], "**********");
    assert_eq!(made["dataset"]["fides_key"], "primary_mailchimp");
    let (found, dataset) = kept(&app, "primary_mailchimp").await;
    assert_eq!(found, StatusCode::OK);
    assert_eq!(dataset.unwrap()["fides_key"], "primary_mailchimp");
    let (_, history) = app.get("/api/v1/connection/primary_mailchimp/saas-history").await;
    assert_eq!(history.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn connection_may_have_another_key_than_its_instance() {
    let app = App::start().await;
    let mut body = mailchimp();
    body["key"] = json!("lists");

    let (status, made) = make(&app, "mailchimp", body).await;

    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!(made["connection"]["key"], "lists");
    assert_eq!(made["connection"]["saas_config"]["fides_key"], "primary_mailchimp");
    assert_eq!(made["dataset"]["fides_key"], "primary_mailchimp");
}

#[tokio::test]
async fn every_template_without_external_references_can_be_made() {
    let app = App::start().await;
    let (_, list) = app.get("/api/v1/connector-templates").await;

    for template in list.as_array().unwrap() {
        let name = template["type"].as_str().unwrap();
        let (_, schema) = app.get(&format!("/api/v1/connection_type/{name}/secret")).await;
        if schema["definitions"].is_object() {
            continue;
        }
        let required = schema["required"].as_array().unwrap();
        let secrets: Value =
            required.iter().map(|name| (name.as_str().unwrap().to_owned(), json!("x"))).collect();
        let body = json!({"secrets": secrets, "instance_key": format!("{name}_1")});

        let (status, made) = make(&app, name, body).await;

        assert_eq!(status, StatusCode::OK, "{name}: {made}");
    }
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_behind() {
    let app = App::start().await;
    let mut without_key = mailchimp();
    without_key["secrets"].as_object_mut().unwrap().remove("api_key");

    let (missing, list) = make(&app, "mailchimp", without_key).await;
    let (unknown, text) = make(&app, "planet", mailchimp()).await;
    let (no_secrets, places) = make(&app, "mailchimp", json!({"instance_key": "a b"})).await;
    let (connection, dataset) = kept(&app, "primary_mailchimp").await;

    assert_eq!(missing, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(list["detail"][0]["loc"], json!(["body", "secrets"]));
    assert!(list["detail"][0]["msg"].as_str().unwrap().contains("mailchimp_schema must be supplied all of:"));
    assert!(!list.to_string().contains("canary"));
    assert_eq!(unknown, StatusCode::NOT_FOUND);
    assert_eq!(
        text["detail"],
        "SaaS connector type 'planet' is not yet available in Fidesops. For a list of available SaaS connectors, refer to /connection_type."
    );
    assert_eq!(no_secrets, StatusCode::UNPROCESSABLE_ENTITY, "{places}");
    assert_eq!(connection, StatusCode::NOT_FOUND);
    assert_eq!(dataset, None);
}

#[tokio::test]
async fn keys_and_names_that_are_taken_are_refused() {
    let app = App::start().await;
    make(&app, "mailchimp", mailchimp()).await;
    let with = |key: &str, instance: &str, name: &str| {
        let mut body = mailchimp();
        body["key"] = json!(key);
        body["instance_key"] = json!(instance);
        body["name"] = json!(name);
        body
    };

    let (instance, instance_text) = make(&app, "mailchimp", with("other", "primary_mailchimp", "b")).await;
    let (key, key_text) = make(&app, "mailchimp", with("primary_mailchimp", "second", "b")).await;
    let (name, name_text) = make(&app, "mailchimp", with("third", "third", "My Mailchimp")).await;

    assert_eq!(instance, StatusCode::BAD_REQUEST);
    assert_eq!(instance_text["detail"], "SaaS connector instance key 'primary_mailchimp' already exists.");
    assert_eq!(key, StatusCode::BAD_REQUEST);
    assert!(key_text["detail"].as_str().unwrap().starts_with("Key primary_mailchimp already exists in"));
    assert_eq!(name, StatusCode::BAD_REQUEST);
    assert_eq!(name_text["detail"], "Name My Mailchimp already exists in ConnectionConfig.");
    for key in ["other", "second", "third"] {
        assert_eq!(kept(&app, key).await, (StatusCode::NOT_FOUND, None), "{key}");
    }
}

#[tokio::test]
async fn file_of_an_instance_stays_while_dataset_and_secrets_need_it() {
    let app = App::start().await;
    make(&app, "mailchimp", mailchimp()).await;
    let path = "/api/v1/connection/primary_mailchimp/saas_config";

    let (status, body) = app.send(Method::DELETE, path, Value::Null).await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body["detail"],
        "Must delete the dataset with fides_key 'primary_mailchimp' before deleting this SaaS config. Must clear the secrets from this connection config before deleting the SaaS config."
    );
}

#[tokio::test]
async fn external_reference_must_lead_to_a_field_that_is_there() {
    let app = App::start().await;
    let body = json!({
        "secrets": {
            "access_token": "canary",
            "segment_user_id": {"dataset": "crm", "field": "people.id", "direction": "from"},
        },
        "instance_key": "segment_1",
    });

    let (status, list) = make(&app, "segment", body).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(list["detail"][0]["loc"], json!(["body", "secrets", "segment_user_id"]));
    assert!(list["detail"][0]["msg"].as_str().unwrap().contains("referenced by external reference"));
}

// rule: privacy-requests W-23
#[rstest]
#[case::no_dataset("crm", ("sites.mail", "sites.firm"), "dataset `crm` referenced")]
#[case::no_field("partners", ("sites.mail", "sites.none"), "field `none` referenced")]
#[case::two_collections("partners", ("sites.mail", "firms.name"), "must belong to one collection")]
#[case::nothing_to_search_by("partners", ("firms.mail", "firms.name"), "no field of `partners:firms` has a `custom_request_field`")]
#[case::whole("partners", ("sites.mail", "sites.firm"), "")]
#[tokio::test]
async fn vendors_of_a_dataset_must_stand_where_the_secrets_say(
    #[case] dataset: &str,
    #[case] (mail, firm): (&str, &str),
    #[case] says: &str,
) {
    let app = App::start().await;
    let connections = json!([
        {"name": "Partners", "key": "partners", "connection_type": "postgres", "access": "read"},
        {"name": "Ads", "key": "ads", "connection_type": "dynamic_erasure_email", "access": "write"},
    ]);
    app.send(Method::PATCH, "/api/v1/connection", connections).await;
    let field = |name: &str, meta: Value| json!({"name": name, "data_categories": ["system.operations"], "fides_meta": meta});
    let datasets = json!([{"fides_key": "partners", "name": "Partners", "collections": [
        {"name": "sites", "fields": [field("site", json!({"custom_request_field": "site"})), field("mail", json!({})), field("firm", json!({}))]},
        {"name": "firms", "fields": [field("mail", json!({})), field("name", json!({}))]},
    ]}]);
    let (_, kept) = app.send(Method::PATCH, "/api/v1/connection/partners/dataset", datasets).await;
    assert_eq!(kept["failed"], json!([]), "{kept}");
    let reference = |name: &str| json!({"dataset": dataset, "field": name, "direction": "from"});
    let secrets =
        json!({"third_party_vendor_name": reference(firm), "recipient_email_address": reference(mail)});

    let (status, reply) = app.send(Method::PUT, "/api/v1/connection/ads/secret?verify=false", secrets).await;
    let (_, tried) = app.get("/api/v1/connection/ads/test").await;

    if says.is_empty() {
        assert_eq!((status, &tried["test_status"]), (StatusCode::OK, &json!("skipped")), "{reply} {tried}");
    } else {
        assert_eq!(
            (status, &tried["test_status"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("failed")),
            "{tried}"
        );
        assert!(reply["detail"][0]["msg"].as_str().unwrap().contains(says), "{reply}");
    }
}

#[tokio::test]
async fn making_needs_its_own_scope() {
    let app = App::start().await;
    let other = app.with_scopes(&[Scope::ConnectionCreateOrUpdate]).await;

    let (status, _) = make(&other, "mailchimp", mailchimp()).await;
    let (bare, _) = other.send(Method::POST, "/connection/instantiate/mailchimp", mailchimp()).await;

    assert_eq!((status, bare), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
}
