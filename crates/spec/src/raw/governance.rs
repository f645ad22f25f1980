//! Who has access, as written: the sections `governance` and `activity`.

mod activity;
mod entitlement;
mod grant;
mod list;
mod write;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use activity::Activity;
pub(crate) use entitlement::{Entitlement, EntitlementText, PurposeWord};
pub(crate) use grant::{EntitlementGrants, HeldGrants, TypedId};
pub(crate) use list::{ResourceGet, ResourceList, StaticResource, UserTrait};
pub(crate) use write::{AccessWrite, CreateParam, ResourceCreate};

use super::ClientConfig;

/// Who has access: kinds of resources, what can be held on them, who holds it, and how that is changed.
///
/// What is marked CEL is a CEL expression in a text; a plain text inside of one stands in quotes of its own, as
/// in `'"user"'`. Requests take the connection's settings as placeholders by their own names, as in `<domain>`,
/// and need no `param_values`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Governance {
    /// CEL condition over the connection's settings: for which connections the section can be used. Without
    /// it, for all.
    pub(crate) when: Option<String>,
    /// Base URL and authentication of the section's requests that bring none of their own; without it, those of
    /// the file.
    pub(crate) client_config: Option<ClientConfig>,
    /// What the credentials must be allowed to do, in the application's own words: part of the message where a
    /// list is refused.
    pub(crate) requires: Option<String>,
    /// Kinds of resources, in the order in which they are shown and written.
    #[schemars(required)]
    pub(crate) resource_types: Option<Vec<ResourceType>>,
    /// What must stay true whatever is taken away.
    pub(crate) guards: Option<Vec<Guard>>,
}

/// One kind of resources: where they come from, what can be held on them, and what they hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceType {
    /// Its id, which never changes: letters, digits, `_` and `-`.
    #[schemars(required, regex(pattern = "^[a-zA-Z0-9_.-]+$"))]
    pub(crate) id: Option<String>,
    /// Its name for people; the id if absent.
    pub(crate) name: Option<String>,
    /// What its resources are: `user` for accounts, `group`, `role`, `app`, `secret`.
    pub(crate) traits: Option<Vec<TraitWord>>,
    /// Nothing of a sync is shown unless all of this kind was read. Such a list has no `unavailable`.
    pub(crate) required: Option<bool>,
    /// What is left out: `entitlements` (nothing can be held on them), `grants` (they hold nothing),
    /// `anomaly_detection` (their number may swing).
    pub(crate) skip: Option<Vec<SkipWord>>,
    /// Lists them. Either this or `static`.
    pub(crate) list: Option<ResourceList>,
    /// Names them, if the application cannot list them.
    pub(crate) r#static: Option<Vec<StaticResource>>,
    /// Asks for one of them by its id: for fresh values before a change, and for what a list leaves out.
    pub(crate) get: Option<ResourceGet>,
    /// What can be held on them.
    pub(crate) entitlements: Option<Vec<Entitlement>>,
    /// What the items of `list` say that they hold themselves, without a call of its own.
    pub(crate) grants: Option<Vec<HeldGrants>>,
    /// Makes one.
    pub(crate) create: Option<ResourceCreate>,
    /// Takes one away: removes an account, withdraws an invite.
    pub(crate) delete: Option<AccessWrite>,
}

/// What a kind of resources is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TraitWord {
    /// Accounts of people or machines.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SkipWord {
    /// Nothing can be held on them.
    Entitlements,
    /// They hold nothing.
    Grants,
    /// Their number may swing.
    AnomalyDetection,
}

/// Something that must not be taken away: a change that would leave fewer holders is refused, and nothing is
/// sent.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// Its name.
    #[schemars(required)]
    pub(crate) id: Option<String>,
    /// Kind of the resource that it is about.
    #[schemars(required)]
    pub(crate) resource_type: Option<String>,
    /// CEL condition over `resource`: which resources of that kind; all if absent.
    pub(crate) when: Option<String>,
    /// The entitlement on them; plain text.
    #[schemars(required)]
    pub(crate) slug: Option<String>,
    /// So many must go on holding it, directly or through groups.
    #[schemars(required, range(min = 1))]
    pub(crate) keep: Option<i64>,
    /// Kind of the holders that count, as in `user`.
    #[schemars(required)]
    pub(crate) holders: Option<String>,
    /// Why, for whoever is refused.
    #[schemars(required)]
    pub(crate) message: Option<String>,
}

/// Schema of a mapping of names to CEL expressions.
fn named_expressions(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
}

/// Names with their expressions, in the order of the file.
pub(crate) type NamedExpressions = Map<String, Value>;
