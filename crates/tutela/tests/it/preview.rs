//! What a run would ask, shown by a server that asks nobody.

use serde_json::{Value, json};

use crate::program::Program;
use crate::running::{Running, call, root_token};

const SECRET: &str = "canary-root-secret";

fn dataset(key: &str, collections: &Value) -> Value {
    json!({"fides_key": key, "name": key, "description": key, "collections": collections})
}

/// A database whose orders belong to customers of an application.
async fn set_up(running: &Running, token: &str) {
    let put = async |line: &str, body: &Value| {
        let reply = call(running, line, Some(token), Some(body)).await;
        assert_eq!(reply.status, 200, "{line}: {}", reply.text);
        assert_eq!(reply.json().get("failed").cloned().unwrap_or(json!([])), json!([]), "{}", reply.text);
    };
    put(
        "PATCH /api/v1/connection",
        &json!([{"key": "crm", "name": "CRM", "connection_type": "postgres", "access": "read"}]),
    )
    .await;
    let secrets =
        json!({"host": "db.example.com", "dbname": "crm", "username": "reader", "password": "canary-db"});
    put("PUT /api/v1/connection/crm/secret?verify=false", &secrets).await;
    let people = json!([{"name": "people", "fields": [
        {"name": "id", "data_categories": ["system.operations"], "fides_meta": {"primary_key": true}},
        {"name": "email", "data_categories": ["user.contact.email"], "fides_meta": {"identity": "email"}},
        {"name": "note", "data_categories": ["system.operations"]},
    ]}]);
    put("PATCH /api/v1/connection/crm/dataset", &json!([dataset("crm", &people)])).await;
    put(
        "PATCH /api/v1/connection",
        &json!([{"key": "orders", "name": "Orders", "connection_type": "postgres", "access": "read"}]),
    )
    .await;
    let secrets =
        json!({"host": "db.example.com", "dbname": "orders", "username": "reader", "password": "canary-db"});
    put("PUT /api/v1/connection/orders/secret?verify=false", &secrets).await;
    let reference = json!([{"dataset": "crm", "field": "people.id", "direction": "from"}]);
    let orders = json!([{"name": "order", "fields": [
        {"name": "person", "data_categories": ["system.operations"], "fides_meta": {"references": reference}},
        {"name": "total", "data_categories": ["user.financial"]},
    ]}]);
    put("PATCH /api/v1/connection/orders/dataset", &json!([dataset("orders", &orders)])).await;
    let mailchimp = json!({"name": "News", "instance_key": "news", "secrets": {"domain": "us1.api.mailchimp.com", "username": "ana", "api_key": "canary-key"}});
    put("POST /api/v1/connection/instantiate/mailchimp", &mailchimp).await;
}

// rule: fides-api 11.7
#[tokio::test(flavor = "multi_thread")]
async fn the_statements_of_a_run_are_shown_in_order_and_nobody_is_asked() {
    let program = Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET);
    let running = Running::start(&program, &[]);
    let token = root_token(&running, SECRET).await;
    set_up(&running, &token).await;
    let preview = async |body: &Value| {
        call(&running, "PUT /api/v1/privacy-request/preview", Some(&token), Some(body)).await
    };

    let whole = preview(&json!(null)).await;
    let both = preview(&json!(["orders", "crm"])).await;
    let alone = preview(&json!(["orders"])).await;
    let unknown = preview(&json!(["other"])).await;
    let refused = call(&running, "PUT /api/v1/privacy-request/preview", None, Some(&json!([]))).await.status;

    let statements = json!([
        {"collectionAddress": {"dataset": "crm", "collection": "people"},
         "query": "SELECT \"email\", \"id\" FROM \"people\" WHERE \"email\" = ?"},
        {"collectionAddress": {"dataset": "orders", "collection": "order"},
         "query": "SELECT \"person\", \"total\" FROM \"order\" WHERE \"person\" IN (?, ?)"},
    ]);
    assert_eq!((both.status, both.json()), (200, statements.clone()));
    assert_eq!(whole.status, 200, "{}", whole.text);
    let whole = whole.json();
    let of_application =
        whole.as_array().unwrap().iter().find(|one| one["collectionAddress"]["dataset"] == "news");
    assert_eq!(of_application.unwrap()["query"], Value::Null);
    assert!(
        statements.as_array().unwrap().iter().all(|one| whole.as_array().unwrap().contains(one)),
        "{whole}"
    );
    assert_eq!(alone.status, 400, "{}", alone.text);
    assert!(
        alone.text.contains("Make sure all referenced datasets are included in the request body."),
        "{}",
        alone.text
    );
    assert_eq!((unknown.status, unknown.json()), (404, json!({"detail": "No dataset with id 'other'"})));
    assert_eq!(refused, 401);
}
