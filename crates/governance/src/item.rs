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
pub enum AccountStatus {
    /// It can.
    Enabled,
    /// It cannot for now.
    Disabled,
    /// It cannot any more; the application still tells of it.
    Deleted,
}

/// Who uses an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountType {
    /// A person.
    Human,
    /// A program of somebody's.
    Service,
    /// The application itself.
    System,
}

/// What a resource holds, of its line: the rest of it is passed over.
#[derive(Debug, Deserialize)]
pub(crate) struct HoldingLine {
    #[serde(rename = "r")]
    pub(crate) resource: Option<Holding>,
}

/// A resource, and what it says it holds.
#[derive(Debug, Deserialize)]
pub(crate) struct Holding {
    #[serde(rename = "i")]
    pub(crate) id: String,
    #[serde(rename = "g", default)]
    pub(crate) holds: Vec<HeldItem>,
}

/// Something that a resource says it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "HeldLine")]
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

/// The same with a place for each kind of target: nothing has to be put aside to find out which it is.
#[derive(Debug, Deserialize)]
struct HeldLine {
    #[serde(rename = "r")]
    rule: usize,
    #[serde(rename = "t")]
    resource_type: String,
    #[serde(rename = "i")]
    resource_id: String,
    #[serde(rename = "s")]
    slug: Option<String>,
    #[serde(rename = "f")]
    from: Option<String>,
    #[serde(rename = "e", default)]
    entry: Option<Box<(Value, Value)>>,
}

impl TryFrom<HeldLine> for HeldItem {
    type Error = &'static str;

    fn try_from(line: HeldLine) -> Result<Self, Self::Error> {
        let HeldLine { rule, resource_type, resource_id, slug, from, entry } = line;
        let target = match (slug, from) {
            (Some(slug), None) => HeldTarget::Slug(slug),
            (None, Some(from)) => HeldTarget::From(from),
            (Some(_), Some(_)) | (None, None) => return Err("not one target"),
        };
        Ok(Self { rule, resource_type, resource_id, target, entry })
    }
}

/// Which entitlement is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
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

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json, to_string};

    use super::*;

    fn held(target: HeldTarget, entry: Option<Box<(Value, Value)>>) -> HeldItem {
        let (resource_type, resource_id) = ("role".to_owned(), "r1".to_owned());
        HeldItem { rule: 1, resource_type, resource_id, target, entry }
    }

    // A line that is looked at for what it holds alone says what the whole line says.
    #[test]
    fn what_a_line_holds_is_the_same_however_much_of_it_is_read() {
        let entry = Some(Box::new((json!({"name": "x"}), Value::Null)));
        let holds = vec![
            held(HeldTarget::Slug("member".to_owned()), None),
            held(HeldTarget::From("s1".to_owned()), entry),
        ];
        let (id, display_name) = ("u1".to_owned(), Some("Una".to_owned()));
        let user =
            Some(Box::new(UserItem { emails: vec!["una@example.com".to_owned()], ..UserItem::default() }));
        let item = ResourceItem { id, display_name, user, holds, ..ResourceItem::default() };
        let line = to_string(&Item::Resource(Box::new(item.clone()))).unwrap();

        let whole: Item = from_str(&line).unwrap();
        let holding = from_str::<HoldingLine>(&line).unwrap().resource.unwrap();

        assert_eq!(whole, Item::Resource(Box::new(item.clone())));
        assert_eq!((holding.id, holding.holds), (item.id, item.holds));
    }

    #[test]
    fn what_is_held_has_one_target() {
        let line = |more: &str| format!(r#"{{"r":0,"t":"role","i":"r1"{more}}}"#);

        for more in ["", r#","s":"a","f":"b""#] {
            assert!(from_str::<HeldItem>(&line(more)).is_err(), "{more}");
        }
        assert!(from_str::<HeldItem>(&line(r#","s":"a""#)).is_ok());
    }
}
