use serde_json::{Map, Value, json};

use super::links::page;
use super::{
    Access, GitHub, LOGIN, Membership, Person, Repository, Standing, Team, TeamRole, changes, invitations,
};
use crate::directories::segments;
use crate::server::{Answer, Call};

/// An error as GitHub tells it.
pub(in crate::directories) fn error(status: u16, message: &str) -> Answer {
    let documentation = "https://docs.github.com/rest";
    Answer::json(
        status,
        &json!({"message": message, "documentation_url": documentation, "status": status.to_string()}),
    )
}

pub(super) fn not_found() -> Answer {
    error(404, "Not Found")
}

pub(in crate::directories) fn answer(github: &mut GitHub, call: &Call) -> Answer {
    let segments = segments(call);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["users", login] if call.method == "GET" => match github.person_by_login(login) {
            Some(person) => Answer::json(200, &profile(person)),
            None => not_found(),
        },
        ["orgs", login, rest @ ..] if login.eq_ignore_ascii_case(LOGIN) => organization(github, call, rest),
        ["organizations", id, rest @ ..] if *id == github.id.to_string() => match rest {
            ["team", team, rest @ ..] => match team.parse() {
                Ok(team) => of_team(github, call, team, rest),
                Err(_) => not_found(),
            },
            rest => organization(github, call, rest),
        },
        ["repos", login, name, rest @ ..] if login.eq_ignore_ascii_case(LOGIN) => {
            let found = github.repositories.iter().find(|found| found.name.eq_ignore_ascii_case(name));
            match found.map(|found| found.id) {
                Some(id) => of_repository(github, call, id, rest),
                None => not_found(),
            }
        }
        ["repositories", id, rest @ ..] => match id.parse() {
            Ok(id) => of_repository(github, call, id, rest),
            Err(_) => not_found(),
        },
        _ => not_found(),
    }
}

fn organization(github: &mut GitHub, call: &Call, rest: &[&str]) -> Answer {
    let query = call.parameters();
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(
            200,
            &json!({
                "login": LOGIN, "id": github.id, "name": "Acme Corp", "type": "Organization",
                "description": "Everything a coyote needs", "default_repository_permission": "none",
                "html_url": format!("https://github.com/{LOGIN}"),
            }),
        ),
        ("GET", ["members"]) => {
            let role = query.find("role").unwrap_or("all");
            let wanted = |person: &&Person| match person.standing {
                Standing::Owner => role != "member",
                Standing::Member => role != "admin",
                Standing::Outside | Standing::Stranger => false,
            };
            page(github, call, &github.people.iter().filter(wanted).map(brief).collect::<Vec<_>>())
        }
        ("GET", ["outside_collaborators"]) => {
            let outside = github.people.iter().filter(|person| person.standing == Standing::Outside);
            page(github, call, &outside.map(brief).collect::<Vec<_>>())
        }
        ("GET", ["memberships", login]) => match github.person_by_login(login) {
            Some(person) if matches!(person.standing, Standing::Owner | Standing::Member) => {
                let role = if person.standing == Standing::Owner { "admin" } else { "member" };
                Answer::json(200, &json!({"state": "active", "role": role, "user": brief(person)}))
            }
            Some(_) | None => not_found(),
        },
        // A membership that is active ends in the same way.
        ("DELETE", ["members" | "memberships", login]) => changes::remove_from_organization(github, login),
        ("PUT", ["memberships", login]) => changes::set_membership(github, call, login),
        ("DELETE", ["outside_collaborators", login]) => changes::remove_outsider(github, login),
        (_, ["invitations", rest @ ..]) => invitations::answer(github, call, rest),
        ("GET", ["teams"]) => {
            page(github, call, &github.teams.iter().map(|team| shown(github, team)).collect::<Vec<_>>())
        }
        ("GET", ["repos"]) => {
            page(github, call, &github.repositories.iter().map(repository).collect::<Vec<_>>())
        }
        (_, ["teams", slug, rest @ ..]) => match github.teams.iter().find(|team| team.slug == *slug) {
            Some(team) => of_team(github, call, team.id, rest),
            None => not_found(),
        },
        _ => not_found(),
    }
}

