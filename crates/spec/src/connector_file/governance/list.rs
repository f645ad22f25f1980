use super::super::Request;
use super::grant::TypedId;
use crate::condition::Condition;
use crate::expression::Expression;

/// Resources that the application lists.
///
/// Expressions see `item`, `parent` (with `per`), `value` (with `values`), and the connector's params that
/// are no secrets.
#[derive(Debug, Clone)]
pub struct ListedResources {
    /// Lists them. `<parent.id>` and `<value>` stand for the resource and the value that it is run for.
    pub request: Request,
    /// Run once for each resource of this kind, which is the parent of what is listed.
    pub per: Option<String>,
    /// Run once for each of these; empty = once.
    pub values: Vec<String>,
    /// Statuses that mean that the plan or the token does not allow this kind.
    pub unavailable: Vec<u16>,
    /// Which items are resources of this kind; `None` = all.
    pub when: Option<Condition>,
    /// Id of the resource; gives text.
    pub id: Expression,
    /// Its name; the id where it gives nothing.
    pub display_name: Option<Expression>,
    /// A sentence about it.
    pub description: Option<Expression>,
    /// In place of the parent of `per`.
    pub parent: Option<Parent>,
    /// Address of a page about it.
    pub external_link: Option<Expression>,
    /// Further members of its trait, in order.
    pub profile: Vec<(String, Expression)>,
    /// What accounts have besides.
    pub user: Option<Box<UserTrait>>,
}

/// Kind and id of the parent of an item; no id = no parent.
pub type Parent = TypedId;

/// What is known about an account (baton MSG-6).
#[derive(Debug, Clone, Default)]
pub struct UserTrait {
    /// Its main address.
    pub email: Option<Expression>,
    /// Further addresses: a list.
    pub emails: Option<Expression>,
    /// What it signs in with.
    pub login: Option<Expression>,
    /// `enabled`, `disabled` or `deleted`; enabled where it is not said.
    pub status: Option<Expression>,
    /// The application's words about the status.
    pub status_details: Option<Expression>,
    /// `human`, `service` or `system`; human where it is not said.
    pub account_type: Option<Expression>,
    /// When it was last used: RFC 3339 text, or seconds since 1970.
    pub last_login: Option<Expression>,
    /// When it was made, likewise.
    pub created_at: Option<Expression>,
    /// Numbers of an employee: a list or one text.
    pub employee_ids: Option<Expression>,
    /// Whether a second factor is on.
    pub mfa: Option<Expression>,
    /// Whether it signs in through an identity provider.
    pub sso: Option<Expression>,
}

/// A resource that the file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticResource {
    /// Its id.
    pub id: String,
    /// Its name.
    pub display_name: String,
    /// A sentence about it.
    pub description: Option<String>,
}
