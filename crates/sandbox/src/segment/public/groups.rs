use serde::Serialize;
use serde_json::{Value, json};

use super::permissions::{self, Principal};
use super::{PublicError, PublicRequest, Reply, paging};
use crate::segment::audit::Subject;
use crate::segment::iam::{Group, Permission};
use crate::segment::world::World;

pub(super) fn route(
    world: &mut World,
    request: &PublicRequest<'_>,
    segments: &[&str],
) -> Result<Reply, PublicError> {
    match (request.method, segments) {
        ("GET", ["groups"]) => {
            let every = request.settings.hide_group_permissions_every;
            paging::page_of(request, "userGroups", &world.groups, |number, group| {
                let hidden = every > 0 && number.is_multiple_of(every);
                ShownGroup { permissions: (!hidden).then_some(&group.permissions), ..ShownGroup::of(group) }
            })
        }
        ("POST", ["groups"]) => create(world, request),
        ("GET", ["groups", id]) => Ok(one(find(world, id)?)),
        ("PATCH", ["groups", id]) => rename(world, request, id),
        ("DELETE", ["groups", id]) => delete(world, id),
        ("GET", ["groups", id, "users"]) => members(world, request, id),
        ("GET", ["groups", id, "invites"]) => {
            let group = find(world, id)?;
            let invited: Vec<&String> =
                group.members.iter().filter(|email| world.user_by_email(email).is_none()).collect();
            paging::page(request, "emails", &invited)
        }
        ("POST", ["groups", id, "users"]) => add_members(world, request, id),
        // Taking out and replacing are under the singular path only (A41).
        ("DELETE", ["group", id, "users"]) => remove_members(world, request, id),
        ("PUT", ["group", id, "users"]) => replace_members(world, request, id),
        ("POST" | "PUT", ["groups", id, "permissions"]) => set_permissions(world, request, id),
        _ => Err(PublicError::not_found()),
    }
}

/// A group as it is answered (A35): where `permissions` is absent, it is unknown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownGroup<'a> {
    id: &'a str,
    name: &'a str,
    /// Invited addresses count (D6).
    member_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<&'a Vec<Permission>>,
}

impl<'a> ShownGroup<'a> {
    fn of(group: &'a Group) -> Self {
        Self {
            id: &group.id,
            name: &group.name,
            member_count: group.members.len(),
            permissions: Some(&group.permissions),
        }
    }
}

fn one(group: &Group) -> Reply {
    Reply::ok(json!({"userGroup": ShownGroup::of(group)}))
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Group, PublicError> {
    world.groups.iter().find(|group| group.id == id).ok_or_else(PublicError::not_found)
}

fn find_mut<'a>(world: &'a mut World, id: &str) -> Result<&'a mut Group, PublicError> {
    world.groups.iter_mut().find(|group| group.id == id).ok_or_else(PublicError::not_found)
}

fn audit(world: &mut World, event: &str, group: &Group) {
    world.audit(event, Subject { id: &group.id, kind: "USER_GROUP", name: &group.name });
}

fn create(world: &mut World, request: &PublicRequest<'_>) -> Result<Reply, PublicError> {
    let name = request.text("name")?;
    if world.groups.iter().any(|group| group.name == name) {
        return Err(PublicError::conflict("There is a group of this name."));
    }
    let id = world.random.letters(22);
    let group = Group { id, name, members: Vec::new(), permissions: Vec::new() };
    audit(world, "User Group Created", &group);
    let reply = one(&group);
    world.groups.push(group);
    Ok(reply)
}

fn rename(world: &mut World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    let name = request.text("name")?;
    let group = find_mut(world, id)?;
    group.name = name;
    let group = group.clone();
    audit(world, "User Group Updated", &group);
    Ok(one(&group))
}

/// Changes a group, unless the workspace would lose its last owner (inferred: governance SEG-5).
fn change(world: &mut World, id: &str, how: impl FnOnce(&mut Group)) -> Result<Group, PublicError> {
    let had_owner = world.has_owner(&[]);
    let group = find_mut(world, id)?;
    let before = group.clone();
    how(group);
    let after = group.clone();
    if had_owner && !world.has_owner(&[]) {
        *find_mut(world, id)? = before;
        return Err(PublicError::last_owner());
    }
    Ok(after)
}

fn delete(world: &mut World, id: &str) -> Result<Reply, PublicError> {
    let group = change(world, id, |group| group.members.clear())?;
    world.groups.retain(|found| found.id != id);
    audit(world, "User Group Deleted", &group);
    Ok(Reply::success())
}

/// Minimal users, without permissions (A38); invited addresses are not among them.
fn members(world: &World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    let group = find(world, id)?;
    let users: Vec<Value> = group
        .members
        .iter()
        .filter_map(|email| world.user_by_email(email))
        .map(|user| json!({"id": user.id, "name": user.name, "email": user.email}))
        .collect();
    paging::page(request, "users", &users)
}

/// Every address must be a user's or an invited one's.
fn known_emails(world: &World, request: &PublicRequest<'_>) -> Result<Vec<String>, PublicError> {
    let emails = request.texts("emails")?;
    let known = emails.iter().enumerate().map(|(position, email)| match world.user_by_email(email) {
        Some(user) => Ok(user.email.clone()),
        None if world.invites.contains(email) => Ok(email.clone()),
        None => Err(PublicError::invalid(
            format!("emails[{position}]"),
            "The address is neither a user's nor an invited one.",
        )),
    });
    known.collect()
}

/// Adds members; one who is in the group already stays (A40, A43).
fn add_members(world: &mut World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    find(world, id)?;
    let emails = known_emails(world, request)?;
    let group = change(world, id, |group| add_new(&mut group.members, emails))?;
    audit(world, "User Added To User Group", &group);
    Ok(one(&group))
}

/// Takes members out; one who is not in the group does no harm (A41, A43).
fn remove_members(world: &mut World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    let emails = request.query_list("emails")?;
    let named = |member: &String| emails.iter().any(|email| email.eq_ignore_ascii_case(member));
    let group = change(world, id, |group| group.members.retain(|member| !named(member)))?;
    audit(world, "User Removed From User Group", &group);
    Ok(Reply::success())
}

fn replace_members(world: &mut World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    find(world, id)?;
    let emails = known_emails(world, request)?;
    let group = change(world, id, |group| {
        group.members.clear();
        add_new(&mut group.members, emails);
    })?;
    audit(world, "Subjects Added to Group", &group);
    Ok(one(&group))
}

fn add_new(members: &mut Vec<String>, emails: Vec<String>) {
    for email in emails {
        if !members.contains(&email) {
            members.push(email);
        }
    }
}

fn set_permissions(world: &mut World, request: &PublicRequest<'_>, id: &str) -> Result<Reply, PublicError> {
    find(world, id)?;
    let given = permissions::read(world, request)?;
    if given.is_empty() {
        return Err(PublicError::invalid("permissions", "A group needs at least one permission."));
    }
    let group = change(world, id, |group| match request.method {
        "PUT" => group.permissions = given,
        _ => permissions::add(&mut group.permissions, &given),
    })?;
    let principal = Principal { id, kind: "group" };
    permissions::audit(world, principal, &group.name);
    Ok(Reply::ok(permissions::answer(&group.permissions, principal)))
}
