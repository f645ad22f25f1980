//! The Profile API (segment-api B).

mod cursor;

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::account;
use super::person::{Event, Person};
use super::simulation::Simulation;
use super::trait_value::Trait;
use crate::server::{Answer, Call};
pub(super) use cursor::Paging;
use cursor::Window;

/// An answer of the Profile API that is an error (B7).
#[derive(Debug)]
pub(super) struct ProfileError {
    status: u16,
    code: &'static str,
    message: String,
}

impl ProfileError {
    fn not_found() -> Self {
        Self { status: 404, code: "not_found", message: "Profile was not found.".into() }
    }

    fn no_resource() -> Self {
        Self { status: 404, code: "not_found", message: "The resource was not found.".into() }
    }

    fn validation(message: impl Into<String>) -> Self {
        Self { status: 400, code: "validation_error", message: message.into() }
    }

    fn unauthenticated() -> Self {
        let message = "Unauthorized. Check the access secret.".to_owned();
        Self { status: 401, code: "authentication_error", message }
    }

    pub(super) fn rate_limit() -> Self {
        Self { status: 429, code: "rate_limit_error", message: "Too many requests.".into() }
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::json(self.status, &json!({"error": {"code": self.code, "message": self.message}}))
    }
}

/// How far back events go (B20).
const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Highest `limit` of most lists, and of links (B12).
const HIGHEST_LIMIT: usize = 200;
const HIGHEST_LINKS: usize = 20;

/// Answers one call of the Profile API.
pub(super) fn answer(simulation: &Simulation, call: &Call) -> Answer {
    match respond(simulation, call) {
        Ok(body) => Answer::json(200, &body),
        Err(error) => error.answer(),
    }
}

fn respond(simulation: &Simulation, call: &Call) -> Result<Value, ProfileError> {
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    let ["v1", "spaces", space, rest @ ..] = segments.as_slice() else {
        return Err(ProfileError::no_resource());
    };
    authenticate(simulation, call, &decode(space))?;
    match (call.method.as_str(), rest) {
        ("GET", ["collections", "users", "profiles"]) => list_profiles(simulation, call),
        ("GET", ["collections", "users", "profiles", identifier, part]) => {
            read_person(simulation, call, &decode(identifier), part)
        }
        ("GET", ["collections", "accounts", "profiles", identifier, part]) => {
            read_account(simulation, call, &decode(identifier), part)
        }
        ("POST", ["collections", "users", "profiles", identifier, "external_ids", "delete"]) => {
            delete_external_ids(simulation, call, &decode(identifier))
        }
        _ => Err(ProfileError::no_resource()),
    }
}

