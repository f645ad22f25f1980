//! Datasets of connections, and by themselves.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

/// A connector file that reads users by e-mail address and their notes by number.
fn connector(key: &str) -> Value {
    json!({
        "fides_key": key,
        "name": "Acme",
        "type": "acme",
        "description": "Demonstration",
        "version": "1.0.0",
        "connector_params": [{"name": "token", "sensitive": true}],
        "client_config": {
            "protocol": "https",
            "host": "api.example.com",
            "authentication": {"strategy": "bearer", "configuration": {"token": "<token>"}},
        },
        "test_request": {"method": "GET", "path": "/ping"},
        "endpoints": [
            {"name": "users", "requests": {"read": {
                "method": "GET", "path": "/users", "query_params": [{"name": "q", "value": "<email>"}],
                "param_values": [{"name": "email", "identity": "email"}],
            }}},
            {"name": "notes", "requests": {"read": {
                "method": "GET", "path": "/users/<user>/notes",
                "param_values": [
                    {"name": "user", "references": [{"dataset": key, "field": "users.id", "direction": "from"}]},
                ],
            }}},
        ],
    })
}

fn dataset(key: &str) -> Value {
    json!({
        "fides_key": key,
        "name": "Acme",
        "collections": [
            {"name": "users", "fields": [
                {"name": "mail", "data_categories": ["user.contact.email"]},
                {"name": "id", "fidesops_meta": {"primary_key": true, "data_type": "integer"}},
            ]},
            {"name": "notes", "fields": [{"name": "text", "data_categories": ["user.content"]}]},
        ],
    })
}

/// A database whose customers are known by their e-mail address.
fn tables(key: &str) -> Value {
    json!({
        "fides_key": key,
        "collections": [
            {"name": "customers", "fields": [
                {"name": "mail", "data_categories": ["user.contact.email"], "fides_meta": {"identity": "email"}},
                {"name": "id", "fides_meta": {"primary_key": true}},
            ]},
            {"name": "orders", "fields": [
                {"name": "customer", "fides_meta": {"references": [
                    {"dataset": key, "field": "customers.id", "direction": "from"}]}},
                {"name": "address", "data_categories": ["user.contact.address"]},
            ]},
        ],
    })
}

impl App {
    async fn ok(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, reply) = self.send(method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {reply}");
        reply
    }

    /// A connection without a connector file.
    async fn connect(&self, key: &str, connection_type: &str) {
        let new = json!([{"key": key, "name": key, "connection_type": connection_type, "access": "write"}]);
        let reply = self.ok(Method::PATCH, "/api/v1/connection", new).await;
        assert_eq!(reply.get("failed"), Some(&json!([])));
    }

    /// A connection to the application of [`connector`].
    async fn connect_acme(&self, key: &str) {
        self.connect(key, "saas").await;
        self.ok(Method::PATCH, &format!("/api/v1/connection/{key}/saas_config"), connector(key)).await;
    }

    async fn put(&self, connection: &str, datasets: Value) -> Value {
        self.ok(Method::PATCH, &format!("/api/v1/connection/{connection}/dataset"), datasets).await
    }

    async fn found(&self, path: &str) -> Value {
        let (status, reply) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {reply}");
        reply
    }
}

fn messages(reply: &Value) -> Vec<&str> {
    let failed = reply.get("failed").unwrap().as_array().unwrap().iter();
    failed.map(|failed| failed.get("message").unwrap().as_str().unwrap()).collect()
}

