//! What can be changed.

use serde_json::json;

use super::answers::{error, membership, not_found};
use super::{Access, GitHub, Standing, TeamRole};
use crate::server::{Answer, Call};

/// A text of the body, if there is a body.
fn text(call: &Call, field: &str) -> Option<String> {
    call.json()?.get(field)?.as_str().map(str::to_owned)
}

/// A word of the body, or what it means to leave it out; `None` if it is not known.
fn word<T>(call: &Call, field: &str, default: T, known: impl Fn(&str) -> Option<T>) -> Option<T> {
    text(call, field).map_or(Some(default), |word| known(&word))
}

fn invalid(field: &str) -> Answer {
    error(422, &format!("Invalid request. `{field}` is not known."))
}

fn access(word: &str) -> Option<Access> {
    Access::ALL.into_iter().find(|access| access.word() == word)
}

/// Adds a member or changes the role. Who is no member of the organisation is invited, and stays pending.
pub(super) fn add_to_team(github: &mut GitHub, call: &Call, team: u64, login: &str) -> Answer {
    let role = word(call, "role", TeamRole::Member, |word| {
        [TeamRole::Member, TeamRole::Maintainer].into_iter().find(|role| role.word() == word)
    });
    let Some(role) = role else { return invalid("role") };
    let Some(person) = github.person_by_login(login) else { return not_found() };
    let (id, standing) = (person.id, person.standing);
    let Some(found) = github.teams.iter_mut().find(|found| found.id == team) else { return not_found() };
    match standing {
        Standing::Owner | Standing::Member => {
            found.members.retain(|(member, _)| *member != id);
            found.members.push((id, role));
        }
        Standing::Outside | Standing::Stranger if !found.pending.contains(&id) => found.pending.push(id),
        Standing::Outside | Standing::Stranger => {}
    }
    match (github.team(team), github.person(id)) {
        (Some(team), Some(person)) => membership(github, team, person),
        _ => not_found(),
    }
}

/// Takes somebody out of this very team; who is in a team below it only is not in it.
pub(super) fn remove_from_team(github: &mut GitHub, team: u64, login: &str) -> Answer {
    let Some(id) = github.person_by_login(login).map(|person| person.id) else { return not_found() };
    let Some(team) = github.teams.iter_mut().find(|found| found.id == team) else { return not_found() };
    let before = team.members.len() + team.pending.len();
    team.members.retain(|(member, _)| *member != id);
    team.pending.retain(|member| *member != id);
    if team.members.len() + team.pending.len() == before { not_found() } else { Answer::status(204) }
}

/// Ends a membership of the organisation, with all teams and repositories. The last owner stays.
pub(super) fn remove_from_organization(github: &mut GitHub, login: &str) -> Answer {
    let Some(person) = github.person_by_login(login) else { return not_found() };
    let (id, standing) = (person.id, person.standing);
    let owners = github.people.iter().filter(|person| person.standing == Standing::Owner).count();
    match standing {
        Standing::Outside | Standing::Stranger => return not_found(),
        Standing::Owner if owners == 1 => {
            return error(403, "Cannot remove the last owner of the organization");
        }
        Standing::Owner | Standing::Member => {}
    }
    for person in github.people.iter_mut().filter(|person| person.id == id) {
        person.standing = Standing::Stranger;
    }
    for team in &mut github.teams {
        team.members.retain(|(member, _)| *member != id);
    }
    for repository in &mut github.repositories {
        repository.collaborators.retain(|(member, _)| *member != id);
    }
    Answer::status(204)
}

