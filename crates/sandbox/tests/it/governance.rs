use std::collections::BTreeSet;

use sandbox::governance::Origin;
use sandbox::segment::{PageBorders, PlanLimits, SegmentOptions, WorkspaceOptions};
use serde_json::{Value, json};

use crate::client::Client;

async fn truth(client: &Client) -> Value {
    client.inspect("GET", "governance", "").await
}

fn kind<'a>(truth: &'a Value, id: &str) -> &'a Value {
    truth["kinds"].as_array().unwrap().iter().find(|kind| kind["id"] == id).unwrap()
}

fn resource<'a>(truth: &'a Value, kind: &str, id: &Value) -> &'a Value {
    let all = truth["resources"].as_array().unwrap();
    all.iter().find(|resource| resource["type"] == kind && resource["id"] == *id).unwrap()
}

fn entitlement<'a>(truth: &'a Value, id: &str) -> &'a Value {
    let found = truth["entitlements"].as_array().unwrap().iter().find(|entitlement| entitlement["id"] == id);
    found.unwrap_or(&Value::Null)
}

async fn list(client: &Client, path: &str, key: &str) -> Vec<Value> {
    client.data(&format!("{path}?pagination.count=1000")).await[key].as_array().unwrap().clone()
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

/// What a client does wrong, as clients in the field do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    /// Reads the first page of users and no other.
    MissingPage,
    /// Looks for a group's permissions where there are none (baton SG-11).
    LostGroupPermissions,
    /// Takes everything for a function (baton SG-10).
    WrongKind,
    /// Takes a narrowed role for the whole one (segment-api D5).
    LostLabels,
}

/// Ids of the grants that the vendor says itself, read as a client reads them: from the lists alone.
async fn read_by_a_client(client: &Client, defect: Defect) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let workspace = text(&client.data("/").await["workspace"]["id"]);
    let mut found = BTreeSet::new();
    let mut principals = Vec::new();
    let mut users = list(client, "/users", "users").await;
    if defect == Defect::MissingPage {
        users.truncate(80);
    }
    for user in users {
        found.insert(format!("workspace:{workspace}:member:user:{}", text(&user["id"])));
        principals.push(("user", user));
    }
    for group in list(client, "/groups", "userGroups").await {
        let id = text(&group["id"]);
        for member in list(client, &format!("/groups/{id}/users"), "users").await {
            found.insert(format!("group:{id}:member:user:{}", text(&member["id"])));
        }
        if defect != Defect::LostGroupPermissions {
            principals.push(("group", group));
        }
    }
    for (kind, principal) in principals {
        for permission in principal["permissions"].as_array().unwrap() {
            for resource in permission["resources"].as_array().unwrap() {
                let entitlement = if resource["type"] == "WORKSPACE" {
                    let mut labels: Vec<String> = resource["labels"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|label| format!("{}={}", text(&label["key"]), text(&label["value"])))
                        .collect();
                    labels.sort();
                    let whole = labels.is_empty() || defect == Defect::LostLabels;
                    let narrowed = if whole { String::new() } else { format!("[{}]", labels.join(",")) };
                    format!("role:{}:member{narrowed}", text(&permission["roleId"]))
                } else {
                    let slug = text(&permission["roleName"])
                        .to_lowercase()
                        .replace(", ", " ")
                        .replace([' ', '-'], "_");
                    let kind = match defect {
                        Defect::WrongKind => "function".to_owned(),
                        _ => text(&resource["type"]).to_lowercase(),
                    };
                    format!("{kind}:{}:{slug}", text(&resource["id"]))
                };
                found.insert(format!("{entitlement}:{kind}:{}", text(&principal["id"])));
            }
        }
    }
    found
}