fn of_team(github: &mut GitHub, call: &Call, id: u64, rest: &[&str]) -> Answer {
    let Some(team) = github.team(id) else { return not_found() };
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &shown(github, team)),
        ("GET", ["members"]) => {
            let query = call.parameters();
            let wanted = query.find("role").unwrap_or("all");
            let members = github.members_of(team);
            let chosen = members.iter().filter(|member| wanted == "all" || member.role.word() == wanted);
            page(github, call, &chosen.filter_map(|member| team_member(github, member)).collect::<Vec<_>>())
        }
        ("GET", ["teams"]) => {
            let children = github.teams.iter().filter(|child| child.parent == Some(id));
            page(github, call, &children.map(|child| shown(github, child)).collect::<Vec<_>>())
        }
        ("GET", ["repos"]) => {
            let held = |found: &Repository| Some((access_of(&found.teams, id)?, repository(found)));
            let repositories = github.repositories.iter().filter_map(held);
            let with_access = |(access, mut repository): (Access, Value)| {
                if let Some(object) = repository.as_object_mut() {
                    object.insert("permissions".into(), permissions(access));
                    object.insert("role_name".into(), json!(access.role_name()));
                }
                repository
            };
            page(github, call, &repositories.map(with_access).collect::<Vec<_>>())
        }
        ("GET", ["memberships", login]) => match github.person_by_login(login) {
            Some(person) => membership(github, team, person),
            None => not_found(),
        },
        ("PUT", ["memberships", login]) => changes::add_to_team(github, call, id, login),
        ("DELETE", ["memberships", login]) => changes::remove_from_team(github, id, login),
        ("PUT", ["repos", _, name]) => changes::give_team(github, call, id, name),
        ("DELETE", ["repos", _, name]) => changes::take_from_team(github, id, name),
        _ => not_found(),
    }
}

fn of_repository(github: &mut GitHub, call: &Call, id: u64, rest: &[&str]) -> Answer {
    let Some(found) = github.repositories.iter().find(|found| found.id == id) else { return not_found() };
    match (call.method.as_str(), rest) {
        ("GET", []) => Answer::json(200, &repository(found)),
        ("GET", ["collaborators"]) => {
            let query = call.parameters();
            let wanted = query.find("affiliation").unwrap_or("all");
            let collaborators: Vec<Value> = collaborators(github, found, wanted)
                .into_iter()
                .filter_map(|(id, access)| Some((github.person(id)?, access)))
                .map(|(person, access)| collaborator(person, access))
                .collect();
            page(github, call, &collaborators)
        }
        ("GET", ["teams"]) => {
            let team = |(id, access): &(u64, Access)| {
                let mut team = shown(github, github.team(*id)?);
                let object = team.as_object_mut()?;
                object.insert("permission".into(), json!(access.word()));
                object.insert("permissions".into(), permissions(*access));
                Some(team)
            };
            page(github, call, &found.teams.iter().filter_map(team).collect::<Vec<_>>())
        }
        ("PUT", ["collaborators", login]) => changes::give_person(github, call, id, login),
        ("DELETE", ["collaborators", login]) => changes::take_from_person(github, id, login),
        _ => not_found(),
    }
}

/// Who can use a repository. `direct` are those who were given access themselves, `outside` those of them who
/// are no members. Everybody counts with the highest of what they have from anywhere, owners with everything.
pub(super) fn collaborators(github: &GitHub, repository: &Repository, wanted: &str) -> Vec<(u64, Access)> {
    let mut all = repository.collaborators.clone();
    let owners = github.people.iter().filter(|person| person.standing == Standing::Owner);
    let mut others: Vec<(u64, Access)> = owners.map(|person| (person.id, Access::Admin)).collect();
    for (team, access) in &repository.teams {
        let members = github.team(*team).map(|team| github.members_of(team)).unwrap_or_default();
        others.extend(members.into_iter().map(|member| (member.id, *access)));
    }
    for (id, access) in others {
        match all.iter_mut().find(|(known, _)| *known == id) {
            Some((_, held)) => *held = access.max(*held),
            None => all.push((id, access)),
        }
    }
    let is_direct = |id: u64| repository.collaborators.iter().any(|(known, _)| *known == id);
    let is_outside = |id: u64| github.person(id).is_some_and(|person| person.standing == Standing::Outside);
    all.retain(|(id, _)| match wanted {
        "direct" => is_direct(*id),
        "outside" => is_direct(*id) && is_outside(*id),
        _ => true,
    });
    all
}

