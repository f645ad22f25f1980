//! Calls around the life of a request.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::App;

const PRE: &str = "/api/v1/dsr/policy/ana/webhook/pre_execution";
const POST: &str = "/api/v1/dsr/policy/ana/webhook/post_execution";
const APPROVAL: &str = "/api/v1/dsr/webhook/pre_approval";

/// An interface with the policy `ana` and the connections `crm` and `billing`.
async fn app() -> App {
    let app = App::start().await;
    let connection =
        |key: &str| json!({"name": key, "key": key, "connection_type": "https", "access": "read"});
    let connections = json!([connection("crm"), connection("billing")]);
    let (_, made) = app.send(Method::PATCH, "/api/v1/connection", connections).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    let (_, made) = app.send(Method::PATCH, "/api/v1/dsr/policy", json!([{"name": "Ana"}])).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    app
}

fn webhook(key: &str, connection: &str) -> Value {
    json!({"key": key, "name": format!("Call {key}"), "direction": "two_way", "connection_config_key": connection})
}

/// Keys and orders.
fn order(webhooks: &Value) -> Vec<(String, u64)> {
    let of =
        |webhook: &Value| (webhook["key"].as_str().unwrap().to_owned(), webhook["order"].as_u64().unwrap());
    webhooks.as_array().unwrap().iter().map(of).collect()
}

// rule: privacy-requests W-1
#[tokio::test]
async fn the_webhooks_of_a_policy_are_replaced_as_a_list_in_the_order_sent() {
    let app = app().await;
    let first = json!([webhook("b", "crm"), webhook("a", "billing")]);

    let (status, made) = app.send(Method::PUT, PRE, first).await;
    let (_, replaced) =
        app.send(Method::PUT, PRE, json!([{"direction": "one_way", "connection_config_key": "crm"}])).await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(order(&made), [("b".to_owned(), 0), ("a".to_owned(), 1)]);
    assert_eq!((&made[0]["name"], &made[0]["direction"]), (&json!("Call b"), &json!("two_way")));
    assert_eq!(made[0]["connection_config"]["key"], "crm");
    assert_eq!(order(&replaced), [("crm".to_owned(), 0)]);
    let (_, listed) = app.get(PRE).await;
    assert_eq!((&listed["items"], &listed["total"]), (&replaced, &json!(1)));
    assert_eq!(app.get(&format!("{PRE}/crm")).await, (StatusCode::OK, replaced[0].clone()));
    assert_eq!(app.get(POST).await.1["total"], 0);
}

#[tokio::test]
async fn a_list_with_a_wrong_webhook_changes_nothing() {
    let app = app().await;
    app.send(Method::PUT, PRE, json!([webhook("kept", "crm")])).await;
    let mut same_name = webhook("c", "crm");
    same_name["name"] = json!("Call b");

    let twice = app.send(Method::PUT, PRE, json!([webhook("b", "crm"), webhook("b", "crm")])).await;
    let names = app.send(Method::PUT, PRE, json!([webhook("b", "crm"), same_name])).await;
    let nowhere = app.send(Method::PUT, PRE, json!([webhook("b", "crm"), webhook("c", "nowhere")])).await;
    let direction =
        app.send(Method::PUT, PRE, json!([{"direction": "up", "connection_config_key": "crm"}])).await;

    let text =
        "Check request body: there are multiple webhooks whose keys or names resolve to the same value.";
    for (status, body) in [twice, names] {
        assert_eq!((status, &body["detail"]), (StatusCode::BAD_REQUEST, &json!(text)));
    }
    assert_eq!(nowhere.0, StatusCode::NOT_FOUND);
    assert_eq!(direction.1["detail"][0]["loc"], json!(["body", 0, "direction"]));
    assert_eq!(order(&app.get(PRE).await.1["items"]), [("kept".to_owned(), 0)]);
}

