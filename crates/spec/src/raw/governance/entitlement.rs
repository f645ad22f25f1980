use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccessWrite, EntitlementGrants};
use crate::raw::{OneOrMany, Request};

/// Entitlements on the resources of a kind: one on each of them; with `for_each` one for each resource of another
/// kind; with `list` those that the application lists.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entitlement {
    /// Last part of the entitlement's id. Plain text; with `for_each` CEL over `each`, with `list` CEL over
    /// `resource` and `item`.
    #[schemars(required)]
    pub(crate) slug: Option<String>,
    /// Id of another kind: there is one entitlement for each resource of it, which is `each` in expressions.
    pub(crate) for_each: Option<String>,
    /// CEL condition over `each`, with `for_each`: for which of them. Where it leaves one out, the entitlement is
    /// there only where somebody holds it.
    pub(crate) when: Option<String>,
    /// The application lists the entitlements of a resource; an entry is `item` in expressions.
    pub(crate) list: Option<EntitlementList>,
    /// CEL over `resource` and `each` or `item`: its name; the slug if absent.
    pub(crate) display_name: Option<String>,
    /// CEL, likewise: a sentence about it.
    pub(crate) description: Option<String>,
    /// What it is for: `assignment` (being part of something) if absent, `permission`, `ownership`.
    pub(crate) purpose: Option<PurposeWord>,
    /// Ids of the kinds that can hold it.
    #[schemars(required)]
    pub(crate) grantable_to: Option<Vec<String>>,
    /// Who holds it, as the application lists that for one resource: one list, or several for different kinds of
    /// holders. Absent if the holders' own items say it (`grants` of their kind).
    pub(crate) grants: Option<OneOrMany<EntitlementGrants>>,
    /// Gives it to somebody.
    pub(crate) grant: Option<AccessWrite>,
    /// Takes it from somebody.
    pub(crate) revoke: Option<AccessWrite>,
}

/// Lists the entitlements of a resource.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntitlementList {
    /// Sent once for each resource; `<resource.id>` stands for its id.
    #[schemars(required)]
    pub(crate) request: Option<Request>,
    /// Status codes that mean that the plan or the credentials do not allow it.
    pub(crate) unavailable: Option<Vec<i64>>,
}

/// What an entitlement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PurposeWord {
    /// Being part of something.
    Assignment,
    /// Being allowed to do something.
    Permission,
    /// Owning something.
    Ownership,
}

/// How an entitlement reads that no `entitlements` describes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntitlementText {
    /// CEL over `resource`, `each` and `inner`: its name; the slug if absent.
    pub(crate) display_name: Option<String>,
    /// CEL, likewise: a sentence about it.
    pub(crate) description: Option<String>,
    /// What it is for: `assignment` if absent, `permission`, `ownership`.
    pub(crate) purpose: Option<PurposeWord>,
    /// Ids of the kinds that can hold it.
    #[schemars(required)]
    pub(crate) grantable_to: Option<Vec<String>>,
}