fn access_of(held: &[(u64, Access)], id: u64) -> Option<Access> {
    held.iter().find(|(known, _)| *known == id).map(|(_, access)| *access)
}

/// A membership of a team, of the team itself or of one below it.
pub(super) fn membership(github: &GitHub, team: &Team, person: &Person) -> Answer {
    let members = github.members_of(team);
    let role = members.iter().find(|member| member.id == person.id).map(|member| member.role);
    let (state, role) = match role {
        Some(role) => ("active", role),
        None if team.pending.contains(&person.id) => ("pending", TeamRole::Member),
        None => return not_found(),
    };
    let url = format!(
        "https://api.github.com/organizations/{}/team/{}/memberships/{}",
        github.id, team.id, person.login
    );
    Answer::json(200, &json!({"url": url, "role": role.word(), "state": state}))
}

/// A person as lists show one: no name and no address.
fn brief(person: &Person) -> Value {
    json!({
        "login": person.login,
        "id": person.id,
        "type": "User",
        "site_admin": false,
        "url": format!("https://api.github.com/users/{}", person.login),
        "html_url": format!("https://github.com/{}", person.login),
    })
}

/// A person as the list of a team shows one.
fn team_member(github: &GitHub, member: &Membership) -> Option<Value> {
    let mut shown = brief(github.person(member.id)?);
    if github.tells_inherited {
        let object = shown.as_object_mut()?;
        object.insert("role".into(), json!(member.role.word()));
        object.insert("inherited".into(), json!(member.inherited));
    }
    Some(shown)
}

/// A person alone; name and address are there if the person shows them.
fn profile(person: &Person) -> Value {
    let mut profile = brief(person);
    if let Some(object) = profile.as_object_mut() {
        let shown = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        object.insert("name".into(), shown(&person.name));
        object.insert("email".into(), shown(&person.email));
    }
    profile
}

fn collaborator(person: &Person, access: Access) -> Value {
    let mut shown = brief(person);
    if let Some(object) = shown.as_object_mut() {
        object.insert("permissions".into(), permissions(access));
        object.insert("role_name".into(), json!(access.role_name()));
    }
    shown
}

/// Every access with whether it is included.
fn permissions(access: Access) -> Value {
    let included: Map<String, Value> =
        Access::ALL.iter().map(|each| (each.word().to_owned(), json!(*each <= access))).collect();
    Value::Object(included)
}

fn shown(github: &GitHub, team: &Team) -> Value {
    let plain = |team: &Team| {
        json!({
            "id": team.id,
            "name": team.name,
            "slug": team.slug,
            "description": format!("The team {}", team.name),
            "privacy": "closed",
            "permission": "pull",
            "url": format!("https://api.github.com/organizations/{}/team/{}", github.id, team.id),
            "html_url": format!("https://github.com/orgs/{LOGIN}/teams/{}", team.slug),
        })
    };
    let mut shown = plain(team);
    if let Some(object) = shown.as_object_mut() {
        let parent = team.parent.and_then(|parent| github.team(parent)).map(plain);
        object.insert("parent".into(), json!(parent));
    }
    shown
}

fn repository(repository: &Repository) -> Value {
    json!({
        "id": repository.id,
        "name": repository.name,
        "full_name": format!("{LOGIN}/{}", repository.name),
        "private": true,
        "archived": false,
        "owner": {"login": LOGIN, "type": "Organization"},
        "description": null,
        "html_url": format!("https://github.com/{LOGIN}/{}", repository.name),
    })
}
