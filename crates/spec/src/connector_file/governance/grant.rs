use super::super::Request;
use super::entitlement::EntitlementText;
use super::write::GovernanceWrite;
use crate::condition::Condition;
use crate::expression::Expression;

/// Kind and id of a resource, each computed.
#[derive(Debug, Clone)]
pub struct TypedId {
    /// Kind; gives text.
    pub resource_type: Expression,
    /// Every kind that can come out; for a literal, that one. Another one is reported, not shown.
    pub types: Vec<String>,
    /// Id; gives text.
    pub id: Expression,
}

/// Who holds an entitlement, as the application lists it for one resource.
#[derive(Debug, Clone)]
pub struct EntitlementGrants {
    /// Lists the holders; `<resource.id>` is the resource.
    pub request: Request,
    /// Statuses that mean that the plan or the token does not allow it.
    pub unavailable: Vec<u16>,
    /// Which entries count, over `item`.
    pub when: Option<Condition>,
    /// The holder, over `item`.
    pub principal: TypedId,
    /// Slugs of the holder's own entitlements whose holders hold this one too (baton E-1); empty = none.
    pub expand: Vec<String>,
    /// An earlier list of the same kind with an equal request, which need not be sent again: its entries are
    /// these entries.
    pub same_list: Option<ListPlace>,
}

/// Where a list of holders stands in its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPlace {
    /// Position in [`super::ResourceType::entitlements`].
    pub entitlement: usize,
    /// Position in [`super::Entitlements::grants`].
    pub list: usize,
}

/// What a listed item says that it holds itself; no call of its own.
///
/// Expressions see `item`, `parent` (where its list has `per`), `each` and `inner` as far as they are there.
#[derive(Debug, Clone)]
pub struct HeldGrants {
    /// List in `item`, whose entries are `each`; `None` = one grant for the item.
    pub each: Option<Expression>,
    /// List in `each`, whose entries are `inner`; `None` = one grant for each `each`.
    pub inner: Option<Expression>,
    /// Which of them count.
    pub when: Option<Condition>,
    /// What it is held on.
    pub resource: TypedId,
    /// Which entitlement on it.
    pub target: GrantTarget,
    /// How the entitlement reads if its kind does not describe it; over `resource` (what is known of it), `each`,
    /// `inner`. Only with [`GrantTarget::Slug`].
    pub entitlement: Option<EntitlementText>,
    /// As of [`EntitlementGrants::expand`].
    pub expand: Vec<String>,
    /// How one is given.
    pub grant: Option<GovernanceWrite>,
    /// How one is taken.
    pub revoke: Option<GovernanceWrite>,
}

/// Which entitlement a grant is of.
#[derive(Debug, Clone)]
pub enum GrantTarget {
    /// The one with this slug.
    Slug(Expression),
    /// The one that is derived from the resource with this id ([`super::EntitlementSource::Derived`]). Where its
    /// `when` leaves that resource out, the entitlement is there only where it is granted.
    From(Expression),
}