// rule: fides-api 6.1
// rule: fides-api 6.3
#[rstest]
#[case(Method::PATCH)]
#[case(Method::PUT)]
#[tokio::test]
async fn a_dataset_is_kept_listed_got_and_removed(#[case] method: Method) {
    let app = App::start().await;
    app.connect_acme("acme").await;
    app.connect("shop", "postgres").await;
    let path = "/api/v1/connection/acme/dataset";

    let kept = app.ok(method.clone(), path, json!([dataset("acme")])).await;
    app.ok(method.clone(), "/api/v1/connection/shop/dataset", json!([tables("one"), tables("two")])).await;
    app.ok(method, "/api/v1/connection/shop/dataset", json!([tables("two")])).await;

    assert_eq!((&kept["failed"], &kept["warnings"]), (&json!([]), &json!([])));
    let one = app.found("/api/v1/connection/acme/dataset/acme").await;
    assert_eq!(kept["succeeded"], json!([one]));
    assert_eq!(one["collections"][0]["name"], "notes");
    assert_eq!(
        one["collections"][1]["fields"][0]["fides_meta"],
        json!({"primary_key": true, "data_type": "integer"})
    );
    let page = app.found("/api/v1/connection/shop/dataset?size=1&page=2").await;
    assert_eq!((&page["total"], &page["items"][0]["fides_key"]), (&json!(2), &json!("two")));
    assert_eq!(page["pages"], 2);
    let (status, _) = app.send(Method::DELETE, "/api/v1/connection/acme/dataset/acme", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, gone) = app.get("/api/v1/connection/acme/dataset/acme").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(gone["detail"], "No dataset with fides_key 'acme' and connection key acme'");
}

#[rstest]
#[case::list(Method::GET, "/api/v1/connection/none/dataset")]
#[case::one(Method::GET, "/api/v1/connection/none/dataset/a")]
#[case::removed(Method::DELETE, "/api/v1/connection/none/dataset/a")]
#[case::put(Method::PATCH, "/api/v1/connection/none/dataset")]
#[case::links(Method::GET, "/api/v1/connection/none/datasetconfig")]
#[case::inputs(Method::GET, "/api/v1/connection/none/dataset/a/inputs")]
#[case::reachability(Method::GET, "/api/v1/connection/none/dataset/a/reachability")]
#[case::protected(Method::GET, "/api/v1/connection/none/protected-fields")]
#[tokio::test]
async fn without_the_connection_the_answer_is_404(#[case] method: Method, #[case] path: &str) {
    let app = App::start().await;

    let (status, reply) = app.send(method, path, json!([])).await;

    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(reply["detail"], "No connection config with key 'none'");
}

// rule: fides-api 6.1
// rule: privacy-requests S-14
#[tokio::test]
async fn what_does_not_fit_its_connection_fails_by_itself_and_the_rest_is_kept() {
    let app = App::start().await;
    app.connect("empty", "saas").await;
    app.connect_acme("acme").await;
    app.connect("shop", "postgres").await;
    app.connect("snow", "snowflake").await;
    app.put("shop", json!([tables("shop")])).await;
    let mut with_identity = dataset("acme");
    with_identity["collections"][0]["fields"][0]["fides_meta"] = json!({"identity": "email"});
    let mut with_override = tables("masked");
    with_override["collections"][0]["fields"][0]["fides_meta"] =
        json!({"data_type": "string", "masking_strategy_override": {"strategy": "hmac"}});
    let mut half_placed = tables("placed");
    half_placed["fides_meta"] = json!({"namespace": {"schema": "public"}});

    let without_file = app.put("empty", json!([dataset("empty")])).await;
    let acme = app.put("acme", json!([with_identity, dataset("other"), dataset("acme")])).await;
    let masked = app.put("shop", json!([with_override])).await;
    let snow = app.put("snow", json!([tables("shop"), tables("unplaced"), half_placed])).await;

    assert_eq!(
        messages(&without_file),
        ["Connection config 'empty' must have a SaaS config before validating or adding a dataset"]
    );
    assert_eq!(
        messages(&acme),
        [
            "A dataset for a ConnectionConfig type of 'saas' is not allowed to have references or identities. Please add them to the SaaS config.",
            "The fides_key 'other' of the dataset does not match the fides_key 'acme' of the connection config",
        ]
    );
    assert_eq!(acme["succeeded"][0]["fides_key"], "acme");
    assert_eq!(acme["failed"][1]["data"], dataset("other"), "the element as it was sent");
    assert_eq!(
        messages(&masked),
        ["Masking strategy 'hmac' with required secrets not allowed as an override."]
    );
    assert_eq!(
        messages(&snow),
        [
            "Dataset for snowflake connection must either have namespace metadata or the connection must have values for the following fields: database_name, schema_name",
            "Dataset for snowflake connection must either have namespace metadata or the connection must have values for the following fields: database_name, schema_name",
            "Invalid namespace metadata for snowflake: `database_name` is missing",
        ]
    );
}

