//! What users and groups of a new world hold: every shape that permissions come in.

use super::iam::{Label, Permission, ResourceKind, ResourceRef};
use super::workspace::WorkspaceOptions;
use super::world::World;
use crate::Random;

/// What user `number` holds. Only the first is Workspace Owner.
pub(super) fn of_user(
    number: usize,
    random: &mut Random,
    world: &World,
    options: &WorkspaceOptions,
) -> Vec<Permission> {
    let mut held = Held { world, permissions: Vec::new() };
    let source = pick(random, &world.sources).map(|source| on(ResourceKind::Source, &source.id));
    let warehouse =
        pick(random, &world.warehouses).map(|warehouse| on(ResourceKind::Warehouse, &warehouse.id));
    let function = pick(random, &world.functions).map(|function| on(ResourceKind::Function, &function.id));
    let space = pick(random, &world.spaces).map(|space| on(ResourceKind::Space, &space.id));
    match number % 7 {
        0 if number == 0 => held.everywhere("Workspace Owner", &[]),
        // Without any permission: a member of the workspace and nothing else.
        0 => {}
        1 => {
            held.everywhere("Workspace Member", &[]);
            held.on("Source Admin", source);
        }
        2 => held.everywhere("Source Read-only", &[("environment", "prod")]),
        3 => held.on("Warehouse Destination Admin", warehouse),
        4 => held.on("Function Admin", function),
        5 => {
            held.on("Unify Read-only, Engage User", space);
            held.everywhere("End User Privacy Admin", &[]);
        }
        _ => {
            held.on("Source Read-only", first_sources(world, 2));
            // One role in two entries, with a pair that was there before (segment-api A57).
            if number % 2 == 1 {
                held.on("Source Read-only", first_sources(world, 1));
            }
        }
    }
    held.unknown(number, options)
}

/// What group `number` holds. Roles on single resources, narrowed by labels and in several entries are
/// among the first six; the last of these holds nothing.
pub(super) fn of_group(number: usize, world: &World, options: &WorkspaceOptions) -> Vec<Permission> {
    let mut held = Held { world, permissions: Vec::new() };
    let source = |at: usize| world.sources.get(at).map(|source| on(ResourceKind::Source, &source.id));
    match number % 6 {
        0 => {
            held.everywhere("Source Read-only", &[]);
            held.everywhere("Source Admin", &[("environment", "prod"), ("brand", "acme")]);
        }
        1 => {
            held.everywhere("Tracking Plan Read-only", &[]);
            held.on("Source Admin", source(1));
        }
        2 => {
            held.on("Source Read-only", source(0));
            held.on("Source Read-only", first_sources(world, 2));
            let function = world.functions.first();
            held.on("Function Admin", function.map(|function| on(ResourceKind::Function, &function.id)));
        }
        3 => {
            held.everywhere("Tracking Plan Read-only", &[]);
            let space = world.spaces.first();
            held.on("Unify Read-only, Engage User", space.map(|space| on(ResourceKind::Space, &space.id)));
            let warehouse = world.warehouses.first();
            held.on(
                "Warehouse Destination Admin",
                warehouse.map(|warehouse| on(ResourceKind::Warehouse, &warehouse.id)),
            );
        }
        // The same narrowed role as that of the first group, its labels the other way round.
        4 => held.everywhere("Source Admin", &[("brand", "acme"), ("environment", "prod")]),
        _ => {}
    }
    if options.owner_group == Some(number) {
        held.everywhere("Workspace Owner", &[]);
    }
    held.unknown(number, options)
}

struct Held<'a> {
    world: &'a World,
    permissions: Vec<Permission>,
}

impl Held<'_> {
    /// Adds an entry, if there is something that it is on.
    fn on(&mut self, role: &str, resources: impl IntoIterator<Item = ResourceRef>) {
        let resources: Vec<ResourceRef> = resources.into_iter().collect();
        if !resources.is_empty() {
            self.permissions.extend(self.world.permission_by_name(role, resources));
        }
    }

    fn everywhere(&mut self, role: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| Label::new(key, value)).collect();
        let id = self.world.workspace_id.clone();
        self.on(role, [ResourceRef { id, kind: ResourceKind::Workspace, labels: Some(labels) }]);
    }

    /// Adds access to something of a kind that no list shows, where that is asked for.
    fn unknown(mut self, number: usize, options: &WorkspaceOptions) -> Vec<Permission> {
        let every = options.unknown_kinds_every;
        if every > 0 && number % every == every - 1 {
            self.on("Entities Admin", [on(ResourceKind::Journey, &format!("jrn_{number}"))]);
        }
        self.permissions
    }
}

fn on(kind: ResourceKind, id: &str) -> ResourceRef {
    ResourceRef { id: id.to_owned(), kind, labels: None }
}

fn pick<'a, T>(random: &mut Random, choices: &'a [T]) -> Option<&'a T> {
    (!choices.is_empty()).then(|| random.pick(choices))
}

fn first_sources(world: &World, count: usize) -> impl Iterator<Item = ResourceRef> {
    world.sources.iter().take(count).map(|source| on(ResourceKind::Source, &source.id))
}
