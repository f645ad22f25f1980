//! The connector file of a connection.

use api::Scope;
use http::{Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, NewConnection};

use crate::app::App;

/// A connection to an application, without a file.
pub(crate) async fn empty_connection(app: &App, key: &str, connection_type: &str) {
    let new = NewConnection {
        name: None,
        description: None,
        connection_type: connection_type.to_owned(),
        access: ConnectionAccess::Read,
        disabled: false,
        system_key: None,
    };
    let key = key.parse().unwrap();
    let steps = vec![ConnectionStep::Create(new)];
    let change = ConnectionChange { key: &key, actor: Actor::system(), steps };
    assert_eq!(app.store().connection_change(change).await.unwrap(), ConnectionChanged::Done);
}

/// The published example: plain params, and a type that the library knows.
fn mailchimp() -> Value {
    json!({
        "fides_key": "mailchimp_connector_example",
        "name": "Mailchimp SaaS Config",
        "type": "mailchimp",
        "description": "A sample schema representing the Mailchimp connector",
        "version": "0.0.1",
        "connector_params": [{"name": "domain"}, {"name": "username"}, {"name": "api_key"}],
        "client_config": {
            "protocol": "https",
            "host": "<domain>",
            "authentication": {
                "strategy": "basic",
                "configuration": {"username": "<username>", "password": "<api_key>"},
            },
        },
        "test_request": {"method": "GET", "path": "/3.0/lists"},
        "endpoints": [{
            "name": "member",
            "requests": {"read": {
                "method": "GET",
                "path": "/3.0/search-members",
                "query_params": [{"name": "query", "value": "<email>"}],
                "param_values": [{"name": "email", "identity": "email"}],
                "data_path": "exact_matches.members",
            }},
        }],
    })
}

async fn secrets(app: &App, key: &str) -> Vec<String> {
    app.store().vault_list(&key.parse().unwrap()).await.unwrap()
}

async fn give_secrets(app: &App, key: &str, values: &[(&str, &str)]) {
    let key = key.parse().unwrap();
    let secrets = values.iter().map(|(name, value)| store::NamedSecret {
        name: (*name).to_owned(),
        value: crypto::Secret::new(json!(value).to_string()),
    });
    let steps = vec![ConnectionStep::ReplaceSecrets(secrets.collect())];
    let change = ConnectionChange { key: &key, actor: Actor::system(), steps };
    assert_eq!(app.store().connection_change(change).await.unwrap(), ConnectionChanged::Done);
}

#[tokio::test]
async fn first_file_of_a_published_type_is_kept_and_given_back() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;

    let (status, kept) = app.send(Method::PATCH, "/api/v1/connection/shop/saas_config", mailchimp()).await;
    let (_, given) = app.get("/api/v1/connection/shop/saas_config").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(kept["fides_key"], "mailchimp_connector_example");
    assert_eq!(kept["external_references"], Value::Null);
    assert_eq!(given, kept);
}

#[tokio::test]
async fn file_of_a_type_without_template_or_without_type_is_accepted() {
    let app = App::start().await;
    let mut document = mailchimp();
    document.as_object_mut().unwrap().remove("type");
    empty_connection(&app, "shop", "saas").await;

    let (status, kept) = app.send(Method::PATCH, "/api/v1/connection/shop/saas_config", document).await;

    assert_eq!(status, StatusCode::OK, "{kept}");
    assert_eq!(kept["type"], "mailchimp_connector_example");
}

#[tokio::test]
async fn mistakes_are_found_where_they_stand() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    let mut document = mailchimp();
    document["endpoints"][0]["requests"]["read"]["param_values"] = json!([
        {"name": "email", "references": [{"dataset": "crm", "field": "people.email", "direction": "to"}]}
    ]);
    document["connector_params"][1] = json!({"label": "no name"});

    let (status, body) = app.send(Method::PATCH, "/api/v1/connection/shop/saas_config", document).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let list = body["detail"].as_array().unwrap();
    let missing = list.iter().find(|line| line["type"] == "missing").unwrap();
    assert_eq!(missing["loc"], json!(["body", "connector_params", 1, "name"]));
    let text = "References can only have a direction of 'from', found 'to'";
    let direction = list.iter().find(|line| line["msg"].as_str().unwrap().contains(text)).unwrap();
    let place =
        json!(["body", "endpoints", 0, "requests", "read", "param_values", 0, "references", 0, "direction"]);
    assert_eq!(direction["loc"], place);
}

