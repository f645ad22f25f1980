use sandbox::governance::Origin;
use sandbox::segment::SegmentOptions;
use serde_json::{Value, json};

use crate::client::Client;

async fn truth(client: &Client) -> Value {
    client.inspect("GET", "governance", "").await
}

fn kind<'a>(truth: &'a Value, id: &str) -> &'a Value {
    truth["kinds"].as_array().unwrap().iter().find(|kind| kind["id"] == id).unwrap()
}

fn grant<'a>(truth: &'a Value, id: &str) -> &'a Value {
    let found = truth["grants"].as_array().unwrap().iter().find(|grant| grant["id"] == id);
    found.unwrap_or(&Value::Null)
}

// rule: segment-api D2
// rule: segment-api D4
#[tokio::test]
async fn the_truth_counts_what_the_workspace_has() {
    let client = Client::start(SegmentOptions { users: 31, ..SegmentOptions::default() }).await;
    let state = client.inspect("GET", "state", "").await;

    let truth = truth(&client).await;

    for (id, name) in [
        ("user", "users"),
        ("group", "groups"),
        ("role", "roles"),
        ("source", "sources"),
        ("warehouse", "warehouses"),
        ("function", "functions"),
        ("space", "spaces"),
        ("invite", "invites"),
    ] {
        assert_eq!(kind(&truth, id)["resources"], state[name], "{id}");
    }
    assert_eq!(
        kind(&truth, "workspace"),
        &json!({
            "id": "workspace", "availability": "available", "resources": 1, "entitlements": 1, "grants": 31,
        })
    );
    assert_eq!(kind(&truth, "user")["entitlements"], 0);
}

// rule: baton SG-12
// rule: baton E-6
#[tokio::test]
async fn what_a_group_holds_its_members_hold_and_the_grant_says_through_what() {
    let client = Client::default().await;
    let group = client.data("/groups?pagination.count=1").await["userGroups"][0].clone();
    let id = group["id"].as_str().unwrap();
    let member =
        client.data(&format!("/groups/{id}/users?pagination.count=1")).await["users"][0]["id"].clone();
    let member = member.as_str().unwrap();
    let role = group["permissions"][0]["roleId"].as_str().unwrap();

    let truth = truth(&client).await;

    let own = grant(&truth, &format!("role:{role}:member:group:{id}"));
    assert_eq!(own["origin"], "direct");
    assert_eq!(own["expandable"], json!([format!("group:{id}:member")]));
    let passed = grant(&truth, &format!("role:{role}:member:user:{member}"));
    assert_eq!(passed["origin"], "expanded");
    assert_eq!(passed["sources"], json!([{"entitlement": format!("group:{id}:member"), "direct": true}]));
}

#[tokio::test]
async fn the_truth_in_process_is_that_of_the_wire_and_parts_come_alone() {
    let client = Client::default().await;

    let whole = truth(&client).await;
    let grants = client.inspect("GET", "governance?part=grants", "").await;
    let wrong = client.inspect("GET", "governance?part=users", "").await;
    let here = client.segment.governance_truth();

    assert_eq!(json!(here), whole);
    assert_eq!(grants, whole["grants"]);
    assert!(wrong["error"].as_str().unwrap().contains("grants"));
    assert!(here.grants.iter().any(|grant| grant.origin == Origin::Expanded));
}
