use std::collections::BTreeSet;
use std::sync::Arc;

use sandbox::directories::{Directory, DirectoryOptions, DirectorySandbox};
use sandbox::{Fault, FaultRule};
use serde_json::{Value, json};
use testkit::TestClock;

use crate::client::{Reply, exchange};

struct Vendor(DirectorySandbox);

impl Vendor {
    async fn start(directory: Directory) -> Self {
        Self::with(directory, DirectoryOptions::default()).await
    }

    async fn with(directory: Directory, options: DirectoryOptions) -> Self {
        Self(DirectorySandbox::start(directory, options).await.unwrap())
    }

    async fn send(&self, method: &str, target: &str, body: &str) -> Reply {
        let scheme = if self.0.host() == "api.github.com" { "Bearer " } else { "Token token=" };
        let head = format!("Host: {}\r\nAuthorization: {scheme}{}\r\n", self.0.host(), self.0.token());
        exchange(&self.0.url(), &format!("{method} {target}"), &head, body).await
    }

    async fn get(&self, target: &str) -> Value {
        let reply = self.send("GET", target, "").await;
        assert_eq!(reply.status(), 200, "{target}: {}", reply.json());
        reply.json()
    }

    /// All entries of a list with links in its header.
    async fn linked(&self, target: &str) -> Vec<Value> {
        let mut entries = Vec::new();
        let mut next = Some(target.to_owned());
        while let Some(target) = next {
            let reply = self.send("GET", &target, "").await;
            assert_eq!(reply.status(), 200, "{target}: {}", reply.json());
            entries.extend(reply.json().as_array().unwrap().clone());
            let links = reply.header("link").unwrap_or_default().to_owned();
            let link = links.split(", ").find(|link| link.contains("rel=\"next\""));
            let url = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap());
            next = url.map(|url| url.strip_prefix("https://api.github.com").unwrap().to_owned());
        }
        entries
    }

    /// All entries of a list with an offset.
    async fn offset(&self, path: &str, key: &str) -> Vec<Value> {
        let mut entries: Vec<Value> = Vec::new();
        loop {
            let page = self.get(&format!("{path}?limit=100&offset={}", entries.len())).await;
            entries.extend(page[key].as_array().unwrap().clone());
            if page["more"] != true {
                return entries;
            }
        }
    }

    fn direct(&self) -> BTreeSet<String> {
        let truth = json!(self.0.governance_truth());
        let grants = truth["grants"].as_array().unwrap().iter();
        let direct = grants.filter(|grant| grant["origin"] == "direct");
        direct.map(|grant| grant["id"].as_str().unwrap().to_owned()).collect()
    }

    fn grant(&self, id: &str) -> Value {
        let truth = json!(self.0.governance_truth());
        truth["grants"]
            .as_array()
            .unwrap()
            .iter()
            .find(|grant| grant["id"] == id)
            .cloned()
            .unwrap_or_default()
    }

    fn writes(&self) -> u64 {
        self.0.log()["writes"].as_u64().unwrap()
    }
}

fn named<'a>(entries: &'a [Value], name: &str) -> &'a Value {
    entries.iter().find(|entry| entry["name"] == name).unwrap()
}

/// Grants as a client reads them from GitHub.
async fn read_github(github: &Vendor) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let organization = github.get("/orgs/acme-corp").await["id"].clone();
    for role in ["member", "admin"] {
        for person in github.linked(&format!("/orgs/acme-corp/members?role={role}&per_page=100")).await {
            found.insert(format!("organization:{organization}:{role}:user:{}", person["id"]));
        }
    }
    for team in github.linked("/orgs/acme-corp/teams").await {
        let id = &team["id"];
        for role in ["member", "maintainer"] {
            let members = format!("/organizations/{organization}/team/{id}/members?role={role}");
            for person in github.linked(&members).await {
                if person["inherited"] != true {
                    found.insert(format!("team:{id}:{role}:user:{}", person["id"]));
                }
            }
        }
        if !team["parent"].is_null() {
            found.insert(format!("team:{}:member:team:{id}", team["parent"]["id"]));
        }
    }
    for repository in github.linked("/orgs/acme-corp/repos").await {
        let (id, name) = (&repository["id"], repository["name"].as_str().unwrap());
        for person in
            github.linked(&format!("/repos/acme-corp/{name}/collaborators?affiliation=direct")).await
        {
            let permissions = person["permissions"].as_object().unwrap();
            let highest = ["admin", "maintain", "push", "triage", "pull"];
            let slug = highest.into_iter().find(|word| permissions[*word] == true).unwrap();
            found.insert(format!("repository:{id}:{slug}:user:{}", person["id"]));
        }
        for team in github.linked(&format!("/repos/acme-corp/{name}/teams")).await {
            let slug = team["permission"].as_str().unwrap();
            found.insert(format!("repository:{id}:{slug}:team:{}", team["id"]));
        }
    }
    found
}

