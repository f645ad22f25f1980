//! What a perfect inventory of the simulated workspace contains.

use std::collections::{BTreeSet, HashMap};

use super::iam::{Label, Permission, ResourceKind, Role};
use super::resource::Source;
use super::world::{WORKSPACE_NAME, World};
use crate::governance::{
    Availability, Entitled, GovernanceTruth, NewEntitlement, TruthAccount, TruthBuilder, TruthKey,
    TruthResource, TruthUnplaced,
};

/// The kinds, in the order of their inventory (rule: segment-api D2, D6; baton 14.2).
const KINDS: [&str; 9] =
    ["workspace", "user", "group", "role", "function", "source", "warehouse", "space", "invite"];
/// Only users are members of the workspace and of groups (rule: segment-api D9).
const USERS: &[&str] = &["user"];
/// Roles are held by users and by groups (rule: segment-api A50).
const USERS_AND_GROUPS: &[&str] = &["user", "group"];

/// Computes it. `is_available` says which kinds plan and token allow (rule: segment-api A67).
pub(super) fn of(world: &World, is_available: impl Fn(&str) -> bool) -> GovernanceTruth {
    let mut truth = Truth {
        world,
        builder: TruthBuilder::default(),
        workspace: TruthKey::new("workspace", &world.workspace_id),
        available: KINDS.into_iter().filter(|kind| is_available(kind)).collect(),
        names: HashMap::new(),
    };
    for kind in KINDS {
        let availability = if truth.has(kind) { Availability::Available } else { Availability::Unavailable };
        truth.builder.kind(kind, availability);
    }
    truth.resources();
    truth.memberships();
    truth.permissions();
    truth.builder.finish()
}

struct Truth<'a> {
    world: &'a World,
    builder: TruthBuilder,
    workspace: TruthKey,
    available: BTreeSet<&'static str>,
    /// Names of the resources that roles can be given on.
    names: HashMap<TruthKey, String>,
}

impl Truth<'_> {
    fn has(&self, kind: &str) -> bool {
        self.available.contains(kind)
    }

    /// Adds one resource below the workspace, if its kind is available.
    fn resource(&mut self, kind: &'static str, id: &str, display_name: String) {
        if self.has(kind) {
            let (key, parent) = (TruthKey::new(kind, id), Some(self.workspace.clone()));
            self.builder.resource(TruthResource { key, display_name, parent, account: None });
        }
    }

    /// All resources (rule: segment-api D2) and what can be held on them (rule: segment-api D3).
    fn resources(&mut self) {
        let world = self.world;
        // The workspace is the only root (rule: baton SG-4).
        let (key, display_name) = (self.workspace.clone(), WORKSPACE_NAME.to_owned());
        self.builder.resource(TruthResource { key, display_name, parent: None, account: None });
        for user in &world.users {
            // A user without a name is known by the address, which is the login, too (rule: segment-api D2);
            // the API knows no other status (rule: segment-api A34).
            let email = user.email.clone();
            self.builder.resource(TruthResource {
                key: TruthKey::new("user", &user.id),
                display_name: first_text([&user.name, &user.email]),
                parent: Some(self.workspace.clone()),
                account: Some(TruthAccount { login: email.clone(), email: Some(email), status: "enabled" }),
            });
        }
        for group in &world.groups {
            self.resource("group", &group.id, group.name.clone());
        }
        for role in &world.roles {
            self.resource("role", &role.id, role.name.clone());
            self.on_role(role, &[]);
        }
        // An invited person is no account; the address is all there is (rule: segment-api D6, A33).
        for address in &world.invites {
            self.resource("invite", address, address.clone());
        }
        for source in &world.sources {
            self.place("source", &source.id, source_name(source));
        }
        for warehouse in &world.warehouses {
            // Its own name, else that of the product (rule: segment-api A61).
            self.place(
                "warehouse",
                &warehouse.id,
                first_text([warehouse.name.as_deref().unwrap_or_default(), warehouse.product]),
            );
        }
        for function in &world.functions {
            // Every field is optional, so the name is the id where there is none (rule: segment-api A63).
            let name = function.display_name.as_deref().unwrap_or_default();
            self.place("function", &function.id, first_text([name, &function.id]));
        }
        for space in &world.spaces {
            self.place("space", &space.id, first_text([&space.name, &space.slug, &space.id]));
        }
    }

    /// A source, warehouse, function or space, with an entitlement for each role that applies to its kind.
    fn place(&mut self, kind: &'static str, id: &str, name: String) {
        self.resource(kind, id, name.clone());
        if !self.has(kind) {
            return;
        }
        let key = TruthKey::new(kind, id);
        for role in self.world.roles.iter().filter(|role| applies(role, kind)) {
            self.builder.entitlement(&key, role_on_resource(&name, role));
        }
        self.names.insert(key, name);
    }

    /// Who belongs to the workspace and to its groups.
    fn memberships(&mut self) {
        let world = self.world;
        let member = self.builder.entitlement(
            &self.workspace,
            NewEntitlement {
                slug: "member".into(),
                display_name: format!("{WORKSPACE_NAME} Workspace member"),
                description: format!("Member of {WORKSPACE_NAME} Segment workspace"),
                purpose: "assignment",
                grantable_to: USERS,
            },
        );
        let mut ids = HashMap::new();
        for user in &world.users {
            let key = TruthKey::new("user", &user.id);
            // Every user is a member, with or without permissions (rule: baton SG-7; segment-api D7).
            self.builder.grant(member, &key, &[]);
            ids.insert(user.email.to_lowercase(), key);
        }
        if !self.has("group") {
            return;
        }
        for group in &world.groups {
            let member = self.group_member(&group.id, &group.name);
            // Invited addresses among the members are no users (rule: segment-api A39, D6).
            for key in group.members.iter().filter_map(|address| ids.get(&address.to_lowercase())) {
                self.builder.grant(member, key, &[]);
            }
        }
    }

    /// What users and groups hold (rule: baton SG-9).
    fn permissions(&mut self) {
        let world = self.world;
        for user in &world.users {
            let key = TruthKey::new("user", &user.id);
            self.held(&key, user.permissions.as_deref().unwrap_or_default(), &[]);
        }
        if !self.has("group") {
            return;
        }
        for group in &world.groups {
            let key = TruthKey::new("group", &group.id);
            let member = self.group_member(&group.id, &group.name);
            // The group holds it itself and passes it to its members (rule: baton SG-12; segment-api D4).
            self.held(&key, &group.permissions, &[member]);
        }
    }

    fn held(&mut self, principal: &TruthKey, permissions: &[Permission], expandable: &[Entitled]) {
        let world = self.world;
        for permission in permissions {
            let Some(role) = world.roles.iter().find(|role| role.id == permission.role_id) else { continue };
            // The same pair may stand in several entries and counts once (rule: segment-api A57).
            for resource in &permission.resources {
                // The kind decides what it is on, never "function" for all (rule: baton SG-10).
                let kind = match resource.kind {
                    ResourceKind::Workspace => {
                        let labels = resource.labels.as_deref().unwrap_or_default();
                        let entitlement = self.on_role(role, labels);
                        self.builder.grant(entitlement, principal, expandable);
                        continue;
                    }
                    ResourceKind::Source => "source",
                    ResourceKind::Warehouse => "warehouse",
                    ResourceKind::Function => "function",
                    ResourceKind::Space => "space",
                    // A kind that no list shows is kept in mind, not dropped (rule: segment-api A7).
                    ResourceKind::Journey => {
                        self.builder.unplaced(TruthUnplaced {
                            principal: principal.clone(),
                            role: role.id.clone(),
                            kind: "JOURNEY".to_owned(),
                            id: resource.id.clone(),
                        });
                        continue;
                    }
                };
                let key = TruthKey::new(kind, &resource.id);
                let Some(name) = self.names.get(&key) else { continue };
                let entitlement = self.builder.entitlement(&key, role_on_resource(name, role));
                self.builder.grant(entitlement, principal, expandable);
            }
        }
    }

    fn group_member(&mut self, id: &str, name: &str) -> Entitled {
        self.builder.entitlement(
            &TruthKey::new("group", id),
            NewEntitlement {
                slug: "member".into(),
                display_name: format!("{name} group member"),
                description: format!("Member of {name} Segment group"),
                purpose: "assignment",
                grantable_to: USERS,
            },
        )
    }

    /// The role on the whole workspace, or narrowed by labels: then it is an entitlement of its own on the
    /// role (rule: segment-api D5, A53).
    fn on_role(&mut self, role: &Role, labels: &[Label]) -> Entitled {
        let labels = label_text(labels);
        let (slug, of, limit) = if labels.is_empty() {
            ("member".to_owned(), String::new(), String::new())
        } else {
            (format!("member[{labels}]"), format!(" ({labels})"), format!(", limited to {labels}"))
        };
        self.builder.entitlement(
            &TruthKey::new("role", &role.id),
            NewEntitlement {
                slug,
                display_name: format!("{} Role member{of}", role.name),
                description: format!("Member of {} Segment role{limit}", role.name),
                purpose: "assignment",
                grantable_to: USERS_AND_GROUPS,
            },
        )
    }
}

