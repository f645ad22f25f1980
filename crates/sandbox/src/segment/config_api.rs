//! The Config API, `/v1beta` (segment-api C).

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::public::error_text;
use super::regulation::{NewRegulation, Regulation, RegulationKind, RegulationStatus, Scope, SubjectType};
use super::simulation::Simulation;
use super::world::{START, WORKSPACE_NAME, WORKSPACE_SLUG, World};
use crate::server::{Answer, Call};

/// An answer of the Config API that is an error (C8).
#[derive(Debug)]
pub(super) struct ConfigError {
    status: u16,
    code: u16,
    text: String,
}

impl ConfigError {
    fn invalid(text: &str) -> Self {
        Self { status: 400, code: 3, text: text.to_owned() }
    }

    fn unauthenticated() -> Self {
        Self { status: 401, code: 16, text: "the token is not valid".into() }
    }

    fn not_permitted() -> Self {
        Self { status: 403, code: 7, text: "the token may not write".into() }
    }

    fn not_found() -> Self {
        Self { status: 404, code: 5, text: "not found".into() }
    }

    pub(super) fn rate_limit() -> Self {
        Self { status: 429, code: 8, text: "too many requests".into() }
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::json(self.status, &json!({"error": self.text, "code": self.code}))
    }
}

/// Most ids of one call (C4).
const MAX_VALUES: usize = 5000;

/// Answers one call of the Config API.
pub(super) fn answer(simulation: &Simulation, call: &Call) -> Answer {
    let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let segments: Vec<String> =
        call.path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let ["v1beta", "workspaces", rest @ ..] = segments.as_slice() else {
        // A wrong URL is answered by a proxy that knows no JSON.
        return Answer::text(503, "upstream connect error or disconnect/reset before headers");
    };
    match respond(&mut simulation.world(), call, rest) {
        Ok(body) => Answer::json(200, &body),
        Err(error) => error.answer(),
    }
}

fn respond(world: &mut World, call: &Call, segments: &[&str]) -> Result<Value, ConfigError> {
    let token = call.bearer_token().ok_or_else(ConfigError::unauthenticated)?;
    let writer = token == world.tokens.config;
    if !writer && token != world.tokens.config_read {
        return Err(ConfigError::unauthenticated());
    }
    let reads = call.method == "GET";
    if !reads && !writer {
        return Err(ConfigError::not_permitted());
    }
    if let [slug, ..] = segments
        && *slug != WORKSPACE_SLUG
    {
        return Err(ConfigError::not_found());
    }
    match (call.method.as_str(), segments) {
        ("GET", []) => Ok(json!({"workspaces": [workspace(world)], "next_page_token": ""})),
        ("GET", [_]) => Ok(workspace(world)),
        ("POST", [_, "regulations"]) => create(world, call),
        ("GET", [_, "regulations"]) => list(world, call),
        ("GET", [_, "regulations", id]) => {
            let found = world.recent_regulations().find(|found| found.id == *id);
            Ok(details(world, found.ok_or_else(ConfigError::not_found)?))
        }
        ("DELETE", [_, "regulations", id]) => cancel(world, id),
        _ => Err(ConfigError::not_found()),
    }
}

fn workspace(world: &World) -> Value {
    json!({
        "name": format!("workspaces/{WORKSPACE_SLUG}"),
        "display_name": WORKSPACE_NAME,
        "id": world.workspace_id,
        "create_time": START,
    })
}