#[tokio::test]
async fn a_refused_file_changes_nothing() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    app.send(Method::PATCH, "/api/v1/connection/shop/saas_config", mailchimp()).await;

    let (status, _) = app.send(Method::PATCH, "/api/v1/connection/shop/saas_config", json!({})).await;
    let (list, _) = app.send(Method::PATCH, "/api/v1/connection/shop/saas_config", json!([])).await;
    let (_, given) = app.get("/api/v1/connection/shop/saas_config").await;
    let (_, history) = app.get("/api/v1/connection/shop/saas-history").await;

    assert_eq!((status, list), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(given["version"], "0.0.1");
    assert_eq!(history.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn check_keeps_nothing_and_needs_no_connection() {
    let app = App::start().await;

    let path = "/api/v1/connection/nobody/validate_saas_config";
    let (status, body) = app.send(Method::PUT, path, mailchimp()).await;
    let (refused, _) = app.send(Method::PUT, path, json!({"fides_key": 7})).await;
    let (absent, text) = app.get("/api/v1/connection/nobody/saas_config").await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["validation_details"]["msg"], "Validation successful");
    assert_eq!(body["saas_config"]["version"], "0.0.1");
    assert_eq!(refused, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(absent, StatusCode::NOT_FOUND);
    assert_eq!(text["detail"], "No connection config with key 'nobody'");
}

#[tokio::test]
async fn what_has_no_file_says_why() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    empty_connection(&app, "db", "postgres").await;

    let (none, none_text) = app.get("/api/v1/connection/shop/saas_config").await;
    let (other, other_text) = app.get("/api/v1/connection/db/saas_config").await;
    let (bad, bad_text) = app.get("/api/v1/connection/a%20b/saas_config").await;
    let (old, old_text) = app.get("/api/v1/connection/shop/saas-history/9.9.9").await;

    assert_eq!(none, StatusCode::NOT_FOUND);
    assert_eq!(none_text["detail"], "No SaaS config found for connection 'shop'");
    assert_eq!(other, StatusCode::BAD_REQUEST);
    assert_eq!(
        other_text["detail"],
        "This action is only applicable to connection configs of connection type 'saas'"
    );
    assert_eq!(bad, StatusCode::NOT_FOUND);
    assert_eq!(bad_text["detail"], "No connection config with key 'a b'");
    assert_eq!(old, StatusCode::NOT_FOUND);
    assert_eq!(old_text["detail"], "No SaaS config history found for connection 'shop' version '9.9.9'");
}

#[tokio::test]
async fn history_holds_every_file_newest_first() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    let mut newer = mailchimp();
    newer["version"] = json!("0.0.2");
    let path = "/api/v1/connection/shop/saas_config";
    app.send(Method::PATCH, path, mailchimp()).await;
    app.send(Method::PATCH, path, newer).await;

    let (_, list) = app.get("/api/v1/connection/shop/saas-history").await;
    let (_, first) = app.get("/api/v1/connection/shop/saas-history/0.0.1").await;

    let versions: Vec<&str> =
        list.as_array().unwrap().iter().map(|entry| entry["version"].as_str().unwrap()).collect();
    assert_eq!(versions, ["0.0.2", "0.0.1"]);
    assert_eq!(first["config"]["version"], "0.0.1");
    assert_eq!(first["dataset"], Value::Null);
    assert!(first["created_at"].as_str().unwrap().ends_with('Z'));
}

// rule: saas-config 4.11
#[tokio::test]
async fn what_binds_a_param_to_hosts_cannot_be_changed() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    let path = "/api/v1/connection/shop/saas_config";
    app.send(Method::PATCH, path, mailchimp()).await;
    let mut document = mailchimp();
    document["connector_params"][0] = json!({"name": "domain", "type": "endpoint"});

    let (status, body) = app.send(Method::PATCH, path, document).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body["detail"].as_str().unwrap().contains("Cannot modify type"), "{body}");
}

