use super::super::Request;
use crate::expression::Expression;

/// One change of access.
///
/// Placeholders: `<resource.…>`, `<principal.…>`, `<entitlement.slug>`, `<from.…>` (the resource that the
/// entitlement is derived from), `<vars.NAME>`, `<rest>`, params of the connector.
#[derive(Debug, Clone)]
pub struct GovernanceWrite {
    /// The one call that makes it.
    pub request: Request,
    /// Values computed for it, over `resource`, `principal`, `entitlement`, `from`, and, where something is taken
    /// away, the `each` and `inner` that the grant was read from.
    pub vars: Vec<(String, Expression)>,
    /// What stays of a list that is replaced as a whole: one value for each `each` that is left, over `each`,
    /// `inners` (what is left of its inner list), `principal`.
    pub rest: Option<Expression>,
}

/// How a resource or an account is made.
#[derive(Debug, Clone)]
pub struct ResourceCreate {
    /// The call; its params are placeholders.
    pub write: GovernanceWrite,
    /// What a person says about it.
    pub params: Vec<CreateParam>,
    /// This is how somebody gets an account.
    pub is_account: bool,
}

/// Something that a person says about what is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateParam {
    /// Name of the placeholder.
    pub name: String,
    /// Name for people.
    pub label: String,
    /// What is expected.
    pub description: Option<String>,
    /// It may not be left out.
    pub required: bool,
}
