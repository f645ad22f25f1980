use jiff::Timestamp;
use serde_json::json;

use super::{PublicError, PublicRequest, Reply, paging};
use crate::segment::audit::{AuditEvent, KEPT, Subject};
use crate::segment::iam::Label;
use crate::segment::resource::{FUNCTION_TYPES, Function, Source};
use crate::segment::world::World;

pub(super) fn route(
    world: &mut World,
    request: &PublicRequest<'_>,
    segments: &[&str],
) -> Result<Reply, PublicError> {
    if segments.first() == Some(&"spaces") && request.stable_version_only {
        return Err(PublicError::not_found());
    }
    match (request.method, segments) {
        ("GET", ["roles"]) => paging::page(request, "roles", &world.roles),
        ("GET", ["sources"]) => paging::page_of(request, "sources", &world.sources, |_, source| {
            source.to_json(&world.workspace_id)
        }),
        ("GET", ["sources", id]) => {
            let found = world.sources.iter().find(|source| source.id == *id);
            let found = found.ok_or_else(PublicError::not_found)?.to_json(&world.workspace_id);
            Ok(Reply::ok(json!({"source": found, "trackingPlanId": null})))
        }
        ("POST" | "PUT", ["sources", id, "labels"]) => label_source(world, request, id),
        ("GET", ["warehouses"]) => {
            paging::page_of(request, "warehouses", &world.warehouses, |_, warehouse| {
                warehouse.to_json(&world.workspace_id)
            })
        }
        ("GET", ["warehouses", id]) => {
            let found = world.warehouses.iter().find(|warehouse| warehouse.id == *id);
            let found = found.ok_or_else(PublicError::not_found)?;
            Ok(Reply::ok(json!({"warehouse": found.to_json(&world.workspace_id)})))
        }
        ("GET", ["warehouses", id, "connected-sources"]) => {
            let found = world.warehouses.iter().find(|warehouse| warehouse.id == *id);
            let connected = &found.ok_or_else(PublicError::not_found)?.sources;
            let is_connected = |source: &&Source| connected.contains(&source.id);
            let sources: Vec<&Source> = world.sources.iter().filter(is_connected).collect();
            paging::page_of(request, "sources", &sources, |_, source| source.to_json(&world.workspace_id))
        }
        ("GET", ["functions"]) => functions(world, request),
        ("GET", ["functions", id]) => function(world, id),
        ("GET", ["spaces"]) => paging::page(request, "spaces", &world.spaces),
        ("GET", ["spaces", id]) => {
            Ok(Reply::ok(json!({"space": world.spaces.iter().find(|space| space.id == *id)})))
        }
        ("GET", ["labels"]) => Ok(Reply::ok(json!({"labels": world.labels}))),
        ("POST", ["labels"]) => create_label(world, request),
        ("DELETE", ["labels", key, value]) => delete_label(world, key, value),
        ("GET", ["audit-events"]) => audit_events(world, request),
        _ => Err(PublicError::not_found()),
    }
}

fn functions(world: &World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let kind = request.query.find("resourceType").unwrap_or_default();
    if !FUNCTION_TYPES.contains(&kind) {
        let message = format!("resourceType must be one of {}.", FUNCTION_TYPES.join(", "));
        return Err(PublicError::invalid("resourceType", message));
    }
    let chosen: Vec<&Function> =
        world.functions.iter().filter(|function| function.resource_type == kind).collect();
    paging::page(request, "functions", &chosen)
}

fn function(world: &World, id: &str) -> Result<Reply, PublicError> {
    let found = world.functions.iter().find(|function| function.id == id);
    let mut function = json!(found.ok_or_else(PublicError::not_found)?);
    if let Some(object) = function.as_object_mut() {
        object.insert("code".into(), json!("async function onRequest(request) {}"));
        object.insert("settings".into(), json!([]));
    }
    Ok(Reply::ok(json!({"function": function})))
}

/// A key or value of a label: a letter, then letters, digits and hyphens (A65).
fn is_label_part(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|found| found.is_ascii_alphanumeric() || found == '-')
}

fn create_label(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let body = request.body()?;
    let label: Label = serde_json::from_value(body.get("label").cloned().unwrap_or_default())
        .map_err(|_| PublicError::invalid("label", "label must have key and value."))?;
    if !is_label_part(&label.key) || !is_label_part(&label.value) {
        let message = "Key and value start with a letter and hold letters, digits and hyphens.";
        return Err(PublicError::invalid("label.key", message));
    }
    if world.labels.iter().any(|found| found.is(&label.key, &label.value)) {
        return Err(PublicError::conflict("There is such a label."));
    }
    world.labels.push(label.clone());
    world.audit("Label Created", Subject { id: &label.key, kind: "LABEL", name: &label.value });
    Ok(Reply::created(json!({"label": label})))
}

fn delete_label(world: &mut World, key: &str, value: &str) -> Result<Reply, PublicError> {
    let position = world.labels.iter().position(|label| label.is(key, value));
    let position = position.ok_or_else(PublicError::not_found)?;
    let used = |labels: &[Label]| labels.iter().any(|label| label.is(key, value));
    if world.sources.iter().any(|source| used(&source.labels)) {
        return Err(PublicError::conflict("The label is in use."));
    }
    world.labels.remove(position);
    world.audit("Label Deleted", Subject { id: key, kind: "LABEL", name: value });
    Ok(Reply::success())
}

fn label_source(world: &mut World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    let body = request.body()?;
    let labels: Vec<Label> = serde_json::from_value(body.get("labels").cloned().unwrap_or_default())
        .map_err(|_| PublicError::invalid("labels", "labels must be a list of key and value."))?;
    let known = |label: &Label| world.labels.iter().any(|found| found.is(&label.key, &label.value));
    if let Some(position) = labels.iter().position(|label| !known(label)) {
        return Err(PublicError::invalid(format!("labels[{position}]"), "There is no such label."));
    }
    let source =
        world.sources.iter_mut().find(|source| source.id == id).ok_or_else(PublicError::not_found)?;
    if request.method == "PUT" {
        source.labels = labels;
    } else {
        // One value a key on a resource.
        source.labels.retain(|held| labels.iter().all(|label| label.key != held.key));
        source.labels.extend(labels);
    }
    let labels = source.labels.clone();
    world.audit("Source Labels Updated", Subject { id, kind: "SOURCE", name: id });
    Ok(Reply::ok(json!({"labels": labels})))
}

/// Newest first, 90 days (A68).
fn audit_events(world: &World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let query = &request.query;
    let time = |name: &str| match query.find(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<Timestamp>()
            .map(Some)
            .map_err(|_| PublicError::invalid(name, "The value must be a time in ISO 8601.")),
    };
    let (start, end) = (time("startTime")?, time("endTime")?);
    let oldest = world.now - KEPT;
    let is = |name: &str, value: &str| query.find(name).is_none_or(|wanted| wanted == value);
    let wanted = |event: &&AuditEvent| {
        event.timestamp >= oldest
            && start.is_none_or(|start| event.timestamp >= start)
            && end.is_none_or(|end| event.timestamp <= end)
            && is("resourceId", &event.resource_id)
            && is("resourceType", &event.resource_type)
    };
    let events: Vec<&AuditEvent> = world.audit_events.iter().rev().filter(wanted).collect();
    paging::page(request, "events", &events)
}
