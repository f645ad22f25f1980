use serde_json::{Value, json};

use super::{LOOKS_ONLY, PagerDuty, Team, TeamRole, User};
use crate::directories::segments;
use crate::server::{Answer, Call};

/// Entries of a page if the client does not say, at most, and how far a list can be read at all.
const DEFAULT_ENTRIES: usize = 25;
const MOST_ENTRIES: usize = 100;
const LAST_ENTRY: usize = 10_000;

/// An error as PagerDuty tells it.
pub(in crate::directories) fn error(status: u16, code: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"error": {"message": message, "code": code}}))
}

fn not_found() -> Answer {
    error(404, 2100, "Not Found")
}

pub(in crate::directories) fn answer(pagerduty: &mut PagerDuty, call: &Call) -> Answer {
    let segments = segments(call);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["users"]) => {
            let users = pagerduty.users.iter().map(|user| shown(pagerduty, user));
            page(pagerduty, call, "users", &users.collect::<Vec<_>>())
        }
        ("GET", ["users", id]) => match pagerduty.user(id) {
            Some(user) => Answer::json(200, &json!({"user": shown(pagerduty, user)})),
            None => not_found(),
        },
        ("DELETE", ["users", id]) => remove_user(pagerduty, id),
        ("GET", ["teams"]) => {
            let teams = pagerduty.teams.iter().map(|team| shown_team(pagerduty, team));
            page(pagerduty, call, "teams", &teams.collect::<Vec<_>>())
        }
        ("GET", ["teams", id]) => match pagerduty.team(id) {
            Some(team) => Answer::json(200, &json!({"team": shown_team(pagerduty, team)})),
            None => not_found(),
        },
        ("GET", ["teams", id, "members"]) => {
            let Some(team) = pagerduty.team(id) else { return not_found() };
            let member = |(id, role): &(String, TeamRole)| {
                let user = pagerduty.user(id)?;
                Some(
                    json!({"user": reference("user_reference", "users", &user.id, &user.name), "role": role.word()}),
                )
            };
            page(pagerduty, call, "members", &team.members.iter().filter_map(member).collect::<Vec<_>>())
        }
        ("PUT", ["teams", id, "users", user]) => add_member(pagerduty, call, id, user),
        ("DELETE", ["teams", id, "users", user]) => {
            let Some(team) = pagerduty.teams.iter_mut().find(|team| team.id == *id) else {
                return not_found();
            };
            let before = team.members.len();
            team.members.retain(|(member, _)| member != user);
            if team.members.len() == before { not_found() } else { Answer::status(204) }
        }
        _ => not_found(),
    }
}

/// One page under its key, with `limit`, `offset`, `more`, and `total` only if it is asked for.
fn page(pagerduty: &PagerDuty, call: &Call, key: &str, entries: &[Value]) -> Answer {
    let query = call.parameters();
    let number = |name: &str, default: usize| match query.find(name) {
        None => Some(default),
        Some(text) => text.parse::<usize>().ok(),
    };
    let (Some(limit), Some(offset)) = (number("limit", DEFAULT_ENTRIES), number("offset", 0)) else {
        return error(400, 2001, "Invalid Input Provided");
    };
    if limit == 0 || offset + limit > LAST_ENTRY {
        return error(400, 2001, "Invalid Input Provided");
    }
    let limit = limit.min(MOST_ENTRIES).min(pagerduty.page_entries);
    let start = offset.min(entries.len());
    let end = (start + limit).min(entries.len());
    let total = if query.find("total") == Some("true") { json!(entries.len()) } else { Value::Null };
    let mut answer = json!({"limit": limit, "offset": offset, "more": end < entries.len(), "total": total});
    if let Some(object) = answer.as_object_mut() {
        object.insert(key.to_owned(), json!(entries.get(start..end).unwrap_or_default()));
    }
    Answer::json(200, &answer)
}

/// Adds a member, or changes the one role that a member has.
fn add_member(pagerduty: &mut PagerDuty, call: &Call, team: &str, user: &str) -> Answer {
    let body = call.json().unwrap_or_default();
    let wanted = body.get("role").and_then(Value::as_str).unwrap_or("manager");
    let Some(role) = TeamRole::ALL.into_iter().find(|role| role.word() == wanted) else {
        return error(400, 2001, "Invalid Input Provided");
    };
    let Some(found) = pagerduty.user(user) else { return not_found() };
    if found.role == LOOKS_ONLY {
        return error(400, 2001, "Invalid Input Provided");
    }
    let Some(team) = pagerduty.teams.iter_mut().find(|found| found.id == team) else { return not_found() };
    match team.members.iter_mut().find(|(member, _)| member == user) {
        Some((_, held)) => *held = role,
        None => team.members.push((user.to_owned(), role)),
    }
    Answer::status(204)
}

fn remove_user(pagerduty: &mut PagerDuty, id: &str) -> Answer {
    match pagerduty.user(id) {
        None => return not_found(),
        // The owner cannot be removed; another has to become it first.
        Some(user) if user.role == "owner" => return error(400, 2001, "Invalid Input Provided"),
        Some(_) => {}
    }
    pagerduty.users.retain(|user| user.id != id);
    for team in &mut pagerduty.teams {
        team.members.retain(|(member, _)| member != id);
    }
    Answer::status(204)
}

fn reference(kind: &str, path: &str, id: &str, summary: &str) -> Value {
    json!({
        "id": id,
        "type": kind,
        "summary": summary,
        "self": format!("https://api.pagerduty.com/{path}/{id}"),
        "html_url": format!("https://acme-corp.pagerduty.com/{path}/{id}"),
    })
}

fn shown(pagerduty: &PagerDuty, user: &User) -> Value {
    let mut shown = reference("user", "users", &user.id, &user.name);
    let teams = pagerduty.teams.iter().filter(|team| team.members.iter().any(|(id, _)| *id == user.id));
    let teams: Vec<Value> =
        teams.map(|team| reference("team_reference", "teams", &team.id, &team.name)).collect();
    if let Some(object) = shown.as_object_mut() {
        object.insert("name".into(), json!(user.name));
        object.insert("email".into(), json!(user.email));
        object.insert("role".into(), json!(user.role));
        object.insert("teams".into(), json!(teams));
        object.insert("time_zone".into(), json!("Europe/Lisbon"));
        object.insert("job_title".into(), Value::Null);
        object.insert("invitation_sent".into(), json!(false));
    }
    shown
}

fn shown_team(pagerduty: &PagerDuty, team: &Team) -> Value {
    let mut shown = reference("team", "teams", &team.id, &team.name);
    let parent = team.parent.as_deref().and_then(|parent| pagerduty.team(parent));
    let parent = parent.map(|parent| reference("team_reference", "teams", &parent.id, &parent.name));
    if let Some(object) = shown.as_object_mut() {
        object.insert("name".into(), json!(team.name));
        object.insert("description".into(), Value::Null);
        object.insert("default_role".into(), json!("manager"));
        object.insert("parent".into(), json!(parent));
    }
    shown
}