/// A `+` that was not escaped is read as a space (B4).
fn decode(segment: &str) -> String {
    percent_decode_str(&segment.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn authenticate(simulation: &Simulation, call: &Call, space: &str) -> Result<(), ProfileError> {
    let (secret, _) = call.basic_credentials().ok_or_else(ProfileError::unauthenticated)?;
    let world = simulation.world();
    let known = world.spaces.iter().find(|found| found.secret == secret);
    match known {
        None => Err(ProfileError::unauthenticated()),
        Some(found) if found.id == space => Ok(()),
        Some(_) if world.spaces.iter().any(|other| other.id == space) => Err(ProfileError::unauthenticated()),
        Some(_) => Err(ProfileError::no_resource()),
    }
}

fn find_person(simulation: &Simulation, identifier: &str) -> Result<Person, ProfileError> {
    let (id_type, value) = match identifier.split_once(':') {
        Some((id_type, value)) => (id_type, value),
        None if identifier.starts_with("use_") => ("segment_id", identifier),
        None => return Err(ProfileError::validation("the identifier must be id_type:value")),
    };
    let people = simulation.people();
    let index = people.find(id_type, value).ok_or_else(ProfileError::not_found)?;
    let world = simulation.world();
    let removed = world.removed_ids.contains(&(index, id_type.to_owned(), value.to_owned()));
    if removed || world.gone.contains(&index) {
        return Err(ProfileError::not_found());
    }
    drop(world);
    people.person(index).ok_or_else(ProfileError::not_found)
}

fn read_person(
    simulation: &Simulation,
    call: &Call,
    identifier: &str,
    part: &str,
) -> Result<Value, ProfileError> {
    let person = find_person(simulation, identifier)?;
    let paging = simulation.paging();
    match part {
        "metadata" => Ok(person.metadata()),
        "traits" => traits(call, paging, &person.traits(), &person.source_id()),
        "external_ids" => external_ids(simulation, call, &person),
        "events" => events(call, paging, &person, simulation.world().now),
        "links" => list(call, paging, &person.links(), HIGHEST_LINKS),
        _ => Err(ProfileError::no_resource()),
    }
}

fn read_account(
    simulation: &Simulation,
    call: &Call,
    identifier: &str,
    part: &str,
) -> Result<Value, ProfileError> {
    let group_id = identifier.strip_prefix("group_id:").ok_or_else(ProfileError::not_found)?;
    let number = account::find(group_id).ok_or_else(ProfileError::not_found)?;
    let paging = simulation.paging();
    let of_account = json!({
        "id": group_id, "type": "group_id", "collection": "accounts", "encoding": "none",
        "source_id": "", "created_at": super::world::START,
    });
    match part {
        "metadata" => Ok(json!({
            "segment_id": format!("grp_{number:027}"),
            "metadata": {"created_at": super::world::START, "expires_at": null},
        })),
        "traits" => traits(call, paging, &account::traits(number), ""),
        "external_ids" => list(call, paging, &[of_account], HIGHEST_LIMIT),
        "events" => list::<Value>(call, paging, &[], HIGHEST_LIMIT),
        "links" => {
            let people = simulation.people();
            let named = people.named().map(|(person, _)| person.clone());
            let linked = named.filter(|person| person.accounts.contains(&number));
            let links: Vec<Value> = linked
                .map(|person| {
                    let ids = person.user_ids.iter().map(|id| json!({"id": id, "type": "user_id"}));
                    json!({"to_collection": "users", "external_ids": ids.collect::<Vec<_>>()})
                })
                .collect();
            list(call, paging, &links, HIGHEST_LINKS)
        }
        _ => Err(ProfileError::no_resource()),
    }
}

fn traits(call: &Call, paging: Paging, all: &[Trait], source_id: &str) -> Result<Value, ProfileError> {
    let window = Window::read(call, HIGHEST_LIMIT, paging)?;
    let query = call.parameters();
    let include = comma_list(query.find("include"));
    let class = query.find("class");
    if class.is_some_and(|class| !matches!(class, "audience" | "computed_trait")) {
        return Err(ProfileError::validation("class must be audience or computed_trait"));
    }
    let wanted = |found: &&Trait| {
        (class.is_none() || found.class.parameter() == class)
            && (include.is_empty() || include.contains(&found.name))
    };
    let chosen: Vec<&Trait> = all.iter().filter(wanted).collect();
    let (page, next) = window.slice(&chosen, |_, found| found.name.clone())?;
    let verbose = query.find("verbose") == Some("true");
    let value = |found: &Trait| {
        if verbose {
            json!({"value": found.value, "source_id": source_id, "updated_at": super::world::START})
        } else {
            found.value.clone()
        }
    };
    let traits: Map<String, Value> = page.iter().map(|found| (found.name.clone(), value(found))).collect();
    Ok(json!({"traits": traits, "cursor": window.cursor(call, next.as_deref())}))
}

fn external_ids(simulation: &Simulation, call: &Call, person: &Person) -> Result<Value, ProfileError> {
    let window = Window::read(call, HIGHEST_LIMIT, simulation.paging())?;
    let include = comma_list(call.parameters().find("include"));
    let world = simulation.world();
    let kept = |id_type: &str, id: &str| {
        !world.removed_ids.contains(&(person.index, id_type.to_owned(), id.to_owned()))
    };
    let chosen: Vec<Value> = person
        .external_ids()
        .into_iter()
        .filter(|found| include.is_empty() || include.iter().any(|wanted| wanted == found.id_type))
        .filter(|found| kept(found.id_type, &found.id))
        .map(|found| found.json)
        .collect();
    drop(world);
    let mapping = |_: usize, found: &Value| {
        let id = found.get("first_message_id").and_then(Value::as_str).unwrap_or_default();
        format!("map_{}", id.replace('-', ""))
    };
    let (page, next) = window.slice(&chosen, mapping)?;
    Ok(page_of(page, &window.cursor(call, next.as_deref())))
}

fn events(call: &Call, paging: Paging, person: &Person, now: Timestamp) -> Result<Value, ProfileError> {
    let window = Window::read(call, HIGHEST_LIMIT, paging)?;
    let query = call.parameters();
    let time = |name: &str| match query.find(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<Timestamp>()
            .map(Some)
            .map_err(|_| ProfileError::validation(format!("{name} must be a time in ISO 8601"))),
    };
    let (start, end) = (time("start")?, time("end")?);
    let include = comma_list(query.find("include"));
    let exclude = comma_list(query.find("exclude"));
    let wanted = |event: &Event| {
        event.timestamp >= now - EVENTS_KEPT
            && event.timestamp <= now
            && start.is_none_or(|start| event.timestamp >= start)
            && end.is_none_or(|end| event.timestamp <= end)
            && (include.is_empty() || include.iter().any(|name| name == event.name))
            && !exclude.iter().any(|name| name == event.name)
    };
    let mut chosen: Vec<Event> = person.all_events().into_iter().filter(wanted).collect();
    match query.find("sort") {
        None | Some("desc") => {}
        Some("asc") => chosen.reverse(),
        Some(_) => return Err(ProfileError::validation("sort must be asc or desc")),
    }
    let (page, next) = window.slice(&chosen, position_cursor)?;
    Ok(page_of(&person.events_json(page), &window.cursor(call, next.as_deref())))
}

fn list<T: Clone + Into<Value>>(
    call: &Call,
    paging: Paging,
    items: &[T],
    highest: usize,
) -> Result<Value, ProfileError> {
    let window = Window::read(call, highest, paging)?;
    let (page, next) = window.slice(items, position_cursor)?;
    let page: Vec<Value> = page.iter().cloned().map(Into::into).collect();
    Ok(page_of(&page, &window.cursor(call, next.as_deref())))
}

/// An empty list is `null` (B22).
fn page_of(page: &[Value], cursor: &Value) -> Value {
    if page.is_empty() {
        json!({"data": null, "cursor": cursor})
    } else {
        json!({"data": page, "cursor": cursor})
    }
}

fn position_cursor<T>(position: usize, _: &T) -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("offset:{position}"))
}

