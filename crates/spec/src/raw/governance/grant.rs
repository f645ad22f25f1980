use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccessWrite, EntitlementText};
use crate::raw::Request;

/// Kind and id of a resource, each computed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypedId {
    /// CEL: id of the kind. One and the same kind is a text in quotes of its own: `'"user"'`.
    #[schemars(required)]
    pub(crate) r#type: Option<String>,
    /// CEL: id of the resource, a text or a number.
    #[schemars(required)]
    pub(crate) id: Option<String>,
    /// Every kind that `type` can give; may be left out where `type` is a text. Another one is reported, not
    /// shown.
    pub(crate) types: Option<Vec<String>>,
}

/// Who holds an entitlement, as the application lists it for one resource. Lists of one kind that send the same
/// request are read once.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntitlementGrants {
    /// Lists the holders, once for each resource; `<resource.id>` stands for its id.
    #[schemars(required)]
    pub(crate) request: Option<Request>,
    /// Status codes that mean that the plan or the credentials do not allow it.
    pub(crate) unavailable: Option<Vec<i64>>,
    /// CEL condition over `item`: which entries count; all if absent.
    pub(crate) when: Option<String>,
    /// The holder, over `item`.
    #[schemars(required)]
    pub(crate) principal: Option<TypedId>,
    /// Where a holder is a group: slugs of its own entitlements whose holders hold this one, too.
    pub(crate) expand: Option<Vec<String>>,
}

/// What an item of the kind's list says that it holds itself: the item is the holder, and no call of its own is
/// needed. Expressions see `item`, `parent` (where the list has `per`), and `each` and `inner` where they are.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeldGrants {
    /// CEL: a list in `item`, whose entries are `each`. Without it the item is one grant.
    pub(crate) each: Option<String>,
    /// CEL: a list in `each`, whose entries are `inner`. Without it each `each` is one grant.
    pub(crate) inner: Option<String>,
    /// CEL condition: which of them count; all if absent.
    pub(crate) when: Option<String>,
    /// What it is held on.
    #[schemars(required)]
    pub(crate) resource: Option<TypedId>,
    /// CEL: which entitlement on it. Either this or `from`.
    pub(crate) slug: Option<String>,
    /// CEL: the entitlement is the one that `for_each` derives from the resource with this id.
    pub(crate) from: Option<String>,
    /// How the entitlement reads if its kind does not describe this slug; with `slug` only.
    pub(crate) entitlement: Option<EntitlementText>,
    /// Where the holder is a group: slugs of its own entitlements whose holders hold this one, too.
    pub(crate) expand: Option<Vec<String>>,
    /// Gives it to somebody.
    pub(crate) grant: Option<AccessWrite>,
    /// Takes it from somebody.
    pub(crate) revoke: Option<AccessWrite>,
}
