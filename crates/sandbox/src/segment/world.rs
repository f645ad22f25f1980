use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::Clock;

use super::audit::{AuditEvent, Subject};
use super::iam::{Group, Label, Permission, ResourceKind, ResourceRef, Role, User};
use super::iam_seed;
use super::options::SegmentOptions;
use super::people::People;
use super::regulation::{Regulation, RegulationStatus};
use super::resource::{Function, Source, Space, Warehouse};
use super::suppression::Suppression;
use super::users::{Position, Users};
use crate::Random;

/// Everything the simulated Segment knows and can change.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) now: Timestamp,
    /// The time of callers.
    pub(super) clock: Arc<dyn Clock>,
    /// Source of ids of things made after the start.
    pub(super) random: Random,
    pub(super) tokens: Tokens,
    pub(super) workspace_id: String,
    pub(super) users: Users,
    pub(super) invites: Vec<String>,
    /// What invited people will hold, by address.
    pub(super) invited_permissions: BTreeMap<String, Vec<Permission>>,
    pub(super) groups: Vec<Group>,
    pub(super) roles: Vec<Role>,
    pub(super) labels: Vec<Label>,
    pub(super) sources: Vec<Source>,
    pub(super) warehouses: Vec<Warehouse>,
    pub(super) functions: Vec<Function>,
    pub(super) spaces: Vec<Space>,
    pub(super) audit_events: Vec<AuditEvent>,
    pub(super) people: Arc<People>,
    /// People whose profile was deleted, by index.
    pub(super) gone: HashSet<u64>,
    /// External ids that were removed from a profile: person, type, id.
    pub(super) removed_ids: HashSet<(u64, String, String)>,
    pub(super) regulations: Vec<Regulation>,
    pub(super) suppressions: Vec<Suppression>,
    pub(super) regulation_time: Duration,
    /// How destinations end, by name; those not named finish.
    pub(super) destination_outcomes: BTreeMap<String, RegulationStatus>,
}

/// The credentials that are accepted.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) public: String,
    pub(super) member: String,
    pub(super) config: String,
    pub(super) config_read: String,
}

/// Slug of the workspace.
pub(super) const WORKSPACE_SLUG: &str = "acme-analytics";
/// Name of the workspace.
pub(super) const WORKSPACE_NAME: &str = "Acme Analytics";
/// Name of the role whose last holder stays.
const OWNER: &str = "Workspace Owner";
/// The simulation's first moment.
pub(super) const START: &str = "2026-01-15T12:00:00Z";

impl World {
    pub(super) fn new(options: &SegmentOptions) -> Self {
        let seed = options.seed;
        let mut tokens = Random::named(seed, "tokens");
        let mut world = Self {
            seed,
            now: START.parse().expect("the constant is a time"),
            clock: Arc::clone(&options.clock),
            random: Random::named(seed, "later"),
            tokens: Tokens {
                public: format!("sgp_{}", tokens.letters(64)),
                member: format!("sgp_{}", tokens.letters(64)),
                config: tokens.letters(43),
                config_read: tokens.letters(43),
            },
            workspace_id: Random::named(seed, "workspace").letters(22),
            users: Users::default(),
            invites: Vec::new(),
            invited_permissions: BTreeMap::new(),
            groups: Vec::new(),
            roles: Vec::new(),
            labels: Vec::new(),
            sources: Vec::new(),
            warehouses: Vec::new(),
            functions: Vec::new(),
            spaces: Vec::new(),
            audit_events: Vec::new(),
            people: Arc::new(People::new(seed, options.profiles, options.events)),
            gone: HashSet::new(),
            removed_ids: HashSet::new(),
            regulations: Vec::new(),
            suppressions: Vec::new(),
            regulation_time: options.regulation_time,
            destination_outcomes: BTreeMap::new(),
        };
        iam_seed::fill(&mut world, options.users, &options.workspace);
        world.seed_audit();
        world
    }

    /// A permission for a role known by name.
    pub(super) fn permission_by_name(&self, name: &str, resources: Vec<ResourceRef>) -> Option<Permission> {
        let role = self.roles.iter().find(|role| role.name == name)?;
        Some(Permission { role_id: role.id.clone(), role_name: role.name.clone(), resources })
    }

    /// Whether there is such a resource.
    pub(super) fn has_resource(&self, kind: ResourceKind, id: &str) -> bool {
        match kind {
            ResourceKind::Workspace => self.workspace_id == id,
            ResourceKind::Source => self.sources.iter().any(|source| source.id == id),
            ResourceKind::Warehouse => self.warehouses.iter().any(|warehouse| warehouse.id == id),
            ResourceKind::Function => self.functions.iter().any(|function| function.id == id),
            ResourceKind::Space => self.spaces.iter().any(|space| space.id == id),
            ResourceKind::Journey => id.starts_with("jrn_"),
        }
    }

    /// A user by e-mail, whatever the case.
    pub(super) fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users.by_email(email)
    }

    /// Whether a user holds Workspace Owner on the whole workspace, directly or through a group, when those
    /// with the ids of `without` are gone. Narrowed by labels it does not count.
    pub(super) fn has_owner(&self, without: &[String]) -> bool {
        let stays = |user: &User| !without.contains(&user.id);
        let directly = |user: &User| owns(user.permissions.as_deref().unwrap_or_default());
        let through = |group: &Group| {
            owns(&group.permissions)
                && group.members.iter().any(|email| self.users.by_email(email).is_some_and(stays))
        };
        self.users.iter().any(|user| directly(user) && stays(user)) || self.groups.iter().any(through)
    }

    /// Makes a user of an invited person, or of one who comes by single sign-on; `None` if there is such a
    /// user (segment-api A33).
    pub(super) fn join(&mut self, email: &str, name: &str, position: Position) -> Option<String> {
        if self.users.by_email(email).is_some() {
            return None;
        }
        self.invites.retain(|invited| invited != email);
        let permissions = self.invited_permissions.remove(email).unwrap_or_default();
        let id = self.random.letters(22);
        let user = User {
            id: id.clone(),
            name: name.to_owned(),
            email: email.to_owned(),
            permissions: Some(permissions),
        };
        self.users.add(user, position);
        self.audit("User Added", Subject { id: &id, kind: "USER", name });
        Some(id)
    }
}

fn owns(permissions: &[Permission]) -> bool {
    let whole = |resource: &ResourceRef| {
        resource.kind == ResourceKind::Workspace && resource.labels.as_deref().unwrap_or_default().is_empty()
    };
    permissions
        .iter()
        .any(|permission| permission.role_name == OWNER && permission.resources.iter().any(whole))
}