#[tokio::test]
async fn what_githubs_lists_show_is_what_its_truth_says() {
    // As in older versions of the interface: nothing tells whose people a list names.
    let older = DirectoryOptions { tells_inherited: false, ..DirectoryOptions::default() };
    let older = Vendor::with(Directory::GitHub, older).await;
    assert_eq!(read_github(&older).await, older.direct());
    let github = Vendor::start(Directory::GitHub).await;

    let read = read_github(&github).await;
    let outside = github.linked("/orgs/acme-corp/outside_collaborators").await;

    assert_eq!(read, github.direct());
    assert_eq!(outside.len(), 2);
    let truth = github.0.governance_truth();
    let resources: Vec<u64> = truth.kinds.iter().map(|kind| kind.resources).collect();
    assert_eq!(resources, [1, 14, 6, 5, 2]);
    assert_eq!(github.writes(), 0);
}

#[tokio::test]
async fn a_team_passes_its_access_to_the_teams_and_people_below() {
    let github = Vendor::start(Directory::GitHub).await;
    let teams = github.linked("/orgs/acme-corp/teams").await;
    let (top, middle, low) =
        (named(&teams, "Engineering"), named(&teams, "Platform"), named(&teams, "R&D: Core"));
    let website = github.get("/repos/acme-corp/website").await["id"].clone();
    let owner = github.get("/users/Dev-6").await["id"].clone();

    let member = github.get("/orgs/acme-corp/teams/engineering/memberships/dev-6").await;

    assert_eq!(low["parent"]["id"], middle["id"]);
    assert_eq!((&member["state"], &member["role"]), (&json!("active"), &json!("maintainer")), "owners are");
    let through = json!([{"entitlement": format!("team:{}:member", top["id"]), "direct": false}]);
    let of_person = github.grant(&format!("repository:{website}:push:user:{owner}"));
    assert_eq!((&of_person["origin"], &of_person["sources"]), (&json!("expanded"), &through));
    // The lowest team follows the middle one into the top one, by expansion only.
    let of_team = github.grant(&format!("team:{}:member:team:{}", top["id"], low["id"]));
    assert_eq!(of_team["origin"], "expanded");
    let of_team = github.grant(&format!("repository:{website}:push:team:{}", low["id"]));
    assert_eq!(
        of_team["sources"],
        json!([{"entitlement": format!("team:{}:member", top["id"]), "direct": false}])
    );
}

#[tokio::test]
async fn github_pages_lead_to_numbered_paths_and_tell_the_limit() {
    let github = Vendor::start(Directory::GitHub).await;

    let first = github.send("GET", "/orgs/acme-corp/members?per_page=3", "").await;
    let last = github.send("GET", "/orgs/acme-corp/members?per_page=3&page=4", "").await;

    let links = first.header("link").unwrap();
    assert!(
        links.contains(
            "https://api.github.com/organizations/4242424/members?per_page=3&page=2>; rel=\"next\""
        )
    );
    assert!(links.contains("page=4>; rel=\"last\""), "{links}");
    let links = last.header("link").unwrap();
    assert!(links.contains("rel=\"prev\"") && !links.contains("rel=\"next\""), "{links}");
    assert_eq!(
        (first.header("x-ratelimit-remaining"), last.header("x-ratelimit-remaining")),
        (Some("4999"), Some("4998"))
    );
}