// rule: saas-config 4.5
#[tokio::test]
async fn defaults_become_secrets_where_there_are_none() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    let mut document = mailchimp();
    document["connector_params"][1]["default_value"] = json!("tutela");

    app.send(Method::PATCH, "/api/v1/connection/shop/saas_config", document).await;

    assert_eq!(secrets(&app, "shop").await, ["username"]);
}

#[tokio::test]
async fn secrets_do_not_follow_a_file_to_another_host() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    let path = "/api/v1/connection/shop/saas_config";
    app.send(Method::PATCH, path, mailchimp()).await;
    let given = [("domain", "us1.api.mailchimp.com"), ("username", "u"), ("api_key", "canary")];
    give_secrets(&app, "shop", &given).await;
    let mut same_host = mailchimp();
    same_host["version"] = json!("0.0.2");
    let mut other_host = mailchimp();
    other_host["endpoints"][0]["requests"]["read"]["client_config"] =
        json!({"protocol": "https", "host": "collector.example.com"});

    app.send(Method::PATCH, path, same_host).await;
    let before = secrets(&app, "shop").await;
    let (status, _) = app.send(Method::PATCH, path, other_host).await;
    let after = secrets(&app, "shop").await;

    assert_eq!(before, ["api_key", "domain", "username"]);
    assert_eq!(status, StatusCode::OK);
    assert!(!after.contains(&"api_key".to_owned()), "{after:?}");
    assert!(after.contains(&"domain".to_owned()));
}

#[tokio::test]
async fn file_goes_only_after_its_secrets() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    let path = "/api/v1/connection/shop/saas_config";
    app.send(Method::PATCH, path, mailchimp()).await;
    give_secrets(&app, "shop", &[("api_key", "canary")]).await;

    let (kept, text) = app.send(Method::DELETE, path, Value::Null).await;
    give_secrets(&app, "shop", &[]).await;
    let (gone, _) = app.send(Method::DELETE, path, Value::Null).await;
    let (after, _) = app.get(path).await;

    assert_eq!(kept, StatusCode::BAD_REQUEST);
    assert_eq!(
        text["detail"],
        "Must clear the secrets from this connection config before deleting the SaaS config."
    );
    assert_eq!(gone, StatusCode::NO_CONTENT);
    assert_eq!(after, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn readers_cannot_change_the_file() {
    let app = App::start().await;
    empty_connection(&app, "shop", "saas").await;
    let reader = app.with_scopes(&[Scope::SaasConfigRead]).await;
    let path = "/api/v1/connection/shop/saas_config";

    let (put, _) = reader.send(Method::PATCH, path, mailchimp()).await;
    let (delete, _) = reader.send(Method::DELETE, path, Value::Null).await;

    assert_eq!((put, delete), (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
}

/// Any JSON, not too deep.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![
            Just("<domain>"),
            Just("a.b[0]"),
            Just("<x"),
            Just("\u{85}\u{7f}\u{0}"),
            Just("{{"),
            Just("7d")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,8}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// JSON pointers to everything in `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| pointers(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

#[test]
fn every_document_is_either_accepted_or_refused_with_places() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let app = runtime.block_on(App::start());
    let mut places = Vec::new();
    pointers(&mailchimp(), "", &mut places);

    proptest!(ProptestConfig::with_cases(300), |(place in prop::sample::select(places), value in json_value())| {
        let mut document = mailchimp();
        *document.pointer_mut(&place).unwrap() = value;
        let sent = app.send(Method::PUT, "/api/v1/connection/shop/validate_saas_config", document);

        let (status, body) = runtime.block_on(sent);

        let refused = status == StatusCode::UNPROCESSABLE_ENTITY
            && body["detail"].as_array().is_some_and(|list| list.iter().all(|line| line["loc"][0] == "body"));
        prop_assert!(status == StatusCode::OK || refused, "{}: {} {}", place, status, body);
    });
}
