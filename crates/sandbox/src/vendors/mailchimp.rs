use serde_json::{Value, json};

use super::{Shop, ok, segments, text_of};
use crate::server::{Answer, Call};

const MADE: &str = "2025-11-03T09:15:00+00:00";
const LISTS: [&str; 2] = ["Newsletter", "Product news"];
/// So many that clients which ask for a hundred need a second page.
const ACTIVITIES: usize = 105;
const CONVERSATIONS: usize = 105;
/// Addresses on the lists; Ana is on both, the others on the first.
const ADDRESSES: [&str; 4] =
    ["ana@example.com", "bo@example.com", "cleo@example.com", "ana.other@example.com"];

pub(super) fn answer(shop: &Shop, call: &Call) -> Answer {
    // Any user name goes; the password is the key.
    if call.basic_credentials().is_none_or(|(_, password)| password != shop.token) && !shop.is_bearer(call) {
        return error(
            401,
            "API Key Invalid",
            "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
        );
    }
    let segments = segments(call);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(rest) = segments.strip_prefix(&["3.0"]) else { return not_found() };
    match (call.method.as_str(), rest) {
        ("GET", ["ping"]) => ok(&json!({"health_status": "Everything's Chimpy!"})),
        ("GET", ["search-members"]) => search(shop, call),
        ("GET", ["lists"]) => {
            let lists = LISTS
                .iter()
                .map(|name| json!({"id": list_id(shop, name), "name": name, "date_created": MADE}));
            page(call, "lists", &lists.collect::<Vec<_>>())
        }
        ("GET", ["lists", list, "members"]) => page(call, "members", &members_of(shop, list)),
        ("GET", ["lists", list, "members", hash]) => match member(shop, list, hash) {
            Some(member) => ok(&member),
            None => not_found(),
        },
        ("PUT" | "PATCH", ["lists", list, "members", hash]) => match member(shop, list, hash) {
            Some(member) => ok(&member),
            None => not_found(),
        },
        ("GET", ["lists", list, "members", hash, "activity-feed"]) => match member(shop, list, hash) {
            Some(_) => page(call, "activity", &activity(shop)),
            None => not_found(),
        },
        ("POST", ["lists", list, "members", hash, "actions", "delete-permanent"]) => {
            let exists = member(shop, list, hash).is_some();
            if exists && shop.remove(&format!("{list} {hash}")) { Answer::status(204) } else { not_found() }
        }
        ("GET", ["conversations"]) => page(call, "conversations", &conversations(shop)),
        ("GET", ["conversations", id, "messages"]) => {
            if conversations(shop).iter().any(|found| text_of(found, "id") == *id) {
                page(call, "conversation_messages", &messages(shop, id))
            } else {
                not_found()
            }
        }
        _ => not_found(),
    }
}

fn error(status: u16, title: &str, detail: &str) -> Answer {
    let body = json!({
        "type": "https://mailchimp.com/developer/marketing/docs/errors/",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": "00000000-0000-4000-8000-000000000000",
    });
    Answer::json(status, &body).header("content-type", "application/problem+json; charset=utf-8")
}

fn not_found() -> Answer {
    error(404, "Resource Not Found", "The requested resource could not be found.")
}

/// One page by `offset` and `count`; beyond the end it is empty.
fn page(call: &Call, key: &str, entries: &[Value]) -> Answer {
    let query = call.parameters();
    let number =
        |name: &str, default: usize| query.find(name).map_or(Some(default), |text| text.parse().ok());
    let (Some(offset), Some(count)) =
        (number("offset", 0), number("count", 10).filter(|count| *count <= 1000))
    else {
        return error(400, "Invalid Resource", "The resource submitted could not be validated.");
    };
    let start = offset.min(entries.len());
    let end = (start + count).min(entries.len());
    let mut body = json!({"total_items": entries.len(), "_links": []});
    if let Some(object) = body.as_object_mut() {
        object.insert(key.to_owned(), json!(entries.get(start..end).unwrap_or_default()));
    }
    ok(&body)
}

fn list_id(shop: &Shop, name: &str) -> String {
    shop.id("", &format!("list {name}"), 10).to_lowercase()
}

/// Exact matches have the address itself, the full search also those that contain the text.
fn search(shop: &Shop, call: &Call) -> Answer {
    let query = call.parameters();
    let Some(text) = query.find("query").filter(|text| !text.is_empty()) else {
        return error(400, "Invalid Resource", "query is required.");
    };
    let text = text.to_lowercase();
    let everybody: Vec<Value> =
        LISTS.iter().flat_map(|name| members_of(shop, &list_id(shop, name))).collect();
    let part = |wanted: &dyn Fn(&str) -> bool| {
        let found: Vec<&Value> =
            everybody.iter().filter(|member| wanted(&text_of(member, "email_address"))).collect();
        json!({"members": found, "total_items": found.len()})
    };
    let local = text.split('@').next().unwrap_or_default();
    ok(&json!({
        "exact_matches": part(&|email| email == text),
        "full_search": part(&|email| email != text && email.contains(local)),
        "_links": [],
    }))
}

