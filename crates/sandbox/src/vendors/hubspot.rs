use serde_json::{Value, json};

use super::{Shop, link, ok, query_with, segments, text_of};
use crate::server::{Answer, Call};

const MADE: &str = "2025-11-03T09:15:00.000Z";

/// Address, first and last name of the contacts. Several records share Ana's address, through an
/// import that went wrong; one has it as an additional address only.
const CONTACTS: [(&str, &str, &str); 6] = [
    ("ana@example.com", "Ana", "O'Neil"),
    ("ana@example.com", "Ana", "O'Neil-Søren"),
    ("ana@example.com", "A.", "O'Neil"),
    ("ana.work@corp.example.com", "Ana", "O'Neil"),
    ("bo@example.com", "Bo", "Lindqvist"),
    ("cleo@example.com", "Cleo", "Ngũgĩ"),
];
/// The record with Ana's address as an additional one.
const WITH_ADDITIONAL: usize = 3;

pub(super) fn answer(shop: &Shop, call: &Call) -> Answer {
    if !shop.is_bearer(call) {
        return error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
    }
    let segments = segments(call);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", ["crm", "v3", "objects", "contacts", "search"]) => search(shop, call),
        ("DELETE", ["crm", "v3", "objects", "contacts", id]) => {
            // The real service answers 204 for a contact that is gone, too.
            shop.remove(id);
            Answer::status(204)
        }
        ("POST", ["crm", "v3", "objects", "contacts", "gdpr-delete"]) => match call.json() {
            Some(body) if !text_of(&body, "objectId").is_empty() => {
                shop.remove(&text_of(&body, "objectId"));
                Answer::status(204)
            }
            Some(_) | None => error(400, "VALIDATION_ERROR", "Invalid input JSON"),
        },
        ("GET", ["crm", "v3", "owners"]) => {
            let query = call.parameters();
            let is = |owner: &Value| query.find("email").is_none_or(|email| text_of(owner, "email") == email);
            page(shop, call, &shop.kept(owners(shop)).into_iter().filter(is).collect::<Vec<_>>())
        }
        ("GET", ["settings", "v3", "users"]) => page(shop, call, &shop.kept(users(shop))),
        ("DELETE", ["settings", "v3", "users", id]) => {
            let exists = shop.kept(users(shop)).iter().any(|user| text_of(user, "id") == *id);
            if exists && shop.remove(id) { Answer::status(204) } else { not_found() }
        }
        ("GET", ["communication-preferences", "v3", "status", "email", email]) => preferences(shop, email),
        ("POST", ["communication-preferences", "v4", "statuses", email, "unsubscribe-all"]) => {
            shop.remove(&format!("subscribed {email}"));
            ok(&json!({"status": "COMPLETE", "results": []}))
        }
        _ => not_found(),
    }
}

fn error(status: u16, category: &str, message: &str) -> Answer {
    let correlation = "00000000-0000-4000-8000-000000000000";
    Answer::json(
        status,
        &json!({"status": "error", "message": message, "correlationId": correlation, "category": category}),
    )
}

fn not_found() -> Answer {
    error(404, "OBJECT_NOT_FOUND", "resource not found")
}

/// One page; `paging` is there only if there is another.
fn page(shop: &Shop, call: &Call, entries: &[Value]) -> Answer {
    let query = call.parameters();
    let body = call.json().unwrap_or_default();
    let either = |name: &str| query.find(name).map(str::to_owned).or_else(|| Some(text_of(&body, name)));
    let start = either("after").and_then(|after| after.parse::<usize>().ok()).unwrap_or(0);
    let end = (start + shop.page_size(either("limit").as_deref(), 10)).min(entries.len());
    let mut answer = json!({"results": entries.get(start..end).unwrap_or_default()});
    if let Some(object) = answer.as_object_mut() {
        if call.method == "POST" {
            object.insert("total".into(), json!(entries.len()));
        }
        if end < entries.len() {
            let after = end.to_string();
            let url = link(call, &query_with(call, "after", &after));
            object.insert("paging".into(), json!({"next": {"after": after, "link": url}}));
        }
    }
    ok(&answer)
}

