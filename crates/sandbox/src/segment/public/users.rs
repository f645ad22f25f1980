use serde::Serialize;
use serde_json::{Value, json};

use super::permissions::{self, Principal};
use super::{PublicError, PublicRequest, Reply, paging};
use crate::segment::audit::Subject;
use crate::segment::iam::{Permission, User};
use crate::segment::world::World;

pub(super) fn route(
    world: &mut World,
    request: &PublicRequest<'_>,
    segments: &[&str],
) -> Result<Reply, PublicError> {
    match (request.method, segments) {
        ("GET", ["users"]) => list(world, request),
        ("DELETE", ["users"]) => delete(world, request),
        ("GET", ["users", id]) => Ok(Reply::ok(json!({"user": find(world, id)?}))),
        ("GET", ["users", id, "groups"]) => groups_of(world, request, id),
        ("POST" | "PUT", ["users", id, "permissions"]) => set_permissions(world, request, id),
        ("GET", ["invites"]) => paging::page(request, "invites", &world.invites),
        ("POST", ["invites"]) => invite(world, request),
        ("DELETE", ["invites"]) => withdraw(world, request),
        _ => Err(PublicError::not_found()),
    }
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a User, PublicError> {
    world.users.find(id).ok_or_else(PublicError::not_found)
}

fn list(world: &World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let every = request.settings.hide_permissions_every;
    paging::page_of(request, "users", &world.users, |number, user| {
        let hidden = every > 0 && number.is_multiple_of(every);
        ListedUser {
            id: &user.id,
            name: &user.name,
            email: &user.email,
            permissions: user.permissions.as_deref().filter(|_| !hidden),
        }
    })
}

/// A user as lists show them: where `permissions` is absent, it is unknown (A26).
#[derive(Serialize)]
struct ListedUser<'a> {
    id: &'a str,
    name: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<&'a [Permission]>,
}

fn groups_of(world: &World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    let email = &find(world, id)?.email;
    let member_of = world.groups.iter().filter(|group| group.members.contains(email));
    let groups: Vec<Value> = member_of.map(|group| json!({"id": group.id, "name": group.name})).collect();
    paging::page(request, "groups", &groups)
}

fn delete(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let ids = request.query_list("userIds")?;
    for id in &ids {
        find(world, id)?;
    }
    if world.has_owner(&[]) && !world.has_owner(&ids) {
        return Err(PublicError::last_owner());
    }
    for id in ids {
        let Some(user) = world.users.remove(&id) else { continue };
        for group in &mut world.groups {
            group.members.retain(|member| *member != user.email);
        }
        let subject = Subject { id: &user.id, kind: "USER", name: &user.name };
        world.audit("Group Memberships Deleted", subject);
        world.audit("User Deleted", subject);
    }
    Ok(Reply::success())
}

fn set_permissions(world: &mut World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    let name = find(world, id)?.name.clone();
    let given = permissions::read(world, request)?;
    let had_owner = world.has_owner(&[]);
    let held = world.users.permissions_mut(id).ok_or_else(PublicError::not_found)?;
    let before = held.clone();
    if request.method == "PUT" {
        held.clone_from(&given);
    } else {
        permissions::add(held, &given);
    }
    let principal = Principal { id, kind: "user" };
    let answer = permissions::answer(held, principal);
    if had_owner && !world.has_owner(&[]) {
        if let Some(held) = world.users.permissions_mut(id) {
            *held = before;
        }
        return Err(PublicError::last_owner());
    }
    permissions::audit(world, principal, &name);
    Ok(Reply::ok(answer))
}

fn invite(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let body = request.body()?;
    let invites = body.get("invites").and_then(Value::as_array).filter(|invites| !invites.is_empty());
    let invites =
        invites.ok_or_else(|| PublicError::invalid("invites", "invites must hold at least one entry."))?;
    let mut taken = Vec::new();
    for (position, entry) in invites.iter().enumerate() {
        let place = format!("invites[{position}]");
        let email = entry.get("email").and_then(Value::as_str).filter(|email| email.contains('@'));
        let email = email
            .ok_or_else(|| PublicError::invalid(format!("{place}.email"), "email must be an address."))?;
        if world.user_by_email(email).is_some() {
            return Err(PublicError::conflict("The address belongs to a user of the workspace."));
        }
        taken.push((email.to_owned(), invited_permissions(world, &place, entry)?));
    }
    let emails: Vec<String> = taken.iter().map(|(email, _)| email.clone()).collect();
    for (email, permissions) in taken {
        if !world.invites.contains(&email) {
            world.invites.push(email.clone());
            world.audit("Invite Created", Subject { id: &email, kind: "INVITE", name: &email });
        }
        world.invited_permissions.insert(email, permissions);
    }
    Ok(Reply::created(json!({"emails": emails})))
}

/// What an invited person will hold. `resources` may be left out, which means the whole workspace, narrowed
/// by the `labels` of the entry (A32).
fn invited_permissions(world: &World, place: &str, entry: &Value) -> Result<Vec<Permission>, PublicError> {
    let permissions = entry.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
    let completed = permissions.into_iter().map(|mut permission| {
        let labels = permission.get("labels").cloned().unwrap_or_else(|| json!([]));
        let everywhere = json!([{"id": world.workspace_id, "type": "WORKSPACE", "labels": labels}]);
        if let Some(object) = permission.as_object_mut() {
            object.entry("resources").or_insert(everywhere);
        }
        permission
    });
    let completed: Vec<Value> = completed.collect();
    permissions::parse(world, &format!("{place}.permissions"), &completed)
}

fn withdraw(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let emails = request.query_list("emails")?;
    if emails.iter().any(|email| !world.invites.contains(email)) {
        return Err(PublicError::not_found());
    }
    for email in &emails {
        world.invites.retain(|invited| invited != email);
        world.invited_permissions.remove(email);
        for group in &mut world.groups {
            group.members.retain(|member| member != email);
        }
        world.audit("Invite Deleted", Subject { id: email, kind: "INVITE", name: email });
    }
    Ok(Reply::success())
}