#[tokio::test]
async fn a_key_of_another_connection_cannot_be_taken() {
    let app = App::start().await;
    app.connect("one", "mysql").await;
    app.connect("two", "mysql").await;
    app.put("one", json!([tables("data")])).await;

    let taken = app.put("two", json!([tables("data")])).await;

    assert_eq!(messages(&taken), ["Dataset create/update failed."]);
    assert_eq!(app.found("/api/v1/connection/two/dataset").await["total"], 0);
}

// rule: privacy-requests D-7
#[tokio::test]
async fn a_document_that_is_none_aborts_the_call_with_its_place_and_nothing_is_kept() {
    let app = App::start().await;
    app.connect("shop", "postgres").await;
    let mut wrong = tables("wrong");
    wrong["collections"][0]["fields"][0]["data_categories"] = json!(["user.shoe"]);
    let path = "/api/v1/connection/shop/dataset";

    let (status, reply) = app.send(Method::PATCH, path, json!([tables("good"), wrong, 5])).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        reply["detail"],
        json!([
            {"type": "value_error", "loc": ["body", 1, "collections", 0, "fields", 0, "data_categories", 0],
             "msg": "The data category user.shoe is not supported."},
            {"type": "dict_type", "loc": ["body", 2], "msg": "expected an object"},
        ])
    );
    assert_eq!(app.found(path).await["total"], 0);
}

// rule: privacy-requests C-16
#[tokio::test]
async fn an_edit_that_takes_what_is_protected_is_kept_without_that_and_says_so() {
    let app = App::start().await;
    app.connect_acme("acme").await;
    app.put("acme", json!([dataset("acme")])).await;
    let edited = json!({"fides_key": "acme", "name": "Renamed", "collections": [
        {"name": "users", "fields": [{"name": "mail"}]},
        {"name": "shoes", "fields": []},
    ]});

    let reply = app.put("acme", json!([edited])).await;

    let said: Vec<String> = reply["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["action"], one["collection"], one["field"]))
        .collect();
    assert_eq!(
        said,
        [r#""removed" "shoes" null"#, r#""restored" "notes" null"#, r#""restored" "users" "id""#]
    );
    let kept = app.found("/api/v1/connection/acme/dataset/acme").await;
    assert_eq!(kept["name"], "Renamed");
    assert_eq!(kept["collections"][1]["fields"][0]["name"], "id");
    let protected = app.found("/api/v1/connection/acme/protected-fields").await;
    assert_eq!(
        protected,
        json!({"immutable_fields": ["fides_key"],
               "protected_collection_fields": [{"collection": "users", "field": "id"}]})
    );
}

// rule: fides-api 6.2
// rule: privacy-requests C-15
#[tokio::test]
async fn a_check_says_what_cannot_be_reached_and_keeps_nothing() {
    let app = App::start().await;
    app.connect_acme("acme").await;
    app.connect("shop", "postgres").await;
    let path = |connection: &str| format!("/api/v1/connection/{connection}/validate_dataset");
    let mut lonely = tables("shop");
    lonely["collections"][1]["fields"][0]["fides_meta"] = json!(null);
    let mut outside = tables("shop");
    outside["collections"][1]["fields"][0]["fides_meta"]["references"][0]["dataset"] = json!("other");

    let fine = app.ok(Method::PUT, &path("acme"), dataset("acme")).await;
    let lonely = app.ok(Method::PUT, &path("shop"), lonely).await;
    let outside = app.ok(Method::PUT, &path("shop"), outside).await;
    let (status, other) = app.send(Method::PUT, &path("acme"), dataset("other")).await;

    assert_eq!(fine["traversal_details"], json!({"is_traversable": true, "msg": null}));
    assert_eq!(fine["warnings"], json!([]));
    assert_eq!(
        lonely["traversal_details"],
        json!({"is_traversable": false, "msg": "Some nodes were not reachable: shop:orders"})
    );
    assert_eq!(outside["traversal_details"]["is_traversable"], false);
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other["detail"][0]["loc"], json!(["body", "fides_key"]));
    assert_eq!(app.found("/api/v1/connection/acme/dataset").await["total"], 0);
}

#[tokio::test]
async fn reachability_is_asked_of_all_that_the_server_has() {
    let app = App::start().await;
    app.connect_acme("acme").await;
    app.connect("shop", "postgres").await;
    app.put("acme", json!([dataset("acme")])).await;
    let mut behind = tables("shop");
    behind["collections"][0]["fields"][0]["fides_meta"] =
        json!({"references": [{"dataset": "acme", "field": "users.id", "direction": "from"}]});
    behind["collections"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "logs", "fields": [{"name": "line", "data_categories": ["user.content"]}]}));
    app.put("shop", json!([behind])).await;
    let path = "/api/v1/connection/shop/dataset/shop";

    let all = app.found(&format!("{path}/reachability")).await;
    let inputs = app.found(&format!("{path}/inputs")).await;
    let (no_policy, _) = app.get(&format!("{path}/reachability?policy_key=none")).await;
    app.ok(
        Method::PATCH,
        "/api/v1/connection",
        json!([{
        "key": "acme", "connection_type": "saas", "access": "write", "disabled": true}]),
    )
    .await;
    let without = app.found(&format!("{path}/reachability")).await;

    assert_eq!(all, json!({"reachable": false, "details": ["Node shop:logs is not reachable"]}));
    assert_eq!(inputs, json!({"acme:users:id": null}));
    assert_eq!(no_policy, StatusCode::NOT_FOUND);
    assert_eq!(without["reachable"], false);
    assert!(without["details"].is_string(), "{without}");
    let acme = app.found("/api/v1/connection/acme/dataset/acme/inputs").await;
    assert_eq!(acme, json!({"email": null}));
}

