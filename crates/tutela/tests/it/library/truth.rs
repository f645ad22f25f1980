//! What an application holds about a person, asked for in other ways than the connectors use:
//! whole lists of everybody, from which the person's entries are picked here.

#![expect(clippy::indexing_slicing, reason = "helpers of tests may panic")]
#![expect(clippy::disallowed_types, reason = "the truth is asked for past the door")]

use sandbox::vendors::Vendor;
use serde_json::{Map, Value, json};

use super::live::{Application, KEY, Live, Person};

/// Collection → rows, as in a package.
pub(super) async fn of(live: &Live, person: Person) -> Value {
    let source = Source { live, client: reqwest::Client::new() };
    let collections = match &live.application {
        Application::Segment(_) => segment(&source, person).await,
        Application::Vendor(Vendor::Stripe, _) => stripe(&source, person).await,
        Application::Vendor(Vendor::HubSpot, _) => hubspot(&source, person).await,
        Application::Vendor(Vendor::Sentry, _) => sentry(&source, person).await,
        Application::Vendor(Vendor::Mailchimp, _) => mailchimp(&source, person).await,
    };
    collections.into_iter().map(|(name, rows)| (format!("{KEY}:{name}"), json!(rows))).collect()
}

/// A package in the form of [`of`]: a page of traits is no record of its own, so they are joined.
pub(super) fn comparable(connector: &str, package: &Value) -> Value {
    let mut package = package.clone();
    if connector == "segment_unify" {
        let traits = &mut package[format!("{KEY}:traits")];
        let pages = traits.as_array().unwrap();
        let joined: Map<String, Value> =
            pages.iter().flat_map(|page| page.as_object().unwrap().clone()).collect();
        let rows = if joined.is_empty() { json!([]) } else { json!([joined]) };
        *traits = rows;
    }
    package
}

type Collections = Vec<(&'static str, Vec<Value>)>;

struct Source<'a> {
    live: &'a Live,
    client: reqwest::Client,
}

impl Source<'_> {
    async fn send(&self, method: reqwest::Method, target: &str, body: Option<Value>) -> Option<Value> {
        let (url, token) = match &self.live.application {
            Application::Segment(segment) => {
                (segment.url(), segment.description().tokens.access_secret.clone())
            }
            Application::Vendor(_, vendor) => (vendor.url(), vendor.token().to_owned()),
        };
        let request = self.client.request(method, format!("{url}{target}"));
        let request = match &self.live.application {
            Application::Segment(_) => request.basic_auth(token, Some("")),
            Application::Vendor(..) => request.bearer_auth(token),
        };
        let request = match body {
            Some(body) => request.body(body.to_string()),
            None => request,
        };
        let answer = request.send().await.unwrap();
        if answer.status() == 404 {
            return None;
        }
        assert!(answer.status().is_success(), "{target}: {}", answer.status());
        Some(serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    async fn get(&self, target: &str) -> Value {
        self.send(reqwest::Method::GET, target, None).await.unwrap_or_default()
    }

    /// The list at `pointer`, which has to come whole.
    async fn list(&self, target: &str, pointer: &str) -> Vec<Value> {
        let answer = self.get(target).await;
        assert_ne!(answer["has_more"], true, "{target}");
        assert!(answer.get("paging").is_none(), "{target}");
        answer.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
    }
}

fn with(entries: Vec<Value>, pointer: &str, value: &str) -> Vec<Value> {
    entries.into_iter().filter(|entry| entry.pointer(pointer) == Some(&json!(value))).collect()
}

fn text<'a>(entry: &'a Value, pointer: &str) -> &'a str {
    entry.pointer(pointer).and_then(Value::as_str).unwrap()
}

async fn stripe(source: &Source<'_>, person: Person) -> Collections {
    let customers = with(source.list("/v1/customers?limit=100", "/data").await, "/email", person.email);
    let mut found = vec![("customer", customers.clone())];
    for (name, list) in [
        ("charge", "/v1/charges?limit=100"),
        ("invoice", "/v1/invoices?limit=100"),
        ("subscription", "/v1/subscriptions?status=all&limit=100"),
    ] {
        let everybody = source.list(list, "/data").await;
        let is_theirs = |entry: &Value| customers.iter().any(|customer| customer["id"] == entry["customer"]);
        found.push((name, everybody.into_iter().filter(is_theirs).collect()));
    }
    let mut methods = Vec::new();
    for customer in &customers {
        let target = format!("/v1/customers/{}/payment_methods?limit=100", text(customer, "/id"));
        methods.extend(source.list(&target, "/data").await);
    }
    found.push(("payment_method", methods));
    found
}

