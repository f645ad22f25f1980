use sandbox::segment::SegmentOptions;
use serde_json::{Value, json};

use crate::client::{Client, encode};

/// All entries of a list, page by page.
async fn all(client: &Client, path: &str, key: &str, count: usize) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    let separator = if path.contains('?') { '&' } else { '?' };
    loop {
        let target = format!("{path}{separator}pagination.count={count}{cursor}");
        let data = client.data(&target).await;
        entries.extend(data[key].as_array().unwrap().clone());
        match data["pagination"]["next"].as_str() {
            Some(next) => cursor = format!("&pagination.cursor={}", encode(next)),
            None => return entries,
        }
    }
}

// rule: segment-api A21
#[tokio::test]
async fn paging_to_the_end_gives_everything_once() {
    let client = Client::start(SegmentOptions { users: 57, ..SegmentOptions::default() }).await;
    let state = client.inspect("GET", "state", "").await;

    for (path, key) in [
        ("/users", "users"),
        ("/groups", "userGroups"),
        ("/roles", "roles"),
        ("/sources", "sources"),
        ("/invites", "invites"),
    ] {
        let paged = all(&client, path, key, 4).await;
        let at_once = all(&client, path, key, 1000).await;

        assert_eq!(paged, at_once, "{path}");
        let name = if key == "userGroups" { "groups" } else { key };
        assert_eq!(json!(paged.len()), state[name], "{path}");
    }
}

// rule: segment-api A3
#[tokio::test]
async fn a_member_token_sees_the_workspace_and_nothing_below() {
    let client = Client::default().await;
    let member = format!("Authorization: Bearer {}\r\n", client.segment.description().tokens.member_token);

    let workspace = client.send(("GET", "/"), &member, "").await;
    let users = client.send(("GET", "/users"), &member, "").await;

    assert_eq!(workspace.json()["data"]["workspace"]["slug"], "acme-analytics");
    assert_eq!(users.status(), 401);
    assert!(users.json()["errors"][0]["type"].is_string());
}

// rule: segment-api A63
#[tokio::test]
async fn functions_need_a_resource_type_and_five_of_them_give_all() {
    let client = Client::default().await;
    let state = client.inspect("GET", "state", "").await;

    let without = client.public("GET", "/functions?pagination.count=200", "").await;
    let mut found = 0;
    for kind in ["SOURCE", "DESTINATION", "INSERT_DESTINATION", "INSERT_SOURCE", "INSERT_TRANSFORMATION"] {
        found += all(&client, &format!("/functions?resourceType={kind}"), "functions", 200).await.len();
    }

    assert_eq!(
        (without.status(), without.json()["errors"][0]["field"].clone()),
        (422, json!("resourceType"))
    );
    assert_eq!(json!(found), state["functions"]);
}

// rule: segment-api A41
#[tokio::test]
async fn members_are_taken_out_under_the_singular_path_only() {
    let client = Client::default().await;
    let group = client.data("/groups?pagination.count=1").await["userGroups"][0].clone();
    let id = group["id"].as_str().unwrap();
    let members = all(&client, &format!("/groups/{id}/users"), "users", 200).await;
    let email = members[0]["email"].as_str().unwrap();

    let plural = client.public("DELETE", &format!("/groups/{id}/users?emails={}", encode(email)), "").await;
    let singular =
        client.public("DELETE", &format!("/group/{id}/users?emails.0={}", encode(email)), "").await;
    let after = all(&client, &format!("/groups/{id}/users"), "users", 200).await;

    assert_eq!(plural.status(), 404);
    assert_eq!(singular.json()["data"]["status"], "SUCCESS");
    assert_eq!(after, members[1..]);
    assert!(members[0].get("permissions").is_none());
}

// rule: segment-api A30
#[tokio::test]
async fn put_replaces_permissions_post_adds_and_both_are_audited() {
    let client = Client::default().await;
    let workspace = client.data("/").await["workspace"]["id"].clone();
    let roles = client.data("/roles?pagination.count=200").await["roles"].clone();
    let users = client.data("/users?pagination.count=200").await["users"].clone();
    let id = users[1]["id"].as_str().unwrap();
    let source = client.data("/sources?pagination.count=1").await["sources"][0]["id"].clone();
    let permission = |role: &Value, resource: Value| {
        json!({"permissions": [{"roleId": role["id"], "resources": [resource]}]}).to_string()
    };
    let first = permission(&roles[2], json!({"id": source, "type": "SOURCE"}));
    let labelled = permission(
        &roles[3],
        json!({"id": workspace, "type": "WORKSPACE", "labels": [{"key": "environment", "value": "prod"}]}),
    );
    let path = format!("/users/{id}/permissions");

    let put = client.public("PUT", &path, &first).await.json()["data"]["permissions"].clone();
    client.public("POST", &path, &labelled).await;
    client.public("POST", &path, &labelled).await;
    let user = client.data(&format!("/users/{id}")).await["user"].clone();
    let events = client.data(&format!("/audit-events?resourceId={id}&pagination.count=200")).await;

    assert_eq!((put.as_array().unwrap().len(), &put[0]["subjectType"]), (1, &json!("user")));
    assert_eq!(user["permissions"].as_array().unwrap().len(), 2, "given twice, held once");
    assert_eq!(user["permissions"][1]["resources"][0]["labels"][0]["value"], "prod");
    assert_eq!(events["events"].as_array().unwrap().len(), 3);
    assert_eq!(events["events"][0]["type"], "User Policy Updated");
}