fn member(shop: &Shop, list: &str, hash: &str) -> Option<Value> {
    members_of(shop, list).into_iter().find(|member| text_of(member, "id") == hash)
}

fn members_of(shop: &Shop, list: &str) -> Vec<Value> {
    let Some(position) = LISTS.iter().position(|name| list_id(shop, name) == list) else { return Vec::new() };
    let addresses = if position == 0 { ADDRESSES.as_slice() } else { &["ana@example.com"] };
    let member = |email: &&str| {
        // In the real service this is the MD5 of the address; clients take it as it comes.
        let hash = shop.id("", &format!("member {email}"), 32).to_lowercase();
        let first = email.split(['.', '@']).next().unwrap_or_default();
        json!({
            "id": hash,
            "email_address": email,
            "unique_email_id": shop.id("", &format!("unique {email}"), 10).to_lowercase(),
            "contact_id": shop.id("", &format!("contact {email}"), 32).to_lowercase(),
            "full_name": format!("{first} O'Neil"),
            "web_id": shop.number(&format!("web {email}")),
            "email_type": "html",
            "status": "subscribed",
            "merge_fields": {"FNAME": first, "LNAME": "O'Neil", "ADDRESS": "", "PHONE": "+14440000000", "BIRTHDAY": "03/14"},
            "ip_signup": "203.0.113.9",
            "ip_opt": "203.0.113.9",
            "timestamp_opt": MADE,
            "language": "pt",
            "vip": false,
            "location": {"latitude": 38.7223, "longitude": -9.1393, "country_code": "PT", "timezone": "Europe/Lisbon"},
            "tags": [{"id": shop.number("tag"), "name": "founders"}],
            "last_changed": MADE,
            "list_id": list,
        })
    };
    let all = addresses.iter().map(member);
    all.filter(|found| !shop.is_removed(&format!("{list} {}", text_of(found, "id")))).collect()
}

fn activity(shop: &Shop) -> Vec<Value> {
    let entry = |number: usize| {
        json!({
            "activity_type": if number.is_multiple_of(2) { "open" } else { "click" },
            "created_at_timestamp": MADE,
            "campaign_id": shop.id("", &format!("campaign {number}"), 10).to_lowercase(),
            "campaign_title": format!("Issue {number}"),
            "link_clicked": if number.is_multiple_of(2) { json!(null) } else { json!("https://www.example.com/?utm=a%2Bb") },
        })
    };
    (0..ACTIVITIES).map(entry).collect()
}

fn conversations(shop: &Shop) -> Vec<Value> {
    let conversation = |number: usize| {
        let email = conversation_partner(number);
        json!({
            "id": shop.id("", &format!("conversation {number}"), 10).to_lowercase(),
            "message_count": 2,
            "campaign_id": shop.id("", "campaign 0", 10).to_lowercase(),
            "list_id": list_id(shop, "Newsletter"),
            "unread_messages": 0,
            "from_label": email.split('@').next(),
            "from_email": email,
            "subject": format!("Re: Issue {number}"),
        })
    };
    (0..CONVERSATIONS).map(conversation).collect()
}

/// Ana began the first and the last conversation, the others all between.
fn conversation_partner(number: usize) -> &'static str {
    let [ana, others @ ..] = ADDRESSES;
    if number == 0 || number == CONVERSATIONS - 1 {
        return ana;
    }
    others.get(number % others.len()).copied().unwrap_or(ana)
}

fn messages(shop: &Shop, conversation: &str) -> Vec<Value> {
    let is_this = |found: &Value| text_of(found, "id") == conversation;
    let partner =
        conversations(shop).iter().find(|found| is_this(found)).map(|found| text_of(found, "from_email"));
    let partner = partner.unwrap_or_default();
    let message = |number: usize| {
        let email = if number == 0 { partner.as_str() } else { "team@corp.example.com" };
        json!({
            "id": shop.id("", &format!("message {conversation} {number}"), 10).to_lowercase(),
            "conversation_id": conversation,
            "list_id": list_id(shop, "Newsletter"),
            "from_label": email.split('@').next(),
            "from_email": email,
            "subject": "Re: Issue",
            "message": "Thanks, \"Team\" & friends!\nAna",
            "read": true,
            "timestamp": MADE,
        })
    };
    (0..2).map(message).collect()
}
