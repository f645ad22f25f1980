use super::iam::{Group, Label, Permission, ResourceKind, ResourceRef, Role, User};
use super::resource::{FUNCTION_TYPES, Function, Source, Space, Warehouse};
use super::world::{START, World};
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
const SOURCES: [(&str, Option<&str>, &str); 6] = [
    ("website", Some("Website"), "Javascript"),
    ("backend", Some("Backend"), "HTTP API"),
    ("ios-app", Some("iOS app"), "Apple"),
    ("android-app", Some("Android app"), "Android"),
    ("crm-import", None, "Salesforce"),
    ("website-staging", Some("Website (staging)"), "Javascript"),
];

/// Fills a new world with the workspace's users, groups, roles and resources.
pub(super) fn fill(world: &mut World, users: usize) {
    let seed = world.seed;
    world.roles = roles(&mut Random::named(seed, "roles"));
    world.labels = vec![
        Label { description: Some("live traffic".into()), ..Label::new("environment", "prod") },
        Label::new("environment", "dev"),
        Label::new("brand", "acme"),
    ];
    world.sources = sources(&mut Random::named(seed, "sources"));
    world.warehouses = warehouses(&mut Random::named(seed, "warehouses"), &world.sources);
    world.spaces = spaces(&mut Random::named(seed, "spaces"));
    world.functions = functions(&mut Random::named(seed, "functions"));
    world.users = people(&mut Random::named(seed, "users"), users, world);
    world.invites = (0..3).map(|number| format!("invited-{number}@example.com")).collect();
    world.groups = groups(&mut Random::named(seed, "groups"), world);
}

fn roles(random: &mut Random) -> Vec<Role> {
    let role = |name: &&str| Role {
        id: random.letters(27),
        name: (*name).to_owned(),
        description: format!("Built-in role: {name}."),
    };
    ROLES.iter().map(role).collect()
}

fn sources(random: &mut Random) -> Vec<Source> {
    let source = |(slug, name, product): &(&str, Option<&str>, &'static str)| Source {
        id: random.letters(22),
        slug: (*slug).to_owned(),
        name: name.map(str::to_owned),
        product,
        write_key: random.letters(32),
        labels: vec![Label::new("environment", if slug.ends_with("staging") { "dev" } else { "prod" })],
    };
    SOURCES.iter().map(source).collect()
}

fn warehouses(random: &mut Random, sources: &[Source]) -> Vec<Warehouse> {
    let warehouse = |(name, product): &(&str, &'static str)| Warehouse {
        id: random.letters(22),
        name: (*name).to_owned(),
        product,
        password: random.letters(20),
        sources: sources.iter().take(3).map(|source| source.id.clone()).collect(),
    };
    [("analytics", "Snowflake"), ("finance", "Snowflake"), ("archive", "BigQuery")]
        .iter()
        .map(warehouse)
        .collect()
}

fn spaces(random: &mut Random) -> Vec<Space> {
    let space = |(slug, name): &(&str, &str)| Space {
        id: format!("spa_{}", random.letters(22)),
        slug: (*slug).to_owned(),
        name: (*name).to_owned(),
        secret: random.letters(86),
    };
    [("prod", "Production"), ("dev", "Development")].iter().map(space).collect()
}

fn functions(random: &mut Random) -> Vec<Function> {
    let mut functions = Vec::new();
    for (number, kind) in FUNCTION_TYPES.iter().enumerate() {
        for copy in 0..=(number % 2) {
            let prefix = if kind.ends_with("SOURCE") { "sfnc" } else { "dfn" };
            functions.push(Function {
                id: format!("{prefix}_{}", random.letters(24).to_lowercase()),
                resource_type: kind,
                created_at: START.to_owned(),
                created_by: random.letters(22),
                display_name: (copy == 0).then(|| format!("Function {number} ({})", kind.to_lowercase())),
                catalog_id: random.letters(24).to_lowercase(),
            });
        }
    }
    functions
}

fn people(random: &mut Random, count: usize, world: &World) -> Vec<User> {
    let person = |number: usize| {
        let (first, last) = (*random.pick(&FIRST_NAMES), *random.pick(&LAST_NAMES));
        let login: String = format!("{first}.{last}").chars().filter(char::is_ascii).collect();
        User {
            id: random.letters(22),
            // A person without a family name, as real directories have them.
            name: if number % 13 == 7 { first.to_owned() } else { format!("{first} {last}") },
            email: format!("{}.{number}@corp.example.com", login.replace('\'', "").to_lowercase()),
            permissions: Some(permissions_of(number, random, world)),
        }
    };
    (0..count).map(person).collect()
}

fn permissions_of(number: usize, random: &mut Random, world: &World) -> Vec<Permission> {
    let on = |kind, id: &str| ResourceRef { id: id.to_owned(), kind, labels: None };
    let everywhere = |labels: Vec<Label>| ResourceRef {
        id: world.workspace_id.clone(),
        kind: ResourceKind::Workspace,
        labels: Some(labels),
    };
    let role = |name: &str, resources| world.permission_by_name(name, resources);
    let source = random.pick(&world.sources).id.clone();
    let warehouse = random.pick(&world.warehouses).id.clone();
    let function = random.pick(&world.functions).id.clone();
    let space = random.pick(&world.spaces).id.clone();
    let permissions = match number % 7 {
        0 if number == 0 => vec![role("Workspace Owner", vec![everywhere(Vec::new())])],
        // Without any permission: a member of the workspace and nothing else.
        0 => Vec::new(),
        1 => vec![
            role("Workspace Member", vec![everywhere(Vec::new())]),
            role("Source Admin", vec![on(ResourceKind::Source, &source)]),
        ],
        2 => vec![role("Source Read-only", vec![everywhere(vec![Label::new("environment", "prod")])])],
        3 => vec![role("Warehouse Destination Admin", vec![on(ResourceKind::Warehouse, &warehouse)])],
        4 => vec![role("Function Admin", vec![on(ResourceKind::Function, &function)])],
        5 => vec![
            role("Unify Read-only, Engage User", vec![on(ResourceKind::Space, &space)]),
            role("End User Privacy Admin", vec![everywhere(Vec::new())]),
        ],
        _ => {
            let two = world.sources.iter().take(2).map(|source| on(ResourceKind::Source, &source.id));
            vec![role("Source Read-only", two.collect())]
        }
    };
    permissions.into_iter().flatten().collect()
}

fn groups(random: &mut Random, world: &World) -> Vec<Group> {
    let count = (world.users.len() / 10).max(4);
    let group = |number: usize| {
        let team = TEAMS.get(number % TEAMS.len()).copied().unwrap_or_default();
        let mut members: Vec<String> =
            world.users.iter().skip(number).step_by(count).map(|user| user.email.clone()).collect();
        if number == 0 {
            members.extend(world.invites.first().cloned());
        }
        let kind = if number.is_multiple_of(2) { "Source Read-only" } else { "Tracking Plan Read-only" };
        let everywhere = ResourceRef {
            id: world.workspace_id.clone(),
            kind: ResourceKind::Workspace,
            labels: Some(Vec::new()),
        };
        Group {
            id: random.letters(22),
            name: format!("Group {number:03} {team}"),
            members,
            permissions: world.permission_by_name(kind, vec![everywhere]).into_iter().collect(),
        }
    };
    (0..count).map(group).collect()
}
