use super::super::Request;
use super::grant::EntitlementGrants;
use super::write::GovernanceWrite;
use crate::condition::Condition;
use crate::expression::Expression;

/// Entitlements on the resources of a kind.
#[derive(Debug, Clone)]
pub struct Entitlements {
    /// How many there are on a resource, and what tells them apart.
    pub source: EntitlementSource,
    /// The last part of their ids.
    pub slug: Slug,
    /// Names and what they are for.
    pub text: EntitlementText,
    /// Who holds them, as far as the application lists that by entitlement; lists of several kinds of holders.
    pub grants: Vec<EntitlementGrants>,
    /// How one is given.
    pub grant: Option<GovernanceWrite>,
    /// How one is taken.
    pub revoke: Option<GovernanceWrite>,
}

/// Where entitlements come from.
#[derive(Debug, Clone)]
pub enum EntitlementSource {
    /// One on each resource.
    Static,
    /// One on each resource for each resource of another kind, `each`.
    Derived {
        /// The other kind.
        of: String,
        /// For which of them, over `each`.
        when: Option<Condition>,
    },
    /// The application lists them, once for each resource; an entry is `item`.
    Listed {
        /// Lists them.
        request: Box<Request>,
        /// Statuses that mean that the plan or the token does not allow it.
        unavailable: Vec<u16>,
    },
}

/// The last part of an entitlement's id.
#[derive(Debug, Clone)]
pub enum Slug {
    /// The same on every resource.
    Text(String),
    /// Computed: over `each` where derived, over `resource` and `item` where listed.
    Computed(Expression),
}

/// What an entitlement is, for people and for whoever asks for it.
#[derive(Debug, Clone)]
pub struct EntitlementText {
    /// Its name, over `resource` and `each`, `inner` or `item`; the slug where it gives nothing.
    pub display_name: Option<Expression>,
    /// A sentence about it.
    pub description: Option<Expression>,
    /// What it is for.
    pub purpose: Purpose,
    /// Kinds of resources that can hold it.
    pub grantable_to: Vec<String>,
}

/// What an entitlement is for (baton MSG-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Being part of something.
    #[default]
    Assignment,
    /// Being allowed to do something.
    Permission,
    /// Owning something.
    Ownership,
}