/// A role on one resource (rule: baton 14.3, SG-6).
fn role_on_resource(resource_name: &str, role: &Role) -> NewEntitlement {
    NewEntitlement {
        slug: snake_case(&role.name),
        display_name: format!("{resource_name} resource {}", role.name),
        description: format!("{}:{}:{}", role.name, role.id, role.description),
        purpose: "permission",
        grantable_to: USERS_AND_GROUPS,
    }
}

/// Whether a role can be given on single resources of a kind: its name says so (rule: segment-api A48).
fn applies(role: &Role, kind: &str) -> bool {
    let word = match kind {
        "source" => "Source",
        "warehouse" => "Warehouse",
        "function" => "Function",
        "space" => "Engage",
        _ => return false,
    };
    role.name.contains(word)
}

/// `name` is optional: the slug takes its place, then the id (rule: segment-api A60).
fn source_name(source: &Source) -> String {
    first_text([source.name.as_deref().unwrap_or_default(), &source.slug, &source.id])
}

fn first_text<const N: usize>(texts: [&str; N]) -> String {
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned()
}

/// Labels as the slug of a narrowed role names them: sorted by key, then value; each once.
fn label_text(labels: &[Label]) -> String {
    let sorted: BTreeSet<(&str, &str)> =
        labels.iter().map(|label| (label.key.as_str(), label.value.as_str())).collect();
    let pairs: Vec<String> = sorted.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

/// A role's name in snake case: letters and digits in lower case, one `_` for whatever stands between.
fn snake_case(name: &str) -> String {
    let words = name.split(|found: char| !found.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: baton SG-6
    #[test]
    fn roles_give_slugs_in_snake_case() {
        assert_eq!(snake_case("Source Read-only"), "source_read_only");
        assert_eq!(snake_case("Unify Read-only, Engage User"), "unify_read_only_engage_user");
    }

    // rule: segment-api D5
    #[test]
    fn labels_are_sorted_by_key_then_value_and_named_once() {
        let labels = [Label::new("b", "1"), Label::new("a", "2"), Label::new("a", "1"), Label::new("b", "1")];

        assert_eq!(label_text(&labels), "a=1,a=2,b=1");
    }
}