// rule: segment-api A10
#[tokio::test]
async fn bad_input_is_422_and_unknown_ids_are_404() {
    let client = Client::default().await;
    let user = client.data("/users?pagination.count=1").await["users"][0]["id"].as_str().unwrap().to_owned();
    let group =
        client.data("/groups?pagination.count=1").await["userGroups"][0]["id"].as_str().unwrap().to_owned();
    let bad_role = json!({"permissions": [{"roleId": "nobody", "resources": []}]}).to_string();

    for (method, target, body, status) in [
        ("GET", "/users?pagination.count=1001".to_owned(), "", 422),
        ("GET", "/users/nobody".to_owned(), "", 404),
        ("GET", "/nothing".to_owned(), "", 404),
        ("PUT", format!("/users/{user}/permissions"), bad_role.as_str(), 422),
        ("PUT", format!("/groups/{group}/permissions"), "{\"permissions\": []}", 422),
        ("POST", "/groups".to_owned(), "no json", 422),
        ("DELETE", "/users".to_owned(), "", 422),
        ("DELETE", "/labels/environment/prod".to_owned(), "", 409),
    ] {
        let reply = client.public(method, &target, body).await;

        assert_eq!(reply.status(), status, "{method} {target}");
        assert!(reply.json()["errors"][0]["type"].is_string(), "{method} {target}");
    }
}

// rule: segment-api A26
#[tokio::test]
async fn hidden_permissions_are_absent_from_lists_and_present_alone() {
    let options = SegmentOptions { hide_permissions_every: 2, ..SegmentOptions::default() };
    let client = Client::start(options).await;

    let users = client.data("/users?pagination.count=2").await["users"].clone();
    let alone = client.data(&format!("/users/{}", users[0]["id"].as_str().unwrap())).await;

    assert!(users[0].get("permissions").is_none());
    assert!(users[1]["permissions"].is_array());
    assert!(alone["user"]["permissions"].is_array());
}

// rule: segment-api A4
// rule: segment-api A64
#[tokio::test]
async fn spaces_exist_in_the_alpha_version_only_and_may_be_null() {
    let client = Client::default().await;
    let token = &client.segment.description().tokens.access_token;
    let stable = format!("Authorization: Bearer {token}\r\nAccept: application/vnd.segment.v1+json\r\n");

    let refused = client.send(("GET", "/spaces?pagination.count=10"), &stable, "").await;
    let spaces = client.data("/spaces?pagination.count=10").await;
    let nobody = client.data("/spaces/nobody").await;

    assert_eq!(refused.status(), 404);
    assert_eq!(spaces["spaces"][0]["id"], client.segment.description().space.as_str());
    assert_eq!(nobody["space"], Value::Null);
}

#[tokio::test]
async fn invites_and_removals_change_groups_too() {
    let client = Client::default().await;
    let group =
        client.data("/groups?pagination.count=1").await["userGroups"][0]["id"].as_str().unwrap().to_owned();
    let users = client.data("/users?pagination.count=200").await["users"].clone();
    // The sixth after the first user is in the first group, too, and is not the last owner.
    let removed = users[6]["email"].as_str().unwrap();

    let invited = client.public("POST", "/invites", r#"{"invites":[{"email":"new+one@example.com"}]}"#).await;
    let body = json!({"emails": ["new+one@example.com"]}).to_string();
    client.public("POST", &format!("/groups/{group}/users"), &body).await;
    let pending = client.data(&format!("/groups/{group}/invites?pagination.count=200")).await;
    client.public("DELETE", "/invites?emails=new%2Bone%40example.com", "").await;
    let withdrawn = client.data(&format!("/groups/{group}/invites?pagination.count=200")).await;
    client.public("DELETE", &format!("/users?userIds={}", users[6]["id"].as_str().unwrap()), "").await;
    let left = all(&client, &format!("/groups/{group}/users"), "users", 200).await;

    assert_eq!(invited.status(), 201);
    assert!(pending["emails"].as_array().unwrap().contains(&json!("new+one@example.com")));
    assert!(!withdrawn["emails"].as_array().unwrap().contains(&json!("new+one@example.com")));
    assert!(left.iter().all(|user| user["email"] != removed));
}
