//! Writes of access, and what the simulated Segment refuses.

use sandbox::segment::{PlanLimits, RefusedWith, SegmentOptions, WorkspaceOptions};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};

use crate::client::{Client, encode};

async fn list(client: &Client, path: &str, key: &str) -> Vec<Value> {
    client.data(&format!("{path}?pagination.count=1000")).await[key].as_array().unwrap().clone()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

async fn role(client: &Client, name: &str) -> String {
    let roles = list(client, "/roles", "roles").await;
    id(roles.iter().find(|role| role["name"] == name).unwrap()).to_owned()
}

fn permissions(entries: &[Value]) -> String {
    json!({"permissions": entries}).to_string()
}

// rule: segment-api A40
// rule: segment-api A43
#[tokio::test]
async fn members_are_added_by_address_once_and_taken_out_without_harm() {
    let client = Client::default().await;
    let groups = list(&client, "/groups", "userGroups").await;
    let users = list(&client, "/users", "users").await;
    let (group, address) = (id(&groups[1]), users[0]["email"].as_str().unwrap());
    let body = json!({"emails": [address.to_uppercase(), address, "invited-1@example.com"]}).to_string();
    let path = format!("/groups/{group}/users");

    let added = client.public("POST", &path, &body).await.json();
    let again = client.public("POST", &path, &body).await.json();
    let unknown = client.public("POST", &path, r#"{"emails":["nobody@example.com"]}"#).await;
    let gone = format!("/group/{group}/users?emails={}", encode("nobody@example.com"));
    let gone = client.public("DELETE", &gone, "").await;
    let replaced = client
        .public("PUT", &format!("/group/{group}/users"), &json!({"emails": [address]}).to_string())
        .await;

    let before = groups[1]["memberCount"].as_u64().unwrap();
    assert_eq!(added["data"]["userGroup"]["memberCount"], before + 2);
    assert_eq!(again["data"]["userGroup"]["memberCount"], before + 2);
    assert_eq!((unknown.status(), gone.status()), (422, 200));
    assert_eq!(replaced.json()["data"]["userGroup"]["memberCount"], 1);
    assert_eq!(list(&client, &path, "users").await[0]["id"], users[0]["id"]);
}

// rule: segment-api A56
// rule: segment-api A53
#[tokio::test]
async fn replacing_permissions_keeps_exactly_what_is_sent_labels_included() {
    let client = Client::default().await;
    let groups = list(&client, "/groups", "userGroups").await;
    let (group, held) = (id(&groups[0]), groups[0]["permissions"].as_array().unwrap());
    let path = format!("/groups/{group}/permissions");
    let narrowed = held.iter().find(|entry| entry["roleName"] == "Source Admin").unwrap();
    let sent = json!({"roleId": narrowed["roleId"], "resources": narrowed["resources"]});

    let put = client.public("PUT", &path, &permissions(&[sent])).await;
    let empty = client.public("PUT", &path, &permissions(&[])).await;
    let after = client.data(&format!("/groups/{group}")).await;

    assert_eq!((put.status(), empty.status()), (200, 422));
    assert_eq!(after["userGroup"]["permissions"], json!([narrowed]));
}

// rule: segment-api A58 (inferred)
#[tokio::test]
async fn more_than_200_permissions_or_resources_are_refused() {
    let client = Client::default().await;
    let users = list(&client, "/users", "users").await;
    let source = list(&client, "/sources", "sources").await[0]["id"].clone();
    let role = role(&client, "Source Admin").await;
    let path = format!("/users/{}/permissions", id(&users[1]));
    let resource = json!({"id": source, "type": "SOURCE"});
    let entry = |count: usize| json!({"roleId": role, "resources": vec![resource.clone(); count]});

    let most = client.public("PUT", &path, &permissions(&[entry(200)])).await;
    let wide = client.public("PUT", &path, &permissions(&[entry(201)])).await;
    let long = client.public("PUT", &path, &permissions(&vec![entry(1); 201])).await;

    assert_eq!((most.status(), wide.status(), long.status()), (200, 422, 422));
    assert_eq!(wide.json()["errors"][0]["field"], "permissions[0].resources");
}

// rule: governance SEG-5 (inferred)
#[tokio::test]
async fn the_last_owner_stays_whatever_way_is_tried() {
    let client = Client::default().await;
    let owner = id(&list(&client, "/users", "users").await[0]).to_owned();
    let permissions_path = format!("/users/{owner}/permissions");
    let workspace = client.data("/").await["workspace"]["id"].clone();
    let narrowed =
        json!([{"id": workspace, "type": "WORKSPACE", "labels": [{"key": "brand", "value": "acme"}]}]);
    let narrowed = json!({"roleId": role(&client, "Workspace Owner").await, "resources": narrowed});

    let emptied = client.public("PUT", &permissions_path, &permissions(&[])).await;
    let limited = client.public("PUT", &permissions_path, &permissions(&[narrowed])).await;
    let removed = client.public("DELETE", &format!("/users?userIds={owner}"), "").await;
    let user = client.data(&format!("/users/{owner}")).await["user"].clone();

    assert_eq!((emptied.status(), limited.status(), removed.status()), (422, 422, 422));
    assert_eq!(user["permissions"][0]["roleName"], "Workspace Owner");
    assert_eq!(client.inspect("GET", "state", "").await["writes"], 0);
}

// rule: governance SEG-5 (inferred)
#[tokio::test]
async fn an_owner_through_a_group_counts_as_long_as_the_group_has_a_member() {
    let workspace = WorkspaceOptions { owner_group: Some(5), ..WorkspaceOptions::default() };
    let client = Client::start(SegmentOptions { workspace, ..SegmentOptions::default() }).await;
    let owner = id(&list(&client, "/users", "users").await[0]).to_owned();
    let group = id(&list(&client, "/groups", "userGroups").await[5]).to_owned();
    let other = json!({"roleId": role(&client, "Tracking Plan Admin").await,
        "resources": [{"id": client.data("/").await["workspace"]["id"], "type": "WORKSPACE"}]});

    let removed = client.public("DELETE", &format!("/users?userIds={owner}"), "").await;
    let empty = client.public("PUT", &format!("/group/{group}/users"), r#"{"emails": []}"#).await;
    let deleted = client.public("DELETE", &format!("/groups/{group}"), "").await;
    let replaced =
        client.public("PUT", &format!("/groups/{group}/permissions"), &permissions(&[other])).await;

    assert_eq!(removed.status(), 200);
    assert_eq!((empty.status(), deleted.status(), replaced.status()), (422, 422, 422));
    assert!(!list(&client, &format!("/groups/{group}/users"), "users").await.is_empty());
}

// rule: segment-api A32
// rule: segment-api A33
#[tokio::test]
async fn an_invited_person_who_joins_holds_what_the_invite_says() {
    let client = Client::default().await;
    let role = role(&client, "Source Admin").await;
    let invite = json!({"invites": [{"email": "new@example.com", "permissions": [
        {"roleId": role, "labels": [{"key": "brand", "value": "acme"}]},
    ]}]});

    let invited = client.public("POST", "/invites", &invite.to_string()).await;
    let joined = client.inspect("POST", "join", r#"{"email": "new@example.com", "at": "first"}"#).await;
    let twice = client.inspect("POST", "join", r#"{"email": "new@example.com"}"#).await;
    let users = list(&client, "/users", "users").await;

    assert_eq!(invited.json()["data"]["emails"], json!(["new@example.com"]));
    assert_eq!((&users[0]["id"], &users[0]["name"]), (&joined["id"], &json!("")));
    assert_eq!(users[0]["permissions"][0]["resources"][0]["labels"][0]["value"], "acme");
    assert!(twice["error"].is_string());
    assert!(!list(&client, "/invites", "invites").await.contains(&json!("new@example.com")));
}

// rule: segment-api A67
// rule: segment-api A3
#[tokio::test]
async fn features_beyond_the_plan_and_member_tokens_are_refused_as_chosen() {
    let plan: PlanLimits = "groups=404, spaces=401, functions".parse().unwrap();
    let options =
        SegmentOptions { plan, member_refused_with: RefusedWith::Forbidden, ..SegmentOptions::default() };
    let client = Client::start(options).await;
    let user = id(&list(&client, "/users", "users").await[0]).to_owned();
    let token = &client.segment.description().tokens.member_token;
    let member = format!("Authorization: Bearer {token}\r\n");

    for (target, status) in [
        ("/groups".to_owned(), 404),
        (format!("/users/{user}/groups"), 404),
        ("/spaces".to_owned(), 401),
        ("/functions?resourceType=SOURCE".to_owned(), 403),
        ("/warehouses".to_owned(), 200),
    ] {
        assert_eq!(client.public("GET", &target, "").await.status(), status, "{target}");
    }
    assert_eq!(client.send(("GET", "/"), &member, "").await.status(), 200);
    assert_eq!(client.send(("GET", "/users"), &member, "").await.status(), 403);
    let settings = json!({"plan": {"warehouses": 403}}).to_string();
    client.inspect("POST", "settings", &settings).await;
    assert_eq!(client.public("GET", "/warehouses", "").await.status(), 403);
    assert_eq!(client.public("GET", "/groups", "").await.status(), 200);
}

// rule: segment-api A22
#[tokio::test]
async fn somebody_else_acts_between_two_pages_and_is_not_in_the_log() {
    let client = Client::default().await;
    let removed = id(&list(&client, "/users", "users").await[3]).to_owned();
    let meanwhile = json!({"meanwhile": [
        {"after": "/users", "skip": 1, "method": "DELETE", "target": format!("/users?userIds={removed}")},
        {"after": "/users", "method": "POST", "target": "/__sandbox/join",
         "body": {"email": "early@example.com", "at": "first"}},
    ]});
    client.inspect("POST", "meanwhile", &meanwhile.to_string()).await;

    let first = client.data("/users?pagination.count=10").await;
    let cursor = encode(first["pagination"]["next"].as_str().unwrap());
    let second = client.data(&format!("/users?pagination.count=10&pagination.cursor={cursor}")).await;
    let after = list(&client, "/users", "users").await;

    assert_eq!(second["users"][0], first["users"][9], "all moved on by one");
    assert_eq!(after[0]["email"], "early@example.com");
    assert!(after.iter().all(|user| user["id"] != removed.as_str()));
    let state = client.inspect("GET", "state", "").await;
    assert_eq!((&state["calls"], &state["writes"]), (&json!(4), &json!(0)));
}

// rule: segment-api A11
// rule: segment-api A15
#[tokio::test]
async fn an_answer_without_its_key_and_limits_without_a_wait_are_placed_by_rule() {
    let client = Client::default().await;
    client.segment.set_rules(vec![
        FaultRule::first("GET", "/users", Fault::MissingKey),
        FaultRule::first("GET", "/groups", Fault::Rate429Body),
        FaultRule::first("GET", "/roles", Fault::Rate429Bare),
        FaultRule::first("GET", "/sources", Fault::Rate429),
    ]);

    let missing = client.public("GET", "/users", "").await;
    let in_body = client.public("GET", "/groups", "").await;
    let bare = client.public("GET", "/roles", "").await;
    let full = client.public("GET", "/sources", "").await;

    assert_eq!((missing.status(), missing.json()), (200, json!({"data": {}})));
    assert_eq!((in_body.status(), in_body.header("retry-after")), (429, None));
    assert_eq!(in_body.json()["errors"][0]["data"]["msBeforeNext"], 1000);
    assert_eq!((bare.status(), bare.header("retry-after")), (429, None));
    assert!(bare.json()["errors"][0].get("data").is_none());
    assert_eq!((full.status(), full.header("retry-after")), (429, Some("1")));
    assert!(client.public("GET", "/users", "").await.json()["data"]["users"].is_array());
}

#[tokio::test]
async fn a_lost_answer_is_a_write_in_the_log_that_was_not_answered() {
    let client = Client::default().await;
    let user = id(&list(&client, "/users", "users").await[3]).to_owned();
    let path = format!("/users/{user}/permissions");
    client.segment.set_rules(vec![FaultRule::first("PUT", "/users/*/permissions", Fault::ResetAfter)]);

    let lost = client.public("PUT", &path, &permissions(&[])).await;
    let after = client.data(&format!("/users/{user}")).await;

    assert!(lost.ended.is_err());
    assert_eq!(after["user"]["permissions"], json!([]));
    let log = client.segment.log();
    let writes: Vec<&Value> =
        log["calls"].as_array().unwrap().iter().filter(|call| call["effect"] == "write").collect();
    assert_eq!(writes.len(), 1);
    assert_eq!((&writes[0]["path"], &writes[0]["status"]), (&json!(path), &Value::Null));
    assert_eq!(writes[0]["body"], permissions(&[]));
}