/// Filter groups are joined by "or", the filters of one by "and".
fn search(shop: &Shop, call: &Call) -> Answer {
    let Some(body) = call.json() else {
        return error(400, "VALIDATION_ERROR", "Invalid input JSON");
    };
    let groups = body.get("filterGroups").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut found = Vec::new();
    for contact in shop.kept(contacts(shop)) {
        let mut wanted = groups.is_empty();
        for group in &groups {
            let filters = group.get("filters").and_then(Value::as_array).cloned().unwrap_or_default();
            let mut all = !filters.is_empty();
            for filter in &filters {
                match matches(&contact, filter) {
                    Some(one) => all &= one,
                    None => return error(400, "VALIDATION_ERROR", "There was a problem with the request."),
                }
            }
            wanted |= all;
        }
        if wanted {
            found.push(contact);
        }
    }
    page(shop, call, &found)
}

/// Whether a contact passes a filter; `None` for an operator that is not known here.
fn matches(contact: &Value, filter: &Value) -> Option<bool> {
    let properties = contact.get("properties").cloned().unwrap_or_default();
    let held = text_of(&properties, &text_of(filter, "propertyName"));
    let value = text_of(filter, "value");
    match text_of(filter, "operator").as_str() {
        "EQ" => Some(held.eq_ignore_ascii_case(&value)),
        "CONTAINS_TOKEN" => Some(held.split(';').any(|token| token.eq_ignore_ascii_case(&value))),
        _ => None,
    }
}

fn contacts(shop: &Shop) -> Vec<Value> {
    let contact = |(number, (email, first, last)): (usize, &(&str, &str, &str))| {
        let id = shop.number(&format!("contact {number}")).to_string();
        let additional = if number == WITH_ADDITIONAL {
            json!("ana@example.com;ana.old@example.com")
        } else {
            json!(null)
        };
        json!({
            "id": id,
            "properties": {
                "address": "Rua do Exemplo 1",
                "city": "Lisbon",
                "company": "Example & Co.",
                "country": "Portugal",
                "createdate": MADE,
                "email": email,
                "firstname": first,
                "hs_additional_emails": additional,
                "hs_object_id": id,
                "jobtitle": "Engineer",
                "lastmodifieddate": MADE,
                "lastname": last,
                "phone": "+14440000000",
                "zip": "1100-148",
            },
            "createdAt": MADE,
            "updatedAt": MADE,
            "archived": false,
        })
    };
    CONTACTS.iter().enumerate().map(contact).collect()
}

fn staff(number: usize) -> (String, String, String) {
    if number == 0 {
        ("ana@example.com".into(), "Ana".into(), "O'Neil".into())
    } else {
        (format!("staff-{number}@corp.example.com"), "Staff".into(), format!("Number {number}"))
    }
}

fn owners(shop: &Shop) -> Vec<Value> {
    let owner = |number: usize| {
        let (email, first, last) = staff(number);
        json!({
            "id": shop.number(&format!("owner {number}")).to_string(),
            "email": email,
            "firstName": first,
            "lastName": last,
            "userId": shop.number(&format!("user {number}")),
            "createdAt": MADE,
            "updatedAt": MADE,
            "archived": false,
        })
    };
    (0..3).map(owner).collect()
}

fn users(shop: &Shop) -> Vec<Value> {
    let user = |number: usize| {
        let (email, first, last) = staff(number);
        json!({
            "id": shop.number(&format!("user {number}")).to_string(),
            "email": email,
            "firstName": first,
            "lastName": last,
            "roleIds": [shop.number("role").to_string()],
            "superAdmin": false,
        })
    };
    (0..8).map(user).collect()
}

fn preferences(shop: &Shop, email: &str) -> Answer {
    if !CONTACTS.iter().any(|(known, _, _)| known.eq_ignore_ascii_case(email)) {
        return not_found();
    }
    let subscribed = !shop.is_removed(&format!("subscribed {email}"));
    let status = |number: usize, name: &str| {
        json!({
            "id": shop.number(&format!("subscription {number}")).to_string(),
            "name": name,
            "description": format!("{name} by e-mail"),
            "status": if subscribed { "SUBSCRIBED" } else { "NOT_SUBSCRIBED" },
            "sourceOfStatus": "SUBSCRIPTION_STATUS",
            "preferenceGroupName": null,
            "legalBasis": null,
            "legalBasisExplanation": null,
        })
    };
    ok(
        &json!({"recipient": email, "subscriptionStatuses": [status(0, "Newsletter"), status(1, "Product news")]}),
    )
}