// rule: segment-api D4
// rule: baton SG-10
// rule: baton SG-11
#[tokio::test]
async fn the_direct_grants_are_those_that_the_lists_show() {
    let options = SegmentOptions { users: 90, ..SegmentOptions::default() };
    let client = Client::start(options).await;

    let read = read_by_a_client(&client, Defect::None).await;
    let truth = truth(&client).await;

    let grants = truth["grants"].as_array().unwrap();
    let direct: BTreeSet<String> = grants
        .iter()
        .filter(|grant| grant["origin"] == "direct")
        .map(|grant| grant["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(direct, read);
    for defect in [Defect::MissingPage, Defect::LostGroupPermissions, Defect::WrongKind, Defect::LostLabels] {
        assert!(direct != read_by_a_client(&client, defect).await, "{defect:?} is not seen");
    }
    let kinds: BTreeSet<&str> = direct.iter().map(|id| id.split(':').next().unwrap()).collect();
    assert_eq!(
        Vec::from_iter(kinds),
        ["function", "group", "role", "source", "space", "warehouse", "workspace"]
    );
    for grant in grants {
        assert!(!entitlement(&truth, grant["entitlement"].as_str().unwrap()).is_null(), "{grant}");
    }
}

// rule: baton 14.3
#[tokio::test]
async fn entitlements_are_named_as_the_rules_say() {
    let client = Client::default().await;
    let truth = truth(&client).await;
    let workspace = client.data("/").await["workspace"]["id"].as_str().unwrap().to_owned();
    let roles = list(&client, "/roles", "roles").await;
    let admin = roles.iter().find(|role| role["name"] == "Source Admin").unwrap();
    let source = list(&client, "/sources", "sources").await[0]["id"].as_str().unwrap().to_owned();

    let member = entitlement(&truth, &format!("workspace:{workspace}:member"));
    let on_source = entitlement(&truth, &format!("source:{source}:source_admin"));
    let on_role = entitlement(&truth, &format!("role:{}:member", admin["id"].as_str().unwrap()));

    assert_eq!(
        (&member["display_name"], &member["description"]),
        (&json!("Acme Analytics Workspace member"), &json!("Member of Acme Analytics Segment workspace"))
    );
    assert_eq!((&member["purpose"], &member["grantable_to"]), (&json!("assignment"), &json!(["user"])));
    assert_eq!(on_source["display_name"], "Website resource Source Admin");
    assert_eq!((&on_source["purpose"], &on_source["slug"]), (&json!("permission"), &json!("source_admin")));
    assert_eq!(on_role["display_name"], "Source Admin Role member");
    assert_eq!(on_role["grantable_to"], json!(["user", "group"]));
    // Two roles for each source and warehouse, three for a space (rule: segment-api A48).
    assert_eq!(kind(&truth, "source")["entitlements"], 12);
    assert_eq!(kind(&truth, "warehouse")["entitlements"], 6);
    assert_eq!(kind(&truth, "space")["entitlements"], 6);
}

// rule: segment-api D5
#[tokio::test]
async fn a_narrowed_role_is_one_entitlement_whatever_the_order_of_its_labels() {
    let client = Client::default().await;
    let groups = list(&client, "/groups", "userGroups").await;
    let narrowed = groups[4]["permissions"][0].clone();

    let truth = truth(&client).await;

    let id = format!("role:{}:member[brand=acme,environment=prod]", narrowed["roleId"].as_str().unwrap());
    assert_eq!(entitlement(&truth, &id)["slug"], "member[brand=acme,environment=prod]");
    assert_eq!(
        entitlement(&truth, &id)["display_name"],
        "Source Admin Role member (brand=acme,environment=prod)"
    );
    for group in [&groups[0], &groups[4]] {
        let group = group["id"].as_str().unwrap();
        assert_eq!(
            grant(&truth, &format!("{id}:group:{group}"))["expandable"],
            json!([format!("group:{group}:member")])
        );
    }
    let whole = id.replace("[brand=acme,environment=prod]", "");
    assert!(grant(&truth, &format!("{whole}:group:{}", groups[4]["id"].as_str().unwrap())).is_null());
}

// rule: baton E-6
// rule: segment-api A57
#[tokio::test]
async fn who_holds_it_directly_and_through_a_group_has_both_sources() {
    let client = Client::default().await;
    let source = list(&client, "/sources", "sources").await[0]["id"].as_str().unwrap().to_owned();
    let group = list(&client, "/groups", "userGroups").await[2]["id"].as_str().unwrap().to_owned();
    let user = list(&client, "/users", "users").await[20]["id"].as_str().unwrap().to_owned();

    let truth = truth(&client).await;

    let both = grant(&truth, &format!("source:{source}:source_read_only:user:{user}"));
    let mut sources = [
        json!({"entitlement": format!("group:{group}:member"), "direct": true}),
        json!({"entitlement": format!("source:{source}:source_read_only"), "direct": true}),
    ];
    sources.sort_by_key(|source| source["entitlement"].as_str().unwrap().to_owned());
    assert_eq!((&both["origin"], &both["sources"]), (&json!("direct"), &json!(sources)));
}

// rule: segment-api A60
// rule: segment-api A61
// rule: segment-api A63
// rule: segment-api D6
#[tokio::test]
async fn names_fall_back_to_what_there_is() {
    let client = Client::default().await;
    let truth = truth(&client).await;
    let users = list(&client, "/users", "users").await;
    let sources = list(&client, "/sources", "sources").await;
    let warehouses = list(&client, "/warehouses", "warehouses").await;
    let functions =
        client.data("/functions?resourceType=SOURCE&pagination.count=200").await["functions"].clone();

    let nameless = users.iter().find(|user| user["name"] == "").unwrap();
    let user = resource(&truth, "user", &nameless["id"]);
    assert_eq!((&user["display_name"], &user["login"]), (&nameless["email"], &nameless["email"]));
    assert_eq!(user["status"], "enabled");
    let source = sources.iter().find(|source| source.get("name").is_none()).unwrap();
    assert_eq!(resource(&truth, "source", &source["id"])["display_name"], source["slug"]);
    assert_eq!(resource(&truth, "warehouse", &warehouses[0]["id"])["display_name"], "analytics");
    assert_eq!(resource(&truth, "warehouse", &warehouses[2]["id"])["display_name"], "BigQuery");
    assert!(functions[1].get("displayName").is_none());
    assert_eq!(resource(&truth, "function", &functions[1]["id"])["display_name"], functions[1]["id"]);
    let invite = resource(&truth, "invite", &json!("invited-0@example.com"));
    assert_eq!((&invite["display_name"], invite.get("email")), (&json!("invited-0@example.com"), None));
    assert_eq!(invite["parent"]["type"], "workspace");
}

// rule: segment-api A67
#[tokio::test]
async fn an_unavailable_kind_is_named_and_has_nothing_nor_passes_anything_on() {
    let plan: PlanLimits = "groups, warehouses=404".parse().unwrap();
    let client = Client::start(SegmentOptions { plan, ..SegmentOptions::default() }).await;

    let truth = truth(&client).await;

    for id in ["group", "warehouse"] {
        assert_eq!(
            kind(&truth, id),
            &json!({"id": id, "availability": "unavailable", "resources": 0, "entitlements": 0, "grants": 0})
        );
    }
    let grants = truth["grants"].as_array().unwrap();
    assert!(grants.iter().all(|grant| grant["principal"]["type"] == "user" && grant["origin"] == "direct"));
    assert!(!grants.iter().any(|grant| grant["entitlement"].as_str().unwrap().starts_with("warehouse:")));
}

// rule: segment-api A7
// rule: segment-api A22
// rule: segment-api A26
#[tokio::test]
async fn what_only_hinders_reading_changes_nothing_and_unknown_kinds_have_no_place() {
    let plain = Client::default().await;
    let workspace = WorkspaceOptions { unknown_kinds_every: 5, ..WorkspaceOptions::default() };
    let client = Client::start(SegmentOptions {
        workspace,
        page_borders: PageBorders::Repeated,
        hide_permissions_every: 2,
        hide_group_permissions_every: 2,
        ..SegmentOptions::default()
    })
    .await;

    let (truth, expected) = (truth(&client).await, truth(&plain).await);
    let groups = list(&client, "/groups", "userGroups").await;
    let alone = client.data(&format!("/groups/{}", groups[0]["id"].as_str().unwrap())).await;

    assert_eq!((&truth["grants"], &truth["resources"]), (&expected["grants"], &expected["resources"]));
    assert_eq!(truth["unplaced"].as_array().unwrap().len(), 6);
    assert_eq!(truth["unplaced"][0]["type"], "JOURNEY");
    assert!(groups[0].get("permissions").is_none());
    assert!(alone["userGroup"]["permissions"].is_array());
}

#[tokio::test]
async fn a_workspace_as_large_as_the_one_to_measure_with_has_its_truth_too() {
    let workspace: WorkspaceOptions =
        "groups=2000,group_members=20,sources=1500,warehouses=500,spaces=500,functions=500,invites=1000"
            .parse()
            .unwrap();
    let client =
        Client::start(SegmentOptions { users: 100_000, workspace, ..SegmentOptions::default() }).await;

    let group = client.data("/groups?pagination.count=200").await["userGroups"][7]["id"].clone();
    let members = list(&client, &format!("/groups/{}/users", group.as_str().unwrap()), "users").await;
    let truth = client.segment.governance_truth();

    assert_eq!(members.len(), 20);
    let count = |id: &str| truth.kinds.iter().find(|kind| kind.id == id).map(|kind| kind.resources);
    assert_eq!((count("user"), count("source"), count("invite")), (Some(100_000), Some(1500), Some(1000)));
    assert!(truth.grants.iter().filter(|grant| grant.origin == Origin::Expanded).count() > 30_000);
}