#[tokio::test]
async fn a_webhook_is_changed_moved_and_removed() {
    let app = app().await;
    let all = json!([webhook("a", "crm"), webhook("b", "crm"), webhook("c", "crm")]);
    app.send(Method::PUT, POST, all).await;
    let a = format!("{POST}/a");

    let change = json!({"order": 2, "direction": "one_way", "connection_config_key": "billing"});
    let (status, moved) = app.send(Method::PATCH, &a, change).await;
    let beyond = app.send(Method::PATCH, &a, json!({"order": 3})).await;
    let unknown = app.send(Method::PATCH, &a, json!({"key": "x"})).await;
    let (removed_status, removed) = app.send(Method::DELETE, &format!("{POST}/b"), Value::Null).await;

    assert_eq!(status, StatusCode::OK);
    let resource = &moved["resource"];
    assert_eq!(
        (&resource["order"], &resource["direction"], &resource["name"]),
        (&json!(2), &json!("one_way"), &json!("Call a"))
    );
    assert_eq!(resource["connection_config"]["key"], "billing");
    assert_eq!(order(&moved["new_order"]), [("b".to_owned(), 0), ("c".to_owned(), 1), ("a".to_owned(), 2)]);
    assert_eq!((beyond.0, unknown.0), (StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(removed_status, StatusCode::OK);
    assert_eq!(order(&removed["new_order"]), [("c".to_owned(), 0), ("a".to_owned(), 1)]);
    let (status, gone) = app.send(Method::DELETE, &format!("{POST}/b"), Value::Null).await;
    let text = json!("No Post-Execution Webhook found for key 'b' on Policy 'ana'.");
    assert_eq!((status, &gone["detail"]), (StatusCode::NOT_FOUND, &text));
    let (_, other) = app.get(&format!("{PRE}/a")).await;
    assert_eq!(other["detail"], "No Pre-Execution Webhook found for key 'a' on Policy 'ana'.");
}

// rule: privacy-requests W-8
#[tokio::test]
async fn webhooks_before_approval_belong_to_no_policy() {
    let app = app().await;
    let sent = json!([{"name": "Ask Legal", "connection_config_key": "crm"}]);

    let (status, made) = app.send(Method::PUT, APPROVAL, sent).await;
    let path = format!("{APPROVAL}/ask_legal");
    let (_, changed) =
        app.send(Method::PATCH, &path, json!({"name": "Ask", "connection_config_key": "billing"})).await;

    assert_eq!((status, &made[0]["key"]), (StatusCode::OK, &json!("ask_legal")));
    assert_eq!((&changed["name"], &changed["connection_config"]["key"]), (&json!("Ask"), &json!("billing")));
    assert_eq!(app.get(APPROVAL).await.1["items"], json!([changed]));
    assert_eq!(app.get(&path).await.1, changed);
    assert_eq!(app.send(Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    let (status, gone) = app.get(&path).await;
    let text = json!("No PreApprovalWebhook found for key ask_legal.");
    assert_eq!((status, &gone["detail"]), (StatusCode::NOT_FOUND, &text));
}

#[tokio::test]
async fn a_webhook_whose_connection_was_removed_says_so() {
    let app = app().await;
    app.send(Method::PUT, PRE, json!([webhook("a", "crm")])).await;

    app.send(Method::DELETE, "/api/v1/connection/crm", Value::Null).await;

    let (status, found) = app.get(&format!("{PRE}/a")).await;
    assert_eq!((status, &found["connection_config"]), (StatusCode::OK, &Value::Null));
}

#[tokio::test]
async fn webhooks_of_what_is_not_there_are_not_found() {
    let app = app().await;

    for path in ["/api/v1/dsr/policy/nowhere/webhook/pre_execution", "/api/v1/dsr/policy/ana/webhook/later"] {
        for method in [Method::GET, Method::PUT] {
            let (status, _) = app.send(method, path, json!([])).await;

            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
