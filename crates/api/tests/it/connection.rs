//! Connections, their secrets, and tests of them.

use api::Scope;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Answer, FakeSaas};

use crate::app::App;

const MASK: &str = "**********";
const CANARY: &str = "canary-7f3a-secret";

impl App {
    async fn put_connections(&self, elements: Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, "/api/v1/connection", elements).await
    }

    /// One connection that must be made.
    async fn made_connection(&self, element: Value) -> Value {
        let (status, reply) = self.put_connections(json!([element])).await;
        assert_eq!((status, &reply["failed"]), (StatusCode::OK, &json!([])), "{reply}");
        reply["succeeded"][0].clone()
    }

    async fn send_secrets(&self, method: Method, key: &str, body: Value) -> (StatusCode, Value) {
        self.send(method, &format!("/api/v1/connection/{key}/secret?verify=false"), body).await
    }

    async fn connection_keys(&self, query: &str) -> Vec<String> {
        let (status, page) = self.get(&format!("/api/v1/connection{query}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["key"].as_str().unwrap().to_owned()).collect()
    }

    /// An application at `host` (`<domain>`: a secret), with its file.
    async fn application_connection(&self, key: &str, protocol: &str) {
        self.made_connection(json!({"key": key, "name": key, "connection_type": "saas", "access": "read"}))
            .await;
        let path = format!("/api/v1/connection/{key}/saas_config");
        let (status, reply) = self.send(Method::PATCH, &path, file(key, protocol)).await;
        assert_eq!(status, StatusCode::OK, "{reply}");
    }
}

fn file(key: &str, protocol: &str) -> Value {
    json!({
        "fides_key": key,
        "name": "Acme",
        "type": "acme",
        "description": "Acme",
        "version": "1.0.0",
        "connector_params": [{"name": "domain"}, {"name": "username"}, {"name": "api_key", "sensitive": true}],
        "client_config": {
            "protocol": protocol,
            "host": "<domain>",
            "authentication": {
                "strategy": "basic",
                "configuration": {"username": "<username>", "password": "<api_key>"}
            }
        },
        "test_request": {"method": "GET", "path": "/ping"},
        "endpoints": [],
    })
}

fn secrets(domain: &str) -> Value {
    json!({"domain": domain, "username": "ana", "api_key": CANARY})
}

fn postgres(key: &str) -> Value {
    json!({"key": key, "name": format!("{key} database"), "connection_type": "postgres", "access": "write"})
}

// rule: fides-api 15
#[tokio::test]
async fn the_guides_first_call_makes_an_empty_connection() {
    let app = App::start().await;
    let element =
        json!({"name": "SaaS Application", "key": "app_key", "connection_type": "saas", "access": "read"});

    let made = app.made_connection(element).await;

    assert_eq!(made["key"], "app_key");
    assert_eq!(made["name"], "SaaS Application");
    assert_eq!((&made["saas_config"], &made["secrets"]), (&Value::Null, &Value::Null));
    assert_eq!((&made["disabled"], &made["access"]), (&json!(false), &json!("read")));
    assert_eq!((&made["authorized"], &made["linked_systems"]), (&json!(false), &json!([])));
    let (status, found) = app.get("/api/v1/connection/app_key").await;
    assert_eq!((status, &found["system_key"]), (StatusCode::OK, &Value::Null));
    assert_eq!(found["created_at"], made["created_at"]);
}

#[tokio::test]
async fn an_update_changes_what_is_sent_and_keeps_the_rest() {
    let app = App::start().await;
    app.made_connection(json!({
        "key": "shop", "name": "Shop", "description": "Where we sell", "connection_type": "postgres",
        "access": "write", "disabled": true, "enabled_actions": ["access"],
    }))
    .await;

    let changed = app
        .made_connection(json!({"key": "shop", "name": "", "connection_type": "postgres", "access": "read"}))
        .await;
    let enabled = app
        .made_connection(
            json!({"key": "shop", "connection_type": "postgres", "access": "read", "disabled": false}),
        )
        .await;

    assert_eq!((&changed["name"], &changed["description"]), (&json!("Shop"), &json!("Where we sell")));
    assert_eq!((&changed["access"], &changed["disabled"]), (&json!("read"), &json!(true)));
    assert_eq!(changed["enabled_actions"], Value::Null, "cannot be set here");
    assert_eq!(enabled["disabled"], json!(false));
}

#[tokio::test]
async fn elements_fail_alone_and_are_given_back_without_secrets() {
    let app = App::start().await;
    app.made_connection(postgres("shop")).await;
    let clash = json!({
        "key": "other", "name": "shop database", "connection_type": "postgres", "access": "read",
        "secrets": {"password": CANARY},
    });
    let same_key = json!({"name": "shop", "connection_type": "postgres", "access": "read"});
    let nameless = json!({"connection_type": "postgres", "access": "read"});

    let (status, reply) = app.put_connections(json!([clash, same_key, nameless, postgres("last")])).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(reply["succeeded"][0]["key"], "last");
    let messages: Vec<&str> = reply["failed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failed| failed["message"].as_str().unwrap())
        .collect();
    assert_eq!(messages[0], "Name shop database already exists in ConnectionConfig.");
    assert!(messages[1].starts_with("Key shop already exists in ConnectionConfig. Keys will be snake-cased"));
    assert_eq!(messages[2], "This connection configuration could not be added.");
    assert_eq!(reply["failed"][0]["data"]["key"], "other");
    assert!(!reply.to_string().contains(CANARY));
}

#[rstest]
#[case::type_unknown(json!({"name": "a", "connection_type": "postgre", "access": "read"}), json!(["body", 0, "connection_type"]), "enum")]
#[case::no_type(json!({"name": "a", "access": "read"}), json!(["body", 0, "connection_type"]), "missing")]
#[case::no_access(json!({"name": "a", "connection_type": "postgres"}), json!(["body", 0, "access"]), "missing")]
#[case::bad_access(json!({"name": "a", "connection_type": "postgres", "access": "all"}), json!(["body", 0, "access"]), "enum")]
#[case::bad_key(json!({"key": "a b", "connection_type": "postgres", "access": "read"}), json!(["body", 0, "key"]), "value_error")]
#[tokio::test]
async fn an_element_that_cannot_be_read_refuses_the_call(
    #[case] element: Value,
    #[case] loc: Value,
    #[case] kind: &str,
) {
    let app = App::start().await;

    let (status, reply) = app.put_connections(json!([element, postgres("shop")])).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((&reply["detail"][0]["loc"], &reply["detail"][0]["type"]), (&loc, &json!(kind)), "{reply}");
    assert!(app.connection_keys("").await.is_empty(), "nothing was done");
}

#[tokio::test]
async fn fifty_elements_are_taken_and_one_more_is_not() {
    let app = App::start().await;
    let many = |count: usize| (0..count).map(|number| postgres(&format!("c{number:02}"))).collect::<Value>();

    let (refused, _) = app.put_connections(many(51)).await;
    let (taken, reply) = app.put_connections(many(50)).await;

    assert_eq!((refused, taken), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::OK));
    assert_eq!(reply["succeeded"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn a_new_application_with_secrets_comes_from_its_template() {
    let app = App::start().await;
    let element = |connector_type: Value| {
        json!({
            "key": "lists", "name": "Lists", "connection_type": "saas", "access": "read",
            "secrets": {"domain": "us1.api.mailchimp.com", "username": "u", "api_key": CANARY},
            "saas_connector_type": connector_type,
        })
    };

    let (missing, text) = app.put_connections(json!([element(Value::Null)])).await;
    let (unknown, said) = app.put_connections(json!([element(json!("nothing"))])).await;
    let made = app.made_connection(element(json!("mailchimp"))).await;

    assert_eq!(
        (missing, &text["detail"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("saas_connector_type is missing"))
    );
    assert_eq!(unknown, StatusCode::NOT_FOUND);
    assert!(
        said["detail"]
            .as_str()
            .unwrap()
            .starts_with("SaaS connector type 'nothing' is not yet available in Fides. For")
    );
    assert_eq!((&made["access"], &made["saas_config"]["type"]), (&json!("read"), &json!("mailchimp")));
    assert_eq!(made["secrets"]["api_key"], MASK);
    let dataset = app.store().dataset_find("lists").await.unwrap();
    assert!(dataset.is_some(), "its dataset has the connection's key");
}

#[tokio::test]
async fn lists_are_filtered_searched_and_paged() {
    let app = App::start().await;
    app.application_connection("acme", "https").await;
    app.made_connection(postgres("shop")).await;
    app.made_connection(
        json!({"key": "crm", "name": "CRM", "connection_type": "mysql", "access": "read", "disabled": true}),
    )
    .await;

    assert_eq!(app.connection_keys("").await, ["crm", "acme", "shop"]);
    assert_eq!(app.connection_keys("?search=DATAB").await, ["shop"]);
    assert_eq!(app.connection_keys("?disabled=true").await, ["crm"]);
    assert_eq!(
        app.connection_keys("?disabled=false&connection_type=mysql&connection_type=postgres").await,
        ["shop"]
    );
    assert_eq!(app.connection_keys("?connection_type=acme").await, ["acme"], "by type of the connector file");
    assert_eq!(app.connection_keys("?system_type=database").await, ["crm", "shop"]);
    assert_eq!(app.connection_keys("?system_type=saas").await, ["acme"]);
    assert_eq!(app.connection_keys("?test_status=untested&orphaned_from_system=true").await.len(), 3);
    assert_eq!(app.connection_keys("?orphaned_from_system=false").await, [""; 0]);
    let (_, page) = app.get("/api/v1/connection?page=2&size=2").await;
    assert_eq!(
        (&page["total"], &page["pages"], &page["items"][0]["key"]),
        (&json!(3), &json!(2), &json!("shop"))
    );
    for wrong in ["?system_type=house", "?test_status=good", "?disabled=perhaps", "?page=0", "?size=101"] {
        let (status, reply) = app.get(&format!("/api/v1/connection{wrong}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert_eq!(reply["detail"][0]["loc"][0], "query", "{reply}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_published_words() {
    let app = App::start().await;
    let other = "No connection configuration found with key 'none'.";

    for path in ["/api/v1/connection/none", "/api/v1/connection/none/test"] {
        let (status, reply) = app.get(path).await;
        assert_eq!((status, &reply["detail"]), (StatusCode::NOT_FOUND, &json!(other)));
    }
    let (status, reply) = app.send(Method::DELETE, "/api/v1/connection/none", Value::Null).await;
    assert_eq!((status, &reply["detail"]), (StatusCode::NOT_FOUND, &json!(other)));
    let (status, reply) = app.send_secrets(Method::PUT, "none", json!({})).await;
    assert_eq!(
        (status, &reply["detail"]),
        (StatusCode::NOT_FOUND, &json!("No connection config found with key none"))
    );
    let (status, _) = app.get("/api/v1/connection/a%20b").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_is_left_after_a_removal() {
    let app = App::start().await;
    app.application_connection("acme", "https").await;
    app.send_secrets(Method::PUT, "acme", secrets("api.example.com")).await;

    let (status, _) = app.send(Method::DELETE, "/api/v1/connection/acme", Value::Null).await;
    let (again, _) = app.send(Method::DELETE, "/api/v1/connection/acme", Value::Null).await;

    assert_eq!((status, again), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
    app.application_connection("acme", "https").await;
    let (_, found) = app.get("/api/v1/connection/acme").await;
    assert_eq!(found["secrets"], Value::Null);
    assert!(app.store().vault_list(&"acme".parse().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn secrets_are_kept_and_shown_masked() {
    let app = App::start().await;
    app.application_connection("acme", "https").await;

    let (status, reply) = app.send_secrets(Method::PUT, "acme", secrets("api.example.com")).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(reply["msg"], "Secrets updated for ConnectionConfig with key: acme.");
    assert_eq!((&reply["test_status"], &reply["failure_reason"]), (&Value::Null, &Value::Null));
    let (_, found) = app.get("/api/v1/connection/acme").await;
    assert_eq!(found["secrets"], json!({"domain": "api.example.com", "username": "ana", "api_key": MASK}));
    let (_, page) = app.get("/api/v1/connection").await;
    assert!(!page.to_string().contains(CANARY));
    let kept = app.store().vault_open(&"acme".parse().unwrap()).await.unwrap();
    assert!(
        kept.iter().any(|(name, value)| name == "api_key" && value.expose() == &json!(CANARY).to_string())
    );
}

#[tokio::test]
async fn secrets_that_do_not_fit_are_refused_and_nothing_changes() {
    let app = App::start().await;
    app.application_connection("acme", "https").await;
    app.made_connection(json!({"key": "empty", "connection_type": "saas", "access": "read"})).await;
    app.made_connection(postgres("shop")).await;

    let (status, file) = app.send_secrets(Method::PUT, "acme", json!({"domain": "api.example.com"})).await;
    let (no_file, said) = app.send_secrets(Method::PUT, "empty", json!({"api_key": CANARY})).await;
    let (database, host) = app.send_secrets(Method::PUT, "shop", json!({"username": "u"})).await;
    let (list, _) = app.send_secrets(Method::PUT, "shop", json!([1])).await;

    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!([status, no_file, database, list], [refused; 4]);
    assert_eq!(
        file["detail"],
        json!([{
            "type": "value_error", "loc": [],
            "msg": "Value error, acme_schema must be supplied all of: [domain, username, api_key].",
        }])
    );
    assert!(
        said["detail"].as_str().unwrap().starts_with("A SaaS config to validate the secrets is unavailable")
    );
    assert_eq!(host["detail"][0]["msg"], "Value error, PostgreSQLSchema must be supplied all of: ['host'].");
    assert!(app.store().vault_list(&"acme".parse().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn put_replaces_and_patch_merges() {
    let app = App::start().await;
    app.made_connection(postgres("shop")).await;
    let shown = async || app.get("/api/v1/connection/shop").await.1["secrets"].clone();
    app.send_secrets(
        Method::PUT,
        "shop",
        json!({"host": "db.example.com", "username": "u", "password": CANARY}),
    )
    .await;

    app.send_secrets(Method::PATCH, "shop", json!({"dbname": "orders", "colour": "red"})).await;
    let merged = shown().await;
    app.send_secrets(Method::PUT, "shop", json!({"host": "db.example.com", "password": MASK})).await;
    let replaced = shown().await;

    assert_eq!((&merged["dbname"], &merged["username"]), (&json!("orders"), &json!("u")));
    assert_eq!((&merged["password"], merged.get("colour")), (&json!(MASK), None));
    assert_eq!((replaced.get("dbname"), &replaced["password"]), (None, &json!(MASK)));
    let kept = app.store().vault_find(&"shop".parse().unwrap(), "password").await.unwrap().unwrap();
    assert_eq!(kept.expose(), &json!(CANARY).to_string(), "a value sent masked is the one that is kept");
}

// rule: architecture 13.19
#[rstest]
#[case::patch(Method::PATCH, json!({"domain": "evil.example.com"}))]
#[case::put_with_masks(Method::PUT, json!({"domain": "evil.example.com", "username": "ana", "api_key": MASK}))]
#[tokio::test]
async fn a_new_host_does_not_get_the_secrets_of_the_old_one(#[case] method: Method, #[case] change: Value) {
    let app = App::start().await;
    app.application_connection("acme", "https").await;
    app.send_secrets(Method::PUT, "acme", secrets("api.example.com")).await;

    let (status, reply) = app.send_secrets(method, "acme", change).await;

    assert_eq!(status, StatusCode::OK, "{reply}");
    assert_eq!(reply["test_status"], "failed");
    assert!(reply["failure_reason"].as_str().unwrap().contains("`api_key`"), "{reply}");
    assert_eq!(app.store().vault_list(&"acme".parse().unwrap()).await.unwrap(), ["domain", "username"]);
}

#[tokio::test]
async fn secrets_stay_where_the_host_stays_and_where_they_are_sent_anew() {
    let app = App::start().await;
    app.application_connection("acme", "https").await;
    app.send_secrets(Method::PUT, "acme", secrets("api.example.com")).await;

    let (_, same) = app.send_secrets(Method::PATCH, "acme", json!({"domain": "API.example.com"})).await;
    let (_, anew) = app.send_secrets(Method::PATCH, "acme", secrets("eu.example.com")).await;

    assert_eq!((&same["failure_reason"], &anew["failure_reason"]), (&Value::Null, &Value::Null));
    assert_eq!(app.store().vault_list(&"acme".parse().unwrap()).await.unwrap().len(), 3);
}

#[rstest]
#[case::host(json!({"host": "evil.example.com"}), true)]
#[case::port(json!({"port": 6000}), true)]
#[case::url(json!({"url": "postgres://evil.example.com/db"}), true)]
#[case::database(json!({"dbname": "other"}), false)]
#[tokio::test]
async fn the_password_of_a_database_is_for_its_server(#[case] change: Value, #[case] cleared: bool) {
    let app = App::start().await;
    app.made_connection(postgres("shop")).await;
    app.send_secrets(Method::PUT, "shop", json!({"host": "db.example.com", "password": CANARY})).await;

    app.send_secrets(Method::PATCH, "shop", change).await;

    let kept = app.store().vault_find(&"shop".parse().unwrap(), "password").await.unwrap();
    assert_eq!(kept.is_none(), cleared);
}

#[tokio::test]
async fn another_type_of_connection_starts_without_the_secrets_of_the_old_one() {
    let app = App::start().await;
    app.made_connection(postgres("shop")).await;
    app.send_secrets(Method::PUT, "shop", json!({"host": "db.example.com", "password": CANARY})).await;

    let changed =
        app.made_connection(json!({"key": "shop", "connection_type": "mysql", "access": "read"})).await;

    assert_eq!((&changed["connection_type"], &changed["secrets"]), (&json!("mysql"), &Value::Null));
}

#[tokio::test]
async fn an_application_is_tried_with_its_secrets_and_the_result_is_kept() {
    let app = App::start().await;
    let vendor = FakeSaas::start().await;
    vendor.on("GET", "/ping").then(Answer::status(200)).then(Answer::status(401));
    app.application_connection("acme", "http").await;
    let path = "/api/v1/connection/acme/secret";

    let (_, good) = app.send(Method::PUT, path, secrets(&vendor.host_port())).await;
    let (_, passed) = app.get("/api/v1/connection/acme").await;
    let (status, bad) = app.get("/api/v1/connection/acme/test").await;
    let (_, failed) = app.get("/api/v1/connection/acme").await;

    assert_eq!(
        (&good["test_status"], &good["failure_reason"]),
        (&json!("succeeded"), &Value::Null),
        "{good}"
    );
    assert_eq!(passed["last_test_succeeded"], json!(true));
    assert!(passed["last_test_timestamp"].is_string());
    assert_eq!(status, StatusCode::OK, "a connection that does not work is a result");
    assert_eq!(bad["msg"], "Test completed for ConnectionConfig with key: acme.");
    assert_eq!(bad["test_status"], "failed");
    assert!(
        bad["failure_reason"].as_str().unwrap().contains("Client call failed with status code '401'"),
        "{bad}"
    );
    assert_eq!(failed["last_test_succeeded"], json!(false));
    assert_eq!(app.connection_keys("?test_status=failed").await, ["acme"]);
    assert_eq!(vendor.calls_to("/ping").len(), 2);
}

#[rstest]
#[case("test_datastore", "succeeded", true)]
#[case("manual_task", "succeeded", true)]
#[case("https", "skipped", false)]
#[case("redshift", "failed", true)]
#[tokio::test]
async fn types_without_an_other_side_have_a_result_too(
    #[case] kind: &str,
    #[case] result: &str,
    #[case] kept: bool,
) {
    let app = App::start().await;
    app.made_connection(json!({"key": "it", "connection_type": kind, "access": "read"})).await;

    let (_, reply) = app.get("/api/v1/connection/it/test").await;

    assert_eq!(reply["test_status"], result, "{reply}");
    let (_, found) = app.get("/api/v1/connection/it").await;
    assert_eq!(found["last_test_succeeded"].is_boolean(), kept, "skipped is no result");
}

// rule: privacy-requests C-10
#[tokio::test]
async fn secrets_are_kept_even_if_nobody_answers() {
    let app = App::start().await;
    app.made_connection(postgres("shop")).await;
    let body = json!({"host": "127.0.0.1", "port": 1, "username": "u", "password": CANARY, "dbname": "d"});

    let (status, reply) = app.send(Method::PUT, "/api/v1/connection/shop/secret", body).await;

    assert_eq!((status, &reply["test_status"]), (StatusCode::OK, &json!("failed")));
    assert!(
        reply["failure_reason"].as_str().unwrap().starts_with("Operational Error connecting to postgres db.")
    );
    assert!(!reply.to_string().contains(CANARY));
    assert!(app.store().vault_find(&"shop".parse().unwrap(), "password").await.unwrap().is_some());
}

#[tokio::test]
async fn reading_does_not_allow_changing() {
    let app = App::start().await;
    app.made_connection(postgres("shop")).await;
    let reader = app.with_scopes(&[Scope::ConnectionRead]).await;

    let (read, _) = reader.get("/api/v1/connection/shop").await;
    let (put, _) = reader.put_connections(json!([postgres("other")])).await;
    let (secret, _) = reader.send_secrets(Method::PUT, "shop", json!({"host": "h"})).await;
    let (remove, _) = reader.send(Method::DELETE, "/api/v1/connection/shop", Value::Null).await;

    assert_eq!((read, [put, secret, remove]), (StatusCode::OK, [StatusCode::FORBIDDEN; 3]));
    assert_eq!(app.connection_keys("").await, ["shop"]);
}
