//! What is kept of the items of a list: what they are and what they say that is held.
//!
//! Answers themselves are not kept: a list of sources carries write keys, one of warehouses passwords. What
//! a file does not ask for is gone as soon as its page is read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One item, as a line of a kept page. Short names: there are many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Item {
    /// A resource.
    #[serde(rename = "r")]
    Resource(Box<ResourceItem>),
    /// An entitlement that the application lists for one resource.
    #[serde(rename = "e")]
    Entitlement(EntitlementItem),
    /// Somebody who holds the entitlement that the list is about.
    #[serde(rename = "h")]
    Holder(HolderItem),
}

/// A resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourceItem {
    #[serde(rename = "i")]
    pub(crate) id: String,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Kind and id.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent: Option<(String, String)>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) external_link: Option<String>,
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) profile: Vec<(String, Value)>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<Box<UserItem>>,
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) holds: Vec<HeldItem>,
}

/// What an account has besides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserItem {
    /// The main address first.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) emails: Vec<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) login: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<AccountStatus>,
    #[serde(rename = "sd", default, skip_serializing_if = "Option::is_none")]
    pub(crate) status_details: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) account_type: Option<AccountType>,
    /// In microseconds since 1970.
    #[serde(rename = "ll", default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_login: Option<i64>,
    /// In microseconds since 1970.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<i64>,
    #[serde(rename = "em", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) employee_ids: Vec<String>,
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(crate) mfa: Option<bool>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sso: Option<bool>,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountStatus {
    Enabled,
    Disabled,
    Deleted,
}

/// Who uses an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccountType {
    Human,
    Service,
    System,
}

/// Something that a resource says it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HeldItem {
    /// Which of the kind's rules says so.
    #[serde(rename = "r")]
    pub(crate) rule: usize,
    /// Kind and id of what it is held on.
    #[serde(rename = "t")]
    pub(crate) resource_type: String,
    #[serde(rename = "i")]
    pub(crate) resource_id: String,
    #[serde(flatten)]
    pub(crate) target: HeldTarget,
    /// `each` and `inner` of an entitlement that the kind does not describe: its name is made of them.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<Box<(Value, Value)>>,
}

/// Which entitlement is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum HeldTarget {
    /// The one with this slug.
    #[serde(rename = "s")]
    Slug(String),
    /// The one derived from the resource with this id.
    #[serde(rename = "f")]
    From(String),
}

/// Name and description of an entitlement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextItem {
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// An entitlement that the application lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EntitlementItem {
    #[serde(rename = "s")]
    pub(crate) slug: String,
    #[serde(rename = "e")]
    pub(crate) text: TextItem,
}

/// Somebody who holds an entitlement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HolderItem {
    /// Place of the entitlement in its kind.
    #[serde(rename = "e")]
    pub(crate) entitlement: usize,
    /// Place of the list in the entitlement.
    #[serde(rename = "l")]
    pub(crate) list: usize,
    #[serde(rename = "t")]
    pub(crate) principal_type: String,
    #[serde(rename = "i")]
    pub(crate) principal_id: String,
}