#[tokio::test]
async fn github_changes_one_membership_at_a_time() {
    let github = Vendor::start(Directory::GitHub).await;
    let teams = github.linked("/orgs/acme-corp/teams").await;
    let id = &named(&teams, "Security")["id"];
    let person = github.get("/users/dev-7").await["id"].clone();
    let by_slug = "/orgs/acme-corp/teams/security/memberships/dev-7";
    let by_number = format!("/organizations/4242424/team/{id}/memberships/dev-7");
    let before = github.direct();

    let added = github.send("PUT", by_slug, r#"{"role": "maintainer"}"#).await;
    let after: BTreeSet<String> = github.direct();
    let removed = github.send("DELETE", &by_number, "").await;
    let again = github.send("DELETE", &by_number, "").await;
    let outside = github.send("PUT", "/orgs/acme-corp/teams/security/memberships/dev-12", "{}").await;

    assert_eq!((added.status(), &added.json()["role"]), (200, &json!("maintainer")));
    let new: Vec<String> = after.difference(&before).cloned().collect();
    assert_eq!(new, [format!("team:{id}:maintainer:user:{person}")]);
    assert_eq!((removed.status(), again.status()), (204, 404));
    assert_eq!(github.direct(), before);
    assert_eq!((outside.status(), &outside.json()["state"]), (200, &json!("pending")));
    assert_eq!(github.writes(), 3);
}

#[tokio::test]
async fn github_keeps_an_owner_and_forgets_outsiders_without_access() {
    let github = Vendor::start(Directory::GitHub).await;

    let removed = github.send("DELETE", "/orgs/acme-corp/members/dev-6", "").await;
    let last = github.send("DELETE", "/orgs/acme-corp/members/ana-oneil", "").await;
    let taken = github.send("DELETE", "/repos/acme-corp/website/collaborators/dev-12", "").await;
    let given = github.send(
        "PUT",
        "/orgs/acme-corp/teams/platform/repos/acme-corp/docs",
        r#"{"permission": "triage"}"#,
    );
    let given = given.await;
    let wrong =
        github.send("PUT", "/repos/acme-corp/docs/collaborators/dev-1", r#"{"permission": "all"}"#).await;

    assert_eq!((removed.status(), last.status(), taken.status()), (204, 403, 204));
    assert_eq!((given.status(), wrong.status()), (204, 422));
    assert_eq!(github.linked("/orgs/acme-corp/outside_collaborators").await.len(), 1);
    assert_eq!(github.linked("/orgs/acme-corp/members?role=admin").await.len(), 1);
    assert_eq!(read_github(&github).await, github.direct());
}

#[tokio::test]
async fn what_pagerdutys_lists_show_is_what_its_truth_says() {
    let pagerduty = Vendor::start(Directory::PagerDuty).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut read = BTreeSet::new();

    for user in pagerduty.offset("/users", "users").await {
        read.insert(format!("role:{}:member:user:{}", text(&user["role"]), text(&user["id"])));
    }
    let teams = pagerduty.offset("/teams", "teams").await;
    for team in &teams {
        let id = text(&team["id"]);
        for member in pagerduty.offset(&format!("/teams/{id}/members"), "members").await {
            read.insert(format!("team:{id}:{}:user:{}", text(&member["role"]), text(&member["user"]["id"])));
        }
    }

    assert_eq!(read, pagerduty.direct());
    assert_eq!(named(&teams, "Database: on call")["parent"]["id"], named(&teams, "Operations")["id"]);
    let truth = pagerduty.0.governance_truth();
    let counts: Vec<(u64, u64)> =
        truth.kinds.iter().map(|kind| (kind.resources, kind.entitlements)).collect();
    assert_eq!(counts, [(14, 0), (5, 15), (8, 8)]);
}

#[tokio::test]
async fn pagerduty_gives_one_role_a_team_and_refuses_those_who_look_only() {
    let pagerduty = Vendor::start(Directory::PagerDuty).await;
    let users = pagerduty.offset("/users", "users").await;
    let teams = pagerduty.offset("/teams", "teams").await;
    let team = named(&teams, "Nobody's team")["id"].as_str().unwrap();
    let path = |number: usize| format!("/teams/{team}/users/{}", users[number]["id"].as_str().unwrap());

    let added = pagerduty.send("PUT", &path(1), r#"{"role": "observer"}"#).await;
    let changed = pagerduty.send("PUT", &path(1), r#"{"role": "responder"}"#).await;
    let looks_only = pagerduty.send("PUT", &path(6), r#"{"role": "observer"}"#).await;
    let members = pagerduty.offset(&format!("/teams/{team}/members"), "members").await;
    let removed = pagerduty.send("DELETE", &path(1), "").await;
    let again = pagerduty.send("DELETE", &path(1), "").await;

    assert_eq!((added.status(), changed.status(), looks_only.status()), (204, 204, 400));
    assert_eq!((members.len(), &members[0]["role"]), (1, &json!("responder")));
    assert_eq!((removed.status(), again.status()), (204, 404));
    assert_eq!(again.json()["error"]["code"], 2100);
    assert_eq!(pagerduty.writes(), 3);
}

#[tokio::test]
async fn pagerduty_pages_by_offset_to_ten_thousand_and_counts_on_request() {
    let pagerduty = Vendor::start(Directory::PagerDuty).await;

    let counted = pagerduty.get("/users?limit=2&offset=12&total=true").await;
    let plain = pagerduty.get("/users?limit=100").await;
    let beyond = pagerduty.send("GET", "/users?limit=100&offset=9950", "").await;

    assert_eq!((&counted["total"], &counted["more"]), (&json!(14), &json!(false)));
    assert_eq!((&plain["total"], &plain["more"], &plain["limit"]), (&Value::Null, &json!(true), &json!(5)));
    assert_eq!(beyond.status(), 400);
}

#[tokio::test]
async fn limits_are_told_and_end_with_their_window() {
    for (directory, status, window) in [(Directory::GitHub, 403, 3600), (Directory::PagerDuty, 429, 60)] {
        let clock = TestClock::new();
        let options =
            DirectoryOptions { calls: 2, clock: Arc::new(clock.clone()), ..DirectoryOptions::default() };
        let vendor = Vendor::with(directory, options).await;

        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(vendor.send("GET", "/teams", "").await.status() == status);
        }
        clock.advance(std::time::Duration::from_secs(window));
        statuses.push(vendor.send("GET", "/teams", "").await.status() == status);

        assert_eq!(statuses, [false, false, true, false], "{directory:?}");
    }
}

#[tokio::test]
async fn both_refuse_other_tokens_and_do_what_rules_say() {
    for directory in [Directory::GitHub, Directory::PagerDuty] {
        let vendor = Vendor::start(directory).await;
        let wrong =
            exchange(&vendor.0.url(), "GET /users", "Host: a\r\nAuthorization: Bearer x\r\n", "").await;
        vendor.0.set_rules(vec![
            FaultRule::first("GET", "/*/*", Fault::Rate429Bare),
            FaultRule::first("DELETE", "/*/*", Fault::ResetAfter),
        ]);

        let limited = vendor.send("GET", "/users/dev-1", "").await;
        let truth = exchange(&vendor.0.url(), "GET /__sandbox/governance", "Host: a\r\n", "").await;
        vendor.0.reset();
        let after = vendor.0.log();

        assert_eq!((wrong.status(), limited.status()), (401, 429));
        assert_eq!(limited.header("retry-after"), None);
        assert_eq!(truth.json(), json!(vendor.0.governance_truth()));
        assert_eq!(after["calls"], json!([]));
    }
}

#[tokio::test]
async fn github_changes_roles_in_the_organisation_ends_outside_access_and_invites() {
    let github = Vendor::start(Directory::GitHub).await;
    let before = github.direct();

    let raised = github.send("PUT", "/orgs/acme-corp/memberships/dev-1", r#"{"role": "admin"}"#).await;
    let owners = github.linked("/orgs/acme-corp/members?role=admin").await.len();
    let lowered = github.send("PUT", "/orgs/acme-corp/memberships/dev-1", r#"{"role": "member"}"#).await;
    let as_before = github.direct();
    let outside = github.send("PUT", "/orgs/acme-corp/memberships/dev-12", r#"{"role": "member"}"#).await;
    let member = github.send("DELETE", "/orgs/acme-corp/outside_collaborators/dev-1", "").await;
    let ended = github.send("DELETE", "/orgs/acme-corp/outside_collaborators/dev-13", "").await;
    let invited = github.send("POST", "/orgs/acme-corp/invitations", r#"{"email": "zoe@example.com"}"#).await;
    let again = github.send("POST", "/orgs/acme-corp/invitations", r#"{"email": "zoe@example.com"}"#).await;
    let invitations = github.linked("/orgs/acme-corp/invitations").await;
    let withdrawn =
        github.send("DELETE", &format!("/orgs/acme-corp/invitations/{}", invitations[2]["id"]), "").await;

    assert_eq!((raised.status(), owners, lowered.status()), (200, 3, 200));
    assert_eq!(as_before, before);
    assert_eq!(outside.json()["state"], "pending");
    assert_eq!((member.status(), ended.status()), (422, 204));
    assert_eq!(github.linked("/orgs/acme-corp/outside_collaborators").await.len(), 1);
    assert_eq!((invited.status(), again.status(), withdrawn.status()), (201, 422, 204));
    assert_eq!(github.linked("/orgs/acme-corp/invitations").await.len(), 2);
}
