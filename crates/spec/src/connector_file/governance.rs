//! Who has access: the checked form of the section `governance` (architecture §5, baton §16.3).
//!
//! A list describes what its items are, by expressions over the item: a resource, the entitlements on it,
//! the grants that it holds. Nothing here names a product: what an application lists, how its permissions
//! are nested and how they are changed stands in the file alone.

mod entitlement;
mod grant;
mod list;
mod requests;
mod write;

pub use entitlement::{EntitlementSource, EntitlementText, Entitlements, Purpose, Slug};
pub use grant::{EntitlementGrants, GrantTarget, HeldGrants, ListPlace, TypedId};
pub use list::{ListedResources, Parent, StaticResource, UserTrait};
pub use write::{CreateParam, GovernanceWrite, ResourceCreate};

use super::{ClientConfig, Request};
use crate::condition::Condition;
use crate::expression::Expression;

/// The section `governance` of a connector file.
#[derive(Debug, Clone)]
pub struct Governance {
    /// Connections it can be used with, over their settings; `None` = all.
    pub when: Option<Condition>,
    /// Base URL and authentication of its requests that bring none of their own; `None` = the file's.
    pub client_config: Option<ClientConfig>,
    /// What the credentials must be allowed to do, in the application's words: said where a list is refused.
    pub requires: Option<String>,
    /// Kinds of resources, in the order in which their rows stand in a file; but rows of resources that do nothing but hold come last. Never empty, ids unique; every id
    /// that is named elsewhere in the section is among them, and `per` leads in no circle.
    pub resource_types: Vec<ResourceType>,
    /// What must stay true whatever is revoked or removed.
    pub guards: Vec<Guard>,
}

impl Governance {
    /// The resource type called `id`.
    pub fn find_type(&self, id: &str) -> Option<&ResourceType> {
        self.resource_types.iter().find(|found| found.id == id)
    }
}

/// One kind of resources.
#[derive(Debug, Clone)]
pub struct ResourceType {
    /// Its id, stable for ever (baton ID-2).
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What its resources are besides.
    pub traits: Vec<Trait>,
    /// Without all of it, nothing of a sync is shown.
    pub required: bool,
    /// What nobody has to ask about its resources.
    pub skips: Skips,
    /// Where its resources come from.
    pub source: ResourceSource,
    /// One resource by its id.
    pub get: Option<ResourceGet>,
    /// What can be held on its resources.
    pub entitlements: Vec<Entitlements>,
    /// What its listed items say that they hold.
    pub grants: Vec<HeldGrants>,
    /// How one is made.
    pub create: Option<ResourceCreate>,
    /// How one is taken away.
    pub delete: Option<GovernanceWrite>,
}

/// What a kind of resources is (baton MSG-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trait {
    /// Accounts: people or machines.
    User,
    /// Groups of accounts.
    Group,
    /// Roles.
    Role,
    /// Applications.
    App,
    /// Secrets.
    Secret,
}

/// What is left out for a kind of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Skips {
    /// Nothing can be held on them.
    pub entitlements: bool,
    /// Nobody asks what they hold.
    pub grants: bool,
    /// Their number may swing (governance SEG-3).
    pub anomaly_detection: bool,
}

/// Where the resources of a kind come from.
#[derive(Debug, Clone)]
pub enum ResourceSource {
    /// The application lists them.
    Listed(Box<ListedResources>),
    /// The file names them.
    Static(Vec<StaticResource>),
}

/// Asks for one resource by its id.
#[derive(Debug, Clone)]
pub struct ResourceGet {
    /// `<resource.id>` is its id; the answer is an item as the list has it.
    pub request: Request,
    /// For which items of the list it is asked during a sync, over `item`; `None` = for none.
    pub when: Option<Condition>,
}

/// Something that must not be taken away.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Its name.
    pub id: String,
    /// Kind of the resource that it is about.
    pub resource_type: String,
    /// Which resources of that kind, over `resource`; `None` = all.
    pub when: Option<Condition>,
    /// The entitlement on them.
    pub slug: String,
    /// How many must go on holding it, directly or through groups; at least 1.
    pub keep: u64,
    /// Kind of the holders that count.
    pub holders: String,
    /// Why, for whoever is refused.
    pub message: String,
}

/// Events of use: the section `activity`.
#[derive(Debug, Clone)]
pub struct Activity {
    /// Connections it can be used with, over their settings; `None` = all.
    pub when: Option<Condition>,
    /// Lists events from `<since>` to `<until>`.
    pub request: Request,
    /// Id of an event, over `item`.
    pub id: Expression,
    /// When it happened: RFC 3339 text, or seconds since 1970.
    pub time: Expression,
    /// Kind and id of who did it; the id may be absent if the address is known.
    pub actor: TypedId,
    /// Address of who did it.
    pub actor_email: Option<Expression>,
    /// What was done.
    pub action: Expression,
    /// Kind and id of what it was done to; `types` is empty where the kinds are the application's own words.
    pub resource: Option<TypedId>,
    /// Its name.
    pub resource_name: Option<Expression>,
    /// How far back the application keeps events.
    pub kept: Option<std::time::Duration>,
}
