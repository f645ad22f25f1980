use serde_json::{Value, json};

use super::{Shop, link, ok, query_with, segments, text_of};
use crate::server::{Answer, Call};

const MADE: &str = "2025-11-03T09:15:00.000000Z";
const ORGANIZATIONS: [&str; 2] = ["acme", "acme-labs"];
const PROJECTS: [(&str, &str); 4] =
    [("acme", "backend"), ("acme", "frontend"), ("acme", "worker"), ("acme-labs", "prototype")];

pub(super) fn answer(shop: &Shop, call: &Call) -> Answer {
    if !shop.is_bearer(call) {
        return Answer::json(401, &json!({"detail": "Invalid token"}));
    }
    let segments = segments(call);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query = call.parameters();
    let asked = query.find("query").unwrap_or_default();
    let Some(rest) = segments.strip_prefix(&["api", "0"]) else { return not_found() };
    match (call.method.as_str(), rest) {
        ("GET", ["organizations"]) => {
            page(shop, call, &ORGANIZATIONS.iter().map(|slug| organization(shop, slug)).collect::<Vec<_>>())
        }
        ("GET", ["organizations", slug, "members"]) if ORGANIZATIONS.contains(slug) => {
            page(shop, call, &shop.kept(members(shop, slug)))
        }
        ("DELETE", ["organizations", slug, "members", id]) => {
            let exists = shop.kept(members(shop, slug)).iter().any(|member| text_of(member, "id") == *id);
            if exists && shop.remove(id) { Answer::status(204) } else { not_found() }
        }
        ("GET", ["projects"]) => {
            let projects = PROJECTS.iter().map(|(owner, slug)| project(shop, owner, slug));
            page(shop, call, &projects.collect::<Vec<_>>())
        }
        ("GET", ["projects", owner, slug, kind]) if PROJECTS.contains(&(owner, slug)) => match *kind {
            "issues" => {
                let assignee = asked.strip_prefix("assigned:");
                let is = |issue: &Value| {
                    assignee.is_none_or(|email| issue.pointer("/assignedTo/email") == Some(&json!(email)))
                };
                page(shop, call, &shop.kept(issues(shop, slug)).into_iter().filter(is).collect::<Vec<_>>())
            }
            "user-feedback" => page(shop, call, &feedback(shop, slug)),
            "users" => {
                let email = asked.strip_prefix("email:");
                let is = |user: &Value| email.is_none_or(|email| text_of(user, "email") == email);
                page(shop, call, &event_users(shop, slug).into_iter().filter(is).collect::<Vec<_>>())
            }
            _ => not_found(),
        },
        ("PUT", ["issues", id]) => {
            // Taking the person off is the only change that is known here.
            shop.remove(id);
            ok(&json!({"id": id, "assignedTo": null}))
        }
        _ => not_found(),
    }
}

fn not_found() -> Answer {
    Answer::json(404, &json!({"detail": "The requested resource does not exist"}))
}

/// One page. The `Link` header names both neighbours always; `results` tells whether they have any.
fn page(shop: &Shop, call: &Call, entries: &[Value]) -> Answer {
    let query = call.parameters();
    let start = match query.find("cursor") {
        None => 0,
        Some(cursor) => match cursor.split(':').nth(1).and_then(|offset| offset.parse::<usize>().ok()) {
            Some(offset) => offset,
            None => return Answer::json(400, &json!({"detail": "Invalid cursor parameter."})),
        },
    };
    let size = shop.page_size(query.find("per_page"), 100);
    let end = (start + size).min(entries.len());
    let neighbour = |rel: &str, offset: usize, is_previous: u8, has: bool| {
        let cursor = format!("0:{offset}:{is_previous}");
        let url = link(call, &query_with(call, "cursor", &cursor));
        format!("<{url}>; rel=\"{rel}\"; results=\"{has}\"; cursor=\"{cursor}\"")
    };
    let previous = neighbour("previous", start.saturating_sub(size), 1, start > 0);
    let next = neighbour("next", end, 0, end < entries.len());
    ok(&json!(entries.get(start..end).unwrap_or_default())).header("link", format!("{previous}, {next}"))
}

