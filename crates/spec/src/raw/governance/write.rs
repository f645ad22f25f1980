use schemars::JsonSchema;
use serde::Deserialize;

use super::{NamedExpressions, named_expressions};
use crate::raw::Request;

/// One change of access, made by exactly one call that writes. Whether it is so already is asked before, and
/// whether it is so now after it.
///
/// Placeholders are `<resource.id>`, `<resource.type>`, `<resource.display_name>`, `<resource.parent.id>`,
/// `<principal.…>` likewise with `<principal.email>` and `<principal.login>`, `<entitlement.slug>`, `<from.…>` (the
/// resource that the entitlement is derived from), `<vars.NAME>`, `<rest>`, and the connection's settings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessWrite {
    /// The call. `gone` says which status codes mean that there is nothing to take away any more; `repeatable`,
    /// that sending it twice does no harm.
    #[schemars(required)]
    pub(crate) request: Option<Request>,
    /// Values computed for the call: name to CEL over `resource`, `principal` (its `item` is what `get` answers),
    /// `entitlement`, `from`, and where something is taken away the `each` and `inner` of the grant.
    #[serde(default)]
    #[schemars(schema_with = "named_expressions")]
    pub(crate) vars: Option<NamedExpressions>,
    /// For applications that replace a list as a whole: CEL over `each`, `inners` (what is left of its `inner`
    /// list) and `principal`, computed for each `each` that is left when what is taken away is out. `<rest>` is
    /// the list of the results. Only where the rule has `each` and its kind has `get`.
    pub(crate) rest: Option<String>,
}

/// How a resource is made.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResourceCreate {
    /// The one call that makes it; params are placeholders by their names.
    #[schemars(required)]
    pub(crate) request: Option<Request>,
    /// Values computed for the call: name to CEL over the params.
    #[serde(default)]
    #[schemars(schema_with = "named_expressions")]
    pub(crate) vars: Option<NamedExpressions>,
    /// What a person says about what is to be made.
    pub(crate) params: Option<Vec<CreateParam>>,
    /// This is how somebody gets an account; at most one kind has it.
    pub(crate) account: Option<bool>,
}

/// Something that a person says about what is to be made.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateParam {
    /// Name of the placeholder: a letter, then letters, digits and `_`.
    #[schemars(required)]
    pub(crate) name: Option<String>,
    /// Name for people; `name` if absent.
    pub(crate) label: Option<String>,
    /// What is expected.
    pub(crate) description: Option<String>,
    /// It may not be left out.
    pub(crate) required: Option<bool>,
}
