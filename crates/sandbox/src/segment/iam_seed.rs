use super::iam::{Group, Label, Role, User};
use super::users::Users;
use super::workspace::WorkspaceOptions;
use super::world::World;
use super::{access_seed, resource_seed};
use crate::Random;

const FIRST_NAMES: [&str; 12] =
    ["Ava", "Emma", "Mia", "Fatima", "Omar", "Ethan", "Olivia", "Ivan", "Chloé", "Søren", "Yuki", "Kofi"];
const LAST_NAMES: [&str; 12] = [
    "Cohen", "Garcia", "Ivanova", "Nguyen", "Patel", "Okafor", "Rossi", "Dubois", "O'Brien", "Müller",
    "Tanaka", "Smith",
];
const TEAMS: [&str; 6] = ["Growth", "Data Platform", "Marketing", "Sales, EMEA", "R&D: Core", "Support"];
const ROLES: [&str; 18] = [
    "Workspace Owner",
    "Workspace Member",
    "Source Admin",
    "Source Read-only",
    "Function Admin",
    "Function Read-only",
    "Unify and Engage Admin",
    "Unify and Engage Read-only",
    "Unify Read-only, Engage User",
    "Warehouse Destination Admin",
    "Warehouse Destination Read-only",
    "End User Privacy Admin",
    "Identity Admin",
    "Tracking Plan Admin",
    "Tracking Plan Read-only",
    "Entities Admin",
    "Entities Read-only",
    "PII Access",
];
/// A name that is no key and no delimiter, whatever stands in it.
const ODD_NAME: &str = "Zoë \"Zed\" Smith & Co: Ltd, EU";

/// Fills a new world with the workspace's users, groups, roles and resources.
pub(super) fn fill(world: &mut World, users: usize, options: &WorkspaceOptions) {
    world.roles = roles(&mut Random::named(world.seed, "roles"));
    world.labels = vec![
        Label { description: Some("live traffic".into()), ..Label::new("environment", "prod") },
        Label::new("environment", "dev"),
        Label::new("brand", "acme"),
    ];
    resource_seed::fill(world, options);
    world.users = Users::new(people(world, users, options));
    world.invites = (0..options.invites).map(|number| format!("invited-{number}@example.com")).collect();
    world.groups = groups(world, options);
}

fn roles(random: &mut Random) -> Vec<Role> {
    let role = |name: &&str| Role {
        id: random.letters(27),
        name: (*name).to_owned(),
        description: format!("Built-in role: {name}."),
    };
    ROLES.iter().map(role).collect()
}

fn people(world: &World, count: usize, options: &WorkspaceOptions) -> Vec<User> {
    let mut random = Random::named(world.seed, "users");
    let nameless = options.nameless_users_every;
    let person = |number: usize| {
        let (first, last) = (*random.pick(&FIRST_NAMES), *random.pick(&LAST_NAMES));
        let login: String = format!("{first}.{last}").chars().filter(char::is_ascii).collect();
        let name = match number {
            _ if nameless > 0 && number % nameless == nameless - 1 => String::new(),
            _ if number % 17 == 16 => ODD_NAME.to_owned(),
            // A person without a family name, as real directories have them.
            _ if number % 13 == 7 => first.to_owned(),
            _ => format!("{first} {last}"),
        };
        User {
            id: random.letters(22),
            name,
            email: format!("{}.{number}@corp.example.com", login.replace('\'', "").to_lowercase()),
            permissions: Some(access_seed::of_user(number, &mut random, world, options)),
        }
    };
    (0..count).map(person).collect()
}

fn groups(world: &World, options: &WorkspaceOptions) -> Vec<Group> {
    let mut random = Random::named(world.seed, "groups");
    let count = options.groups.unwrap_or((world.users.len() / 10).max(6));
    let group = |number: usize| {
        let team = TEAMS.get(number % TEAMS.len()).copied().unwrap_or_default();
        let mut members = members(world, number, count, options.group_members);
        if number == 0 {
            members.extend(world.invites.first().cloned());
        }
        Group {
            id: random.letters(22),
            name: format!("Group {number:03} {team}"),
            members,
            permissions: access_seed::of_group(number, world, options),
        }
    };
    (0..count).map(group).collect()
}

/// Addresses of the users in a group: every user in one group, or so many of them one after the other.
fn members(world: &World, number: usize, groups: usize, members: Option<usize>) -> Vec<String> {
    let users = world.users.len();
    match members {
        None => world.users.iter().skip(number).step_by(groups).map(|user| user.email.clone()).collect(),
        Some(members) => (0..members.min(users))
            .filter_map(|member| world.users.get((number * members + member) % users))
            .map(|user| user.email.clone())
            .collect(),
    }
}
