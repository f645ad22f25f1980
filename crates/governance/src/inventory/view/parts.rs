//! What is told of a resource, an account, an entitlement: the same words for people's tables and for programs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spec::connector_file::governance::Purpose;

use super::Inventory;
use super::rows::{Listed, NONE, Range};
use super::texts::Text;
use crate::item::{AccountStatus, AccountType};
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// A kind of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct KindView<'a> {
    /// Its id.
    #[serde(rename = "type")]
    pub id: &'a str,
    /// What it is called.
    pub display_name: &'a str,
    /// Whether its resources are accounts.
    pub accounts: bool,
    /// How many resources there are.
    pub resources: u64,
}

/// A resource by its names. It is read back from a [`serde_json::Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRef<'a> {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Its id among those of its kind.
    pub id: &'a str,
    /// What it is called.
    pub display_name: &'a str,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceView<'a> {
    /// Its names.
    #[serde(flatten)]
    pub names: ResourceRef<'a>,
    /// What it is below.
    pub parent: Option<ResourceRef<'a>>,
    /// What the application says it is for.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'a str,
    /// Whether a list of the application has it. If not, only grants name it.
    pub listed: bool,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView<'a> {
    /// Its names.
    #[serde(flatten)]
    pub names: ResourceRef<'a>,
    /// Its addresses, the primary one first.
    pub emails: Vec<&'a str>,
    /// What its owner signs in with.
    pub login: Option<&'a str>,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// More about that, in the application's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_details: Option<&'a str>,
    /// Who uses it.
    pub account_type: AccountType,
    /// When it was used last, if the application says so.
    pub last_login: Option<Timestamp>,
    /// When it was made, if the application says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Numbers of the person in a directory of employees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub employee_ids: Vec<&'a str>,
}

/// An entitlement by its names. It is read back from a [`serde_json::Value`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntitlementRef<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its short name among those of its resource.
    pub slug: &'a str,
    /// What it is called.
    pub display_name: &'a str,
    /// `assignment`, `permission` or `ownership`.
    pub purpose: Option<&'a str>,
    /// What it is on.
    #[serde(borrow)]
    pub resource: ResourceRef<'a>,
}

/// An entitlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntitlementView<'a> {
    /// Its names.
    #[serde(flatten)]
    pub names: EntitlementRef<'a>,
    /// What it gives.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub description: &'a str,
    /// How many hold it directly.
    pub direct_holders: u64,
}

impl EntitlementRef<'_> {
    /// It with its resource: `member of Growth`, `admin on Website`.
    pub fn phrase(&self) -> String {
        let word = if self.slug.is_empty() { self.display_name } else { self.slug };
        let joint = if self.purpose == Some(ASSIGNMENT) { "of" } else { "on" };
        format!("{word} {joint} {}", self.resource.display_name)
    }
}

/// What somebody has who belongs to something.
const ASSIGNMENT: &str = "assignment";

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Assignment => ASSIGNMENT,
        Purpose::Permission => "permission",
        Purpose::Ownership => "ownership",
    }
}

impl Inventory {
    /// The kinds, in the order of the application's file.
    pub fn kinds(&self) -> impl Iterator<Item = KindView<'_>> {
        (0..).map(ResourceTypeNumber).zip(&self.kinds).map(|(number, row)| {
            let id = self.texts.get(row.id);
            KindView {
                id,
                display_name: self.texts.find(row.name).unwrap_or(id),
                accounts: row.is_user,
                resources: self.kind_range(number).of(&self.resources).len() as u64,
            }
        })
    }

    /// The names of a resource.
    pub fn resource_ref(&self, resource: ResourceNumber) -> ResourceRef<'_> {
        let row = self.resource_row(resource);
        let (kind, id) = row.map(|row| (self.kind_id(row.kind), self.texts.get(row.id))).unwrap_or_default();
        ResourceRef { kind, id, display_name: self.name(resource) }
    }

    /// A resource.
    pub fn resource(&self, resource: ResourceNumber) -> ResourceView<'_> {
        let row = self.resource_row(resource);
        let parent = row.map(|row| row.parent).filter(|parent| *parent != NONE);
        ResourceView {
            names: self.resource_ref(resource),
            parent: parent.map(|parent| self.resource_ref(ResourceNumber(parent))),
            description: row.map(|row| self.texts.get(row.description)).unwrap_or_default(),
            listed: row.is_some_and(|row| row.listed == Listed::Here),
        }
    }

    /// An account; none if the resource is none.
    pub fn account(&self, resource: ResourceNumber) -> Option<AccountView<'_>> {
        let row = self.account_row(resource)?;
        let texts = |range: Range| -> Vec<&str> {
            range.of(&self.words).iter().map(|text: &Text| self.texts.get(*text)).collect()
        };
        let moment = |micros: i64| Timestamp::from_microsecond(micros).ok();
        Some(AccountView {
            names: self.resource_ref(resource),
            emails: texts(row.emails),
            login: texts(row.logins).first().copied(),
            status: row.status,
            status_details: self.texts.find(row.status_details),
            account_type: row.account_type,
            last_login: row.last_login.and_then(moment),
            created_at: row.created_at.and_then(moment),
            employee_ids: texts(row.employee_ids),
        })
    }

    /// The names of an entitlement.
    pub fn entitlement_ref(&self, entitlement: EntitlementNumber) -> EntitlementRef<'_> {
        let Some(row) = self.entitlement_row(entitlement) else {
            let resource = ResourceRef { kind: "", id: "", display_name: "" };
            return EntitlementRef { id: "", slug: "", display_name: "", purpose: None, resource };
        };
        let name = self.texts.find(row.name).or(self.texts.find(row.slug));
        EntitlementRef {
            id: self.texts.get(row.id),
            slug: self.texts.get(row.slug),
            display_name: name.unwrap_or_else(|| self.texts.get(row.id)),
            purpose: row.purpose.map(word),
            resource: self.resource_ref(ResourceNumber(row.resource)),
        }
    }

    /// An entitlement.
    pub fn entitlement(&self, entitlement: EntitlementNumber) -> EntitlementView<'_> {
        let row = self.entitlement_row(entitlement);
        EntitlementView {
            names: self.entitlement_ref(entitlement),
            description: row.map(|row| self.texts.get(row.description)).unwrap_or_default(),
            direct_holders: self.graph.direct_holders(entitlement).count() as u64,
        }
    }
}
