use schemars::JsonSchema;
use serde::Deserialize;

use super::{NamedExpressions, TypedId, named_expressions};
use crate::raw::Request;

/// Resources that the application lists. Expressions see `item` (an entry of the answer), `parent` (with `per`),
/// `value` (with `values`) and the connection's settings that are no secrets.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceList {
    /// Lists them; an object in the place of the list counts as one item. `<parent.id>` and `<value>` stand for
    /// what it is run for.
    #[schemars(required)]
    pub(crate) request: Option<Request>,
    /// Id of another kind: the list is run once for each resource of it, which is the parent of what is listed.
    pub(crate) per: Option<String>,
    /// The list is run once for each of these texts, which `<value>` stands for.
    pub(crate) values: Option<Vec<String>>,
    /// Status codes that mean that the plan or the credentials do not allow this kind. It is then reported as
    /// unavailable, not as empty.
    pub(crate) unavailable: Option<Vec<i64>>,
    /// CEL condition: which items are resources of this kind; all if absent.
    pub(crate) when: Option<String>,
    /// CEL: the id, a text or a number.
    #[schemars(required)]
    pub(crate) id: Option<String>,
    /// CEL: the name; the id where it gives nothing.
    pub(crate) display_name: Option<String>,
    /// CEL: a sentence about it.
    pub(crate) description: Option<String>,
    /// The parent, in place of the one of `per`. An id that is absent or null means no parent.
    pub(crate) parent: Option<TypedId>,
    /// CEL: address of a page about it.
    pub(crate) external_link: Option<String>,
    /// Further members of its trait: name to CEL.
    #[serde(default)]
    #[schemars(schema_with = "named_expressions")]
    pub(crate) profile: Option<NamedExpressions>,
    /// What accounts have besides; only for kinds with the trait `user`.
    pub(crate) user: Option<UserTrait>,
}

/// What is known about an account. Each is CEL; one that gives nothing is left out.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserTrait {
    /// CEL: the main address.
    pub(crate) email: Option<String>,
    /// CEL: a list of further addresses.
    pub(crate) emails: Option<String>,
    /// CEL: what it signs in with.
    pub(crate) login: Option<String>,
    /// CEL: `enabled`, `disabled` or `deleted`, as in `'item.active ? "enabled" : "disabled"'`; `enabled` if absent.
    pub(crate) status: Option<String>,
    /// CEL: the application's own words about the status.
    pub(crate) status_details: Option<String>,
    /// CEL: `human`, `service` or `system`; `human` if absent.
    pub(crate) account_type: Option<String>,
    /// CEL: when it was last used, as RFC 3339 text or in seconds since 1970.
    pub(crate) last_login: Option<String>,
    /// CEL: when it was made, likewise.
    pub(crate) created_at: Option<String>,
    /// CEL: a list of numbers of the employee, or one text.
    pub(crate) employee_ids: Option<String>,
    /// CEL: whether a second factor is on.
    pub(crate) mfa: Option<String>,
    /// CEL: whether it signs in through an identity provider.
    pub(crate) sso: Option<String>,
}

/// A resource that the file names. All of it is plain text.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaticResource {
    /// Its id.
    #[schemars(required)]
    pub(crate) id: Option<String>,
    /// Its name; the id if absent.
    pub(crate) display_name: Option<String>,
    /// A sentence about it.
    pub(crate) description: Option<String>,
}

/// Asks for one resource by its id.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceGet {
    /// The call; `<resource.id>` stands for the id, and the answer is an item as `list` has it. `gone` says which
    /// status codes mean that there is no such resource.
    #[schemars(required)]
    pub(crate) request: Option<Request>,
    /// CEL condition over `item`: the items of the list that are fetched anew, with a call each, because the list
    /// leaves something out. None if absent.
    pub(crate) when: Option<String>,
}