fn create(world: &mut World, call: &Call) -> Result<Value, ConfigError> {
    let body = call.json().ok_or_else(|| ConfigError::invalid("the body must be JSON"))?;
    let kind = body.get("regulation_type").and_then(Value::as_str).and_then(kind_of);
    let kind = kind.ok_or_else(|| ConfigError::invalid("regulation_type is not one of the known"))?;
    let subject_type = match body.pointer("/attributes/name").and_then(Value::as_str) {
        Some("userId") => SubjectType::User,
        Some("objectId") => SubjectType::Object,
        Some(_) | None => return Err(ConfigError::invalid("attributes.name must be userId or objectId")),
    };
    let values = body.pointer("/attributes/values").and_then(Value::as_array);
    let values = values.ok_or_else(|| ConfigError::invalid("attributes.values must be a list"))?;
    let subjects: Option<Vec<String>> = values
        .iter()
        .map(|value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
        .collect();
    let subjects = subjects.filter(|subjects| (1..=MAX_VALUES).contains(&subjects.len()));
    let subjects =
        subjects.ok_or_else(|| ConfigError::invalid("attributes.values must hold 1 to 5000 texts"))?;
    let new = NewRegulation { scope: Scope::Workspace, kind, subject_type, subjects };
    Ok(json!({"regulate_id": world.create_regulation(new)}))
}

fn kind_of(name: &str) -> Option<RegulationKind> {
    Some(match name {
        "Suppress" => RegulationKind::SuppressOnly,
        "Unsuppress" => RegulationKind::Unsuppress,
        "Suppress_With_Delete" => RegulationKind::SuppressWithDelete,
        "Delete" => RegulationKind::DeleteOnly,
        "Delete_Internal" => RegulationKind::DeleteInternal,
        _ => return None,
    })
}

/// Statuses are those of the Public API in lower case (C6).
fn lower(status: RegulationStatus) -> String {
    json!(status).as_str().unwrap_or_default().to_lowercase()
}

fn details(world: &World, regulation: &Regulation) -> Value {
    let mut progress = regulation.progress(world.now).into_iter();
    let streams = regulation.streams.iter().map(|stream| {
        let destinations = stream.destinations.iter().zip(progress.by_ref()).map(|(destination, (status, end))| {
            json!({
                "name": destination.name,
                "id": destination.id,
                "status": lower(status),
                "err_string": error_text(status),
                "finished_at": end.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |end| end.to_string()),
            })
        });
        json!({"id": stream.id, "destination_status": destinations.collect::<Vec<_>>()})
    });
    let streams: Vec<Value> = streams.collect();
    json!({
        "workspace_id": world.workspace_id,
        "overall_status": lower(regulation.status(world.now)),
        "stream_status": streams,
        "created_at": regulation.stamp.to_string(),
        "finished_at": regulation.finished_at(world.now).map(|end| end.to_string()),
    })
}

fn list(world: &World, call: &Call) -> Result<Value, ConfigError> {
    let query = call.parameters();
    let number = |name: &str, default: usize| match query.find(name).filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| ConfigError::invalid(&format!("{name} is not valid"))),
    };
    let (size, start) = (number("page_size", 100)?.clamp(1, 1000), number("page_token", 0)?);
    let status = query.find("status");
    let kinds: Vec<RegulationKind> =
        query.list("regulation_types").iter().filter_map(|name| kind_of(name)).collect();
    let chosen: Vec<Value> = world
        .recent_regulations()
        .rev()
        .filter(|found| status.is_none_or(|status| lower(found.status(world.now)) == status))
        .filter(|found| kinds.is_empty() || kinds.contains(&found.kind))
        .map(|found| entry(world, found))
        .collect();
    let end = (start + size).min(chosen.len());
    let next = if end < chosen.len() { end.to_string() } else { String::new() };
    Ok(json!({"entries": chosen.get(start..end).unwrap_or_default(), "next_page_token": next}))
}

fn entry(world: &World, regulation: &Regulation) -> Value {
    let name = match regulation.subject_type {
        SubjectType::User => "userId",
        SubjectType::Object => "objectId",
        SubjectType::Anonymous => "anonymousId",
    };
    let mut entry = json!({
        "regulate_id": regulation.id,
        "attributes": {"name": name, "values": regulation.subjects},
        "status": lower(regulation.status(world.now)),
        "created_at": regulation.stamp.to_string(),
    });
    if let (Some(end), Some(object)) = (regulation.finished_at(world.now), entry.as_object_mut()) {
        object.insert("finished_at".into(), json!(end.to_string()));
    }
    entry
}

fn cancel(world: &mut World, id: &str) -> Result<Value, ConfigError> {
    let found = world.recent_regulations().find(|found| found.id == id).ok_or_else(ConfigError::not_found)?;
    if found.status(world.now) != RegulationStatus::Initialized {
        return Err(ConfigError::invalid("the regulation has begun"));
    }
    world.regulations.retain(|regulation| regulation.id != id);
    Ok(json!({}))
}