#[tokio::test]
async fn datasets_come_as_yaml_too() {
    let app = App::start().await;
    app.connect("shop", "mysql").await;
    let path = "/api/v1/yml/connection/shop/dataset";
    let call = async |media: &str, body: &str| app.call(Method::PATCH, path, media, body).await;
    let yaml = "application/x-yaml";

    let kept = call(yaml, "dataset:\n- fides_key: shop\n  collections:\n  - {name: a, fields: []}\n").await;
    let other_media = call("application/json", "{}").await;
    let broken = call(yaml, "dataset: [").await;
    let without = call(yaml, "datasets: []").await;
    let wrong = call(yaml, "dataset: [{fides_key: shop}]").await;

    assert_eq!((kept.status, &kept.json()["succeeded"][0]["fides_key"]), (StatusCode::OK, &json!("shop")));
    assert_eq!(other_media.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(other_media.json()["detail"], "Content type must be application/x-yaml");
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(broken.json()["detail"].as_str().unwrap().starts_with("Invalid YAML format: "));
    assert_eq!(without.json()["detail"][0]["loc"], json!(["body", "dataset"]));
    assert_eq!(wrong.json()["detail"][0]["loc"], json!(["body", "dataset", 0, "collections"]));
}

#[tokio::test]
async fn kept_datasets_are_linked_to_a_connection_and_put_unlinks_the_others() {
    let app = App::start().await;
    app.connect("shop", "mysql").await;
    app.connect_acme("acme").await;
    for key in ["one", "two"] {
        let (status, _) = app.send(Method::POST, "/api/v1/dataset", tables(key)).await;
        assert_eq!(status, StatusCode::CREATED);
    }
    let path = "/api/v1/connection/shop/datasetconfig";
    let link = |key: &str, dataset: &str| json!({"fides_key": key, "ctl_dataset_fides_key": dataset});

    let first = app.ok(Method::PATCH, path, json!([link("one", "one")])).await;
    let second = app.ok(Method::PUT, path, json!([link("mine", "two")])).await;
    let (unknown, _) = app.send(Method::PATCH, path, json!([link("three", "three")])).await;
    let misfit =
        app.ok(Method::PATCH, "/api/v1/connection/acme/datasetconfig", json!([link("one", "one")])).await;

    assert_eq!(
        (&first["succeeded"][0]["fides_key"], &second["succeeded"][0]["fides_key"]),
        (&json!("one"), &json!("two"))
    );
    assert_eq!(unknown, StatusCode::NOT_FOUND);
    assert_eq!(
        messages(&misfit),
        ["The fides_key 'one' of the dataset does not match the fides_key 'acme' of the connection config"]
    );
    let page = app.found(path).await;
    assert_eq!((&page["total"], &page["items"][0]["fides_key"]), (&json!(1), &json!("mine")));
    let one = app.found(&format!("{path}/mine")).await;
    assert_eq!(one["ctl_dataset"]["fides_key"], "two");
    let unlinked = app.found("/api/v1/filter/dataset?only_unlinked_datasets=true").await;
    assert_eq!(unlinked[0]["fides_key"], "one");
    assert_eq!(unlinked.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_trial_on_a_dataset_is_refused_where_there_are_no_testing_tools() {
    let app = App::start().await;
    app.connect("shop", "mysql").await;
    app.put("shop", json!([tables("shop")])).await;
    let body = json!({"policy_key": "p", "identities": {}});

    let (status, _) = app.send(Method::POST, "/api/v1/connection/shop/dataset/shop/test", body.clone()).await;
    let (absent, _) = app.send(Method::POST, "/api/v1/connection/shop/dataset/other/test", body).await;

    assert_eq!((status, absent), (StatusCode::FORBIDDEN, StatusCode::NOT_FOUND));
}

// rule: fides-api 6.4
#[tokio::test]
async fn datasets_are_kept_by_themselves() {
    let app = App::start().await;
    let path = "/api/v1/dataset";

    let (created, first) = app.send(Method::POST, path, tables("one")).await;
    let (twice, taken) = app.send(Method::POST, path, tables("one")).await;
    let (absent, none) = app.send(Method::PUT, path, tables("two")).await;
    let mut renamed = tables("one");
    renamed["name"] = json!("Renamed");
    let updated = app.ok(Method::PUT, path, renamed).await;
    let (upserted, counts) =
        app.send(Method::POST, "/api/v1/dataset/upsert", json!([tables("one"), tables("two")])).await;
    let (again, _) = app.send(Method::POST, "/api/v1/dataset/upsert", json!([tables("two")])).await;

    assert_eq!((created, &first["fides_key"]), (StatusCode::CREATED, &json!("one")));
    assert_eq!(twice, StatusCode::CONFLICT);
    assert_eq!(
        (&taken["detail"]["resource_type"], &taken["detail"]["fides_key"]),
        (&json!("Dataset"), &json!("one"))
    );
    assert_eq!((absent, &none["detail"]["fides_key"]), (StatusCode::NOT_FOUND, &json!("two")));
    assert_eq!(updated["name"], "Renamed");
    assert_eq!(
        (upserted, &counts["inserted"], &counts["updated"]),
        (StatusCode::CREATED, &json!(1), &json!(1))
    );
    assert_eq!(again, StatusCode::OK);
    assert_eq!(app.found(path).await.as_array().unwrap().len(), 2);
    let page = app.found(&format!("{path}?size=1&search=TWO")).await;
    assert_eq!((&page["total"], &page["items"][0]["fides_key"]), (&json!(1), &json!("two")));
    let minimal = app.found(&format!("{path}?minimal=true&data_categories=user.contact.email")).await;
    assert!(minimal[0].get("collections").is_none(), "{minimal}");
    let (removed, reply) = app.send(Method::DELETE, "/api/v1/dataset/two", Value::Null).await;
    assert_eq!((removed, &reply["resource"]["fides_key"]), (StatusCode::OK, &json!("two")));
    let (gone, _) = app.get("/api/v1/dataset/two").await;
    assert_eq!(gone, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_dataset_that_a_connection_has_is_changed_by_its_rules_and_not_removed() {
    let app = App::start().await;
    app.connect_acme("acme").await;
    app.put("acme", json!([dataset("acme")])).await;
    let mut with_identity = dataset("acme");
    with_identity["collections"][0]["fields"][0]["fides_meta"] = json!({"identity": "email"});

    let (unfit, _) = app.send(Method::PUT, "/api/v1/dataset", with_identity).await;
    let emptied = json!({"fides_key": "acme", "collections": []});
    let kept = app.ok(Method::PUT, "/api/v1/dataset", emptied).await;
    let (in_use, _) = app.send(Method::DELETE, "/api/v1/dataset/acme", Value::Null).await;

    assert_eq!(unfit, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(kept["collections"].as_array().unwrap().len(), 2, "what is protected is put back");
    assert_eq!(in_use, StatusCode::CONFLICT);
    let filtered = app.found("/api/v1/dataset?exclude_saas_datasets=true").await;
    assert_eq!(filtered, json!([]));
}
