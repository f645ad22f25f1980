use serde_json::{Value, json};

use super::permissions::{self, Principal};
use super::{PublicError, PublicRequest, Reply, paging};
use crate::segment::audit::Subject;
use crate::segment::iam::User;
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
        ("GET", ["invites"]) => paging::page(&request.query, "invites", &world.invites),
        ("POST", ["invites"]) => invite(world, request),
        ("DELETE", ["invites"]) => withdraw(world, request),
        _ => Err(PublicError::not_found()),
    }
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a User, PublicError> {
    world.users.iter().find(|user| user.id == id).ok_or_else(PublicError::not_found)
}

fn list(world: &World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let every = request.hide_permissions_every;
    if every == 0 {
        return paging::page(&request.query, "users", &world.users);
    }
    let shown = |(number, user): (usize, &User)| {
        let hidden = number.is_multiple_of(every);
        let permissions = if hidden { None } else { user.permissions.clone() };
        User { permissions, ..user.clone() }
    };
    let users: Vec<User> = world.users.iter().enumerate().map(shown).collect();
    paging::page(&request.query, "users", &users)
}

fn groups_of(world: &World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    let email = &find(world, id)?.email;
    let member_of = world.groups.iter().filter(|group| group.members.contains(email));
    let groups: Vec<Value> = member_of.map(|group| json!({"id": group.id, "name": group.name})).collect();
    paging::page(&request.query, "groups", &groups)
}

fn delete(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let ids = request.query_list("userIds")?;
    for id in &ids {
        find(world, id)?;
    }
    for id in ids {
        let Some(position) = world.users.iter().position(|user| user.id == id) else { continue };
        let user = world.users.remove(position);
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
    find(world, id)?;
    let given = permissions::read(world, request)?;
    let user = world.users.iter_mut().find(|user| user.id == id).ok_or_else(PublicError::not_found)?;
    let held = user.permissions.get_or_insert_default();
    if request.method == "PUT" {
        held.clone_from(&given);
    } else {
        permissions::add(held, &given);
    }
    let principal = Principal { id, kind: "user" };
    let answer = permissions::answer(held, principal);
    let name = user.name.clone();
    permissions::audit(world, principal, &name);
    Ok(Reply::ok(answer))
}

fn invite(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let body = request.body()?;
    let invites = body.get("invites").and_then(Value::as_array).filter(|invites| !invites.is_empty());
    let invites =
        invites.ok_or_else(|| PublicError::invalid("invites", "invites must hold at least one entry."))?;
    let mut emails = Vec::new();
    for (position, entry) in invites.iter().enumerate() {
        let place = format!("invites[{position}]");
        let email = entry.get("email").and_then(Value::as_str).filter(|email| email.contains('@'));
        let email = email
            .ok_or_else(|| PublicError::invalid(format!("{place}.email"), "email must be an address."))?;
        if world.user_by_email(email).is_some() {
            return Err(PublicError::conflict("The address belongs to a user of the workspace."));
        }
        check_invited_permissions(world, &place, entry)?;
        emails.push(email.to_owned());
    }
    for email in &emails {
        if !world.invites.contains(email) {
            world.invites.push(email.clone());
            world.audit("Invite Created", Subject { id: email, kind: "INVITE", name: email });
        }
    }
    Ok(Reply::created(json!({"emails": emails})))
}

/// In an invite `resources` may be left out, which means the whole workspace (A32).
fn check_invited_permissions(world: &World, place: &str, entry: &Value) -> Result<(), PublicError> {
    let permissions = entry.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
    let everywhere = json!([{"id": world.workspace_id, "type": "WORKSPACE"}]);
    let completed = permissions.into_iter().map(|mut permission| {
        if let Some(object) = permission.as_object_mut() {
            object.entry("resources").or_insert_with(|| everywhere.clone());
        }
        permission
    });
    let completed: Vec<Value> = completed.collect();
    permissions::parse(world, &format!("{place}.permissions"), &completed).map(|_| ())
}

fn withdraw(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let emails = request.query_list("emails")?;
    if emails.iter().any(|email| !world.invites.contains(email)) {
        return Err(PublicError::not_found());
    }
    for email in &emails {
        world.invites.retain(|invited| invited != email);
        for group in &mut world.groups {
            group.members.retain(|member| member != email);
        }
        world.audit("Invite Deleted", Subject { id: email, kind: "INVITE", name: email });
    }
    Ok(Reply::success())
}
