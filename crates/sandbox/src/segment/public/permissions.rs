use serde_json::{Value, json};

use super::{PublicError, PublicRequest};
use crate::Random;
use crate::segment::audit::Subject;
use crate::segment::iam::{Label, Permission, ResourceKind, ResourceRef};
use crate::segment::world::World;

/// Who holds permissions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Principal<'a> {
    pub(super) id: &'a str,
    /// `user` or `group`.
    pub(super) kind: &'static str,
}

/// Most permissions of one principal, and resources of one permission. Existing clients handle no more
/// (A58); that the service refuses more is inferred.
const MOST: usize = 200;

/// Reads and checks `permissions` of a body; every entry with at least one resource (A50).
pub(super) fn read(world: &World, request: &PublicRequest<'_>) -> Result<Vec<Permission>, PublicError> {
    let body = request.body()?;
    let list = body.get("permissions").and_then(Value::as_array);
    let list = list.ok_or_else(|| PublicError::invalid("permissions", "permissions must be a list."))?;
    parse(world, "permissions", list)
}

/// Checks a list of permissions; `field` is its place in the body.
pub(super) fn parse(world: &World, field: &str, list: &[Value]) -> Result<Vec<Permission>, PublicError> {
    if list.len() > MOST {
        return Err(PublicError::invalid(field, "There are at most 200 permissions."));
    }
    let parsed = list.iter().enumerate().map(|(position, entry)| {
        let place = format!("{field}[{position}]");
        let role_id = entry.get("roleId").and_then(Value::as_str).unwrap_or_default();
        let role = world.roles.iter().find(|role| role.id == role_id);
        let role =
            role.ok_or_else(|| PublicError::invalid(format!("{place}.roleId"), "There is no such role."))?;
        let resources = entry.get("resources").and_then(Value::as_array).filter(|list| !list.is_empty());
        let resources = resources.ok_or_else(|| {
            PublicError::invalid(format!("{place}.resources"), "resources must hold at least one entry.")
        })?;
        if resources.len() > MOST {
            let field = format!("{place}.resources");
            return Err(PublicError::invalid(field, "There are at most 200 resources."));
        }
        let resources = resources.iter().enumerate().map(|(number, resource)| {
            parse_resource(world, &format!("{place}.resources[{number}]"), resource)
        });
        Ok(Permission {
            role_id: role.id.clone(),
            role_name: role.name.clone(),
            resources: resources.collect::<Result<_, PublicError>>()?,
        })
    });
    parsed.collect()
}

fn parse_resource(world: &World, place: &str, resource: &Value) -> Result<ResourceRef, PublicError> {
    let kind = resource.get("type").cloned().unwrap_or_default();
    let kind: ResourceKind = serde_json::from_value(kind)
        .map_err(|_| PublicError::invalid(format!("{place}.type"), "type is not a kind of resource."))?;
    let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
    if !world.has_resource(kind, id) {
        return Err(PublicError::invalid(format!("{place}.id"), "There is no such resource."));
    }
    let labels: Option<Vec<Label>> = match resource.get("labels") {
        None | Some(Value::Null) => None,
        Some(labels) => Some(serde_json::from_value(labels.clone()).map_err(|_| {
            PublicError::invalid(format!("{place}.labels"), "labels must be a list of key and value.")
        })?),
    };
    let narrowed = labels.as_ref().is_some_and(|labels| !labels.is_empty());
    if narrowed && kind != ResourceKind::Workspace {
        return Err(PublicError::invalid(
            format!("{place}.labels"),
            "Labels stand on the workspace resource only.",
        ));
    }
    // The workspace always answers with its labels, be they none (A53).
    let labels = if kind == ResourceKind::Workspace { Some(labels.unwrap_or_default()) } else { None };
    Ok(ResourceRef { id: id.to_owned(), kind, labels })
}

/// Adds permissions that are not there yet; giving one twice changes nothing (A59).
pub(super) fn add(held: &mut Vec<Permission>, added: &[Permission]) {
    for permission in added {
        let has = |resource: &ResourceRef| {
            held.iter().any(|found| found.role_id == permission.role_id && found.resources.contains(resource))
        };
        let resources: Vec<ResourceRef> =
            permission.resources.iter().filter(|resource| !has(resource)).cloned().collect();
        if !resources.is_empty() {
            held.push(Permission { resources, ..permission.clone() });
        }
    }
}

/// The answer to adding and replacing (A55): every entry with its policy and subject.
pub(super) fn answer(permissions: &[Permission], principal: Principal<'_>) -> Value {
    let entry = |permission: &Permission| {
        let policy = format!("{}{}", principal.id, permission.role_id);
        json!({
            "policyId": Random::named(0, &policy).letters(27),
            "roleName": permission.role_name,
            "roleId": permission.role_id,
            "subjectId": principal.id,
            "subjectType": principal.kind,
            "resources": permission.resources,
        })
    };
    json!({"permissions": permissions.iter().map(entry).collect::<Vec<_>>()})
}

/// Writes the change into the audit trail.
pub(super) fn audit(world: &mut World, principal: Principal<'_>, name: &str) {
    let (event, kind) = match principal.kind {
        "group" => ("User Group Policy Updated", "USER_GROUP"),
        _ => ("User Policy Updated", "USER"),
    };
    world.audit(event, Subject { id: principal.id, kind, name });
}