fn comma_list(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn list_profiles(simulation: &Simulation, call: &Call) -> Result<Value, ProfileError> {
    let window = Window::read(call, HIGHEST_LIMIT, simulation.paging())?;
    let start: u64 = match &window.next {
        None => 0,
        Some(next) => {
            next.parse().map_err(|_| ProfileError::validation("next is not a cursor of this list"))?
        }
    };
    let people = simulation.people();
    let gone = simulation.world().gone.clone();
    let end = (start + window.entries() as u64).min(people.count());
    let page: Vec<Value> = (start..end)
        .filter(|index| !gone.contains(index))
        .filter_map(|index| people.person(index))
        .map(|person| json!({"segment_id": person.segment_id}))
        .collect();
    let next = (end < people.count()).then(|| end.to_string());
    Ok(page_of(&page, &window.cursor(call, next.as_deref())))
}

fn delete_external_ids(
    simulation: &Simulation,
    call: &Call,
    identifier: &str,
) -> Result<Value, ProfileError> {
    let person = find_person(simulation, identifier)?;
    let body = call.json().ok_or_else(|| ProfileError::validation("the body must be JSON"))?;
    let ids = body.get("delete_external_ids").and_then(Value::as_array);
    let ids = ids.ok_or_else(|| ProfileError::validation("delete_external_ids must be a list"))?;
    let mut world = simulation.world();
    for entry in ids {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(id), Some(id_type)) = (text("id"), text("type")) else {
            return Err(ProfileError::validation("each external id needs id and type"));
        };
        world.removed_ids.insert((person.index, id_type, id));
    }
    Ok(json!({"success": true}))
}