async fn hubspot(source: &Source<'_>, person: Person) -> Collections {
    let everybody = json!({"filterGroups": [], "limit": 100});
    let contacts =
        source.send(reqwest::Method::POST, "/crm/v3/objects/contacts/search", Some(everybody)).await;
    let contacts = contacts.unwrap()["results"].as_array().unwrap().clone();
    let is_theirs = |contact: &Value| {
        let properties = &contact["properties"];
        let additional = properties["hs_additional_emails"].as_str().unwrap_or_default();
        properties["email"] == person.email || additional.split(';').any(|email| email == person.email)
    };
    let email = url::form_urlencoded::byte_serialize(person.email.as_bytes()).collect::<String>();
    let preferences = source.get(&format!("/communication-preferences/v3/status/email/{email}")).await;
    vec![
        ("contacts", contacts.into_iter().filter(is_theirs).collect()),
        ("owners", with(source.list("/crm/v3/owners?limit=100", "/results").await, "/email", person.email)),
        (
            "users",
            with(source.list("/settings/v3/users?limit=100", "/results").await, "/email", person.email),
        ),
        ("subscription_preferences", [preferences].into_iter().filter(|found| !found.is_null()).collect()),
    ]
}

async fn sentry(source: &Source<'_>, person: Person) -> Collections {
    let organizations = source.list("/api/0/organizations/", "").await;
    let projects = source.list("/api/0/projects/", "").await;
    let mut members = Vec::new();
    for organization in &organizations {
        let target = format!("/api/0/organizations/{}/members/", text(organization, "/slug"));
        members.extend(with(source.list(&target, "").await, "/email", person.email));
    }
    let mut of_projects = [Vec::new(), Vec::new(), Vec::new()];
    for project in &projects {
        let base =
            format!("/api/0/projects/{}/{}", text(project, "/organization/slug"), text(project, "/slug"));
        for (found, (list, email)) in of_projects.iter_mut().zip([
            ("issues", "/assignedTo/email"),
            ("user-feedback", "/email"),
            ("users", "/email"),
        ]) {
            found.extend(with(source.list(&format!("{base}/{list}/"), "").await, email, person.email));
        }
    }
    let [issues, feedback, users] = of_projects;
    vec![
        ("organizations", organizations),
        ("members", members),
        ("projects", projects),
        ("issues", issues),
        ("user_feedback", feedback),
        ("event_users", users),
    ]
}

async fn mailchimp(source: &Source<'_>, person: Person) -> Collections {
    let (mut members, mut activity, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for list in source.list("/3.0/lists?count=1000", "/lists").await {
        let base = format!("/3.0/lists/{}/members", text(&list, "/id"));
        let everybody = source.list(&format!("{base}?count=1000"), "/members").await;
        for member in with(everybody, "/email_address", person.email) {
            let target = format!("{base}/{}/activity-feed?count=1000", text(&member, "/id"));
            activity.extend(source.list(&target, "/activity").await);
            members.push(member);
        }
    }
    let everybody = source.list("/3.0/conversations?count=1000", "/conversations").await;
    // Of all conversations, not only of those that the person began.
    for conversation in &everybody {
        let target = format!("/3.0/conversations/{}/messages", text(conversation, "/id"));
        let all = source.list(&target, "/conversation_messages").await;
        messages.extend(with(all, "/from_email", person.email));
    }
    vec![
        ("member", members),
        ("member_activity", activity),
        ("conversations", with(everybody, "/from_email", person.email)),
        ("messages", messages),
    ]
}

async fn segment(source: &Source<'_>, person: Person) -> Collections {
    let Application::Segment(segment) = &source.live.application else { unreachable!() };
    let space = format!("/v1/spaces/{}/collections/users/profiles", segment.description().space);
    let email = url::form_urlencoded::byte_serialize(person.email.as_bytes()).collect::<String>();
    let mut users = Vec::new();
    for identifier in ["email", "user_id"] {
        let user = source.get(&format!("{space}/{identifier}:{email}/metadata")).await;
        users.extend(Some(user).filter(|user| !user.is_null()));
    }
    let mut found: Collections = vec![("segment_user", users.clone())];
    for (name, list, pointer) in [
        ("traits", "traits?limit=200", "/traits"),
        ("track_events", "events?limit=200", "/data"),
        ("external_ids", "external_ids?limit=200", "/data"),
        ("user_ids", "external_ids?limit=200", "/data"),
        ("links", "links?limit=20", "/data"),
    ] {
        let mut rows = Vec::new();
        if !users.is_empty() {
            let mut next = String::new();
            loop {
                let page = source.get(&format!("{space}/email:{email}/{list}{next}")).await;
                match page.pointer(pointer).unwrap() {
                    Value::Array(entries) => rows.extend(entries.clone()),
                    Value::Null => {}
                    whole => rows.push(whole.clone()),
                }
                if page["cursor"]["has_more"] != true {
                    break;
                }
                let cursor = text(&page, "/cursor/next");
                next = format!(
                    "&next={}",
                    url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect::<String>()
                );
            }
        }
        let rows = if name == "user_ids" { with(rows, "/type", "user_id") } else { rows };
        found.push((name, rows));
    }
    found
}