/// Makes a member an owner, or an owner a member again. Who is neither is invited, by account.
pub(super) fn set_membership(github: &mut GitHub, call: &Call, login: &str) -> Answer {
    let role = word(call, "role", Standing::Member, |word| match word {
        "member" => Some(Standing::Member),
        "admin" => Some(Standing::Owner),
        _ => None,
    });
    let Some(role) = role else { return invalid("role") };
    let owners = github.people.iter().filter(|person| person.standing == Standing::Owner).count();
    let Some(person) = github.people.iter_mut().find(|person| person.login.eq_ignore_ascii_case(login))
    else {
        return not_found();
    };
    let state = match person.standing {
        Standing::Owner if owners == 1 && role == Standing::Member => {
            return error(403, "Cannot demote the last owner of the organization");
        }
        Standing::Owner | Standing::Member => {
            person.standing = role;
            "active"
        }
        Standing::Outside | Standing::Stranger => "pending",
    };
    let role = if role == Standing::Owner { "admin" } else { "member" };
    Answer::json(200, &json!({"state": state, "role": role}))
}

/// Takes an outside collaborator out of every repository. Members are refused.
pub(super) fn remove_outsider(github: &mut GitHub, login: &str) -> Answer {
    let Some(person) = github.person_by_login(login) else { return not_found() };
    let (id, standing) = (person.id, person.standing);
    match standing {
        Standing::Owner | Standing::Member => {
            return error(
                422,
                "You cannot specify an organization member to remove as an outside collaborator.",
            );
        }
        Standing::Outside | Standing::Stranger => {}
    }
    for repository in &mut github.repositories {
        repository.collaborators.retain(|(member, _)| *member != id);
    }
    for person in github.people.iter_mut().filter(|person| person.id == id) {
        person.standing = Standing::Stranger;
    }
    Answer::status(204)
}

/// Gives a team access to a repository, in the place of what it has.
pub(super) fn give_team(github: &mut GitHub, call: &Call, team: u64, name: &str) -> Answer {
    let Some(given) = word(call, "permission", Access::Push, access) else { return invalid("permission") };
    let Some(found) = github.repositories.iter_mut().find(|found| found.name == name) else {
        return not_found();
    };
    found.teams.retain(|(known, _)| *known != team);
    found.teams.push((team, given));
    Answer::status(204)
}

/// Takes a team's access to a repository; it does no harm if there is none.
pub(super) fn take_from_team(github: &mut GitHub, team: u64, name: &str) -> Answer {
    let Some(found) = github.repositories.iter_mut().find(|found| found.name == name) else {
        return not_found();
    };
    found.teams.retain(|(known, _)| *known != team);
    Answer::status(204)
}

/// Gives a person access to a repository, in the place of what the person has. Who is no member becomes an
/// outside collaborator at once: the invitation is taken as accepted.
pub(super) fn give_person(github: &mut GitHub, call: &Call, repository: u64, login: &str) -> Answer {
    let Some(given) = word(call, "permission", Access::Push, access) else { return invalid("permission") };
    let Some(id) = github.person_by_login(login).map(|person| person.id) else { return not_found() };
    let Some(found) = github.repositories.iter_mut().find(|found| found.id == repository) else {
        return not_found();
    };
    found.collaborators.retain(|(known, _)| *known != id);
    found.collaborators.push((id, given));
    for person in github.people.iter_mut().filter(|person| person.id == id) {
        if person.standing == Standing::Stranger {
            person.standing = Standing::Outside;
        }
    }
    Answer::status(204)
}

/// Takes a person's own access to a repository; it does no harm if there is none.
pub(super) fn take_from_person(github: &mut GitHub, repository: u64, login: &str) -> Answer {
    let Some(id) = github.person_by_login(login).map(|person| person.id) else { return not_found() };
    for found in github.repositories.iter_mut().filter(|found| found.id == repository) {
        found.collaborators.retain(|(known, _)| *known != id);
    }
    let has_any =
        github.repositories.iter().any(|found| found.collaborators.iter().any(|(known, _)| *known == id));
    for person in github.people.iter_mut().filter(|person| person.id == id) {
        if person.standing == Standing::Outside && !has_any {
            person.standing = Standing::Stranger;
        }
    }
    Answer::status(204)
}