fn organization(shop: &Shop, slug: &str) -> Value {
    json!({
        "id": shop.number(&format!("organization {slug}")).to_string(),
        "slug": slug,
        "name": slug.replace('-', " "),
        "dateCreated": MADE,
        "status": {"id": "active", "name": "active"},
        "isEarlyAdopter": false,
    })
}

fn project(shop: &Shop, owner: &str, slug: &str) -> Value {
    json!({
        "id": shop.number(&format!("project {slug}")).to_string(),
        "slug": slug,
        "name": slug,
        "platform": "rust",
        "dateCreated": MADE,
        "organization": organization(shop, owner),
    })
}

/// Colleagues; the first is Ana.
fn colleague(number: usize) -> (String, String) {
    match number {
        0 => ("ana@example.com".into(), "Ana O'Neil".into()),
        _ => (format!("staff-{number}@corp.example.com"), format!("Staff {number}")),
    }
}

fn members(shop: &Shop, organization: &str) -> Vec<Value> {
    let member = |number: usize| {
        let (email, name) = colleague(number);
        let user_id = shop.number(&format!("user {number}")).to_string();
        json!({
            "id": shop.number(&format!("member {organization} {number}")).to_string(),
            "email": email,
            "name": name,
            "user": {"id": user_id, "name": name, "email": email, "username": email, "lastLogin": MADE},
            "role": "member",
            "orgRole": "member",
            "pending": false,
            "expired": false,
            "flags": {"sso:linked": false},
            "dateCreated": MADE,
            "inviteStatus": "approved",
        })
    };
    (0..5).map(member).collect()
}

fn issues(shop: &Shop, project: &str) -> Vec<Value> {
    let issue = |number: usize| {
        let (email, name) = colleague(number % 2);
        let id = shop.number(&format!("issue {project} {number}"));
        json!({
            "id": id.to_string(),
            "shortId": format!("{}-{number}", project.to_uppercase()),
            "title": format!("Error {number}: value <missing> & \"unexpected\""),
            "culprit": "checkout::pay",
            "level": "error",
            "status": "unresolved",
            "count": "12",
            "userCount": 3,
            "firstSeen": MADE,
            "lastSeen": MADE,
            "project": {"id": shop.number(&format!("project {project}")).to_string(), "slug": project, "name": project},
            "assignedTo": {"type": "user", "id": shop.number(&format!("user {}", number % 2)).to_string(), "name": name, "email": email},
        })
    };
    (0..9).map(issue).collect()
}

fn feedback(shop: &Shop, project: &str) -> Vec<Value> {
    let entry = |number: usize| {
        let (email, name) = colleague(number % 3);
        json!({
            "id": shop.number(&format!("feedback {project} {number}")).to_string(),
            "eventID": shop.id("", &format!("event {project} {number}"), 32).to_lowercase(),
            "name": name,
            "email": email,
            "comments": "It broke when I typed a + sign",
            "dateCreated": MADE,
            "user": {"id": null, "email": email, "ipAddress": "203.0.113.7"},
        })
    };
    (0..7).map(entry).collect()
}

fn event_users(shop: &Shop, project: &str) -> Vec<Value> {
    let user = |number: usize| {
        let (email, name) = colleague(number);
        json!({
            "id": shop.number(&format!("event user {project} {number}")).to_string(),
            "identifier": shop.number(&format!("user {number}")).to_string(),
            "username": email.split('@').next(),
            "email": email,
            "name": name,
            "ipAddress": format!("203.0.113.{number}"),
            "hash": shop.id("", &format!("hash {project} {number}"), 32).to_lowercase(),
            "tagValue": format!("email:{email}"),
            "dateCreated": MADE,
        })
    };
    (0..4).map(user).collect()
}
