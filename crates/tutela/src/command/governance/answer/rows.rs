//! What is shown of an item of an answer, wherever it is from: of data, so that programs get nothing else.

use governance::inventory::{EntitlementRef, ResourceRef};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

/// Who holds what, and through what.
#[derive(Debug, Deserialize)]
pub(crate) struct AccessRow<'a> {
    /// Its id.
    pub(crate) id: &'a str,
    /// Who.
    #[serde(borrow)]
    pub(crate) principal: ResourceRef<'a>,
    /// What.
    pub(crate) entitlement: EntitlementRef<'a>,
    /// `direct` or `inherited`.
    pub(crate) held: &'a str,
    /// What brings it; of a list nothing is said.
    #[serde(default)]
    through: Vec<EntitlementRef<'a>>,
    /// Ids of what it is told to follow from.
    #[serde(default)]
    told: Vec<&'a str>,
}

/// An account.
#[derive(Debug, Deserialize)]
pub(crate) struct AccountRow<'a> {
    /// Its names.
    #[serde(borrow, flatten)]
    pub(crate) names: ResourceRef<'a>,
    /// Its addresses.
    pub(crate) emails: Vec<&'a str>,
    /// What its owner signs in with.
    pub(crate) login: Option<&'a str>,
    /// Whether it can be used.
    pub(crate) status: &'a str,
    /// Who uses it.
    pub(crate) account_type: &'a str,
    /// When it was used last.
    pub(crate) last_login: Option<&'a str>,
}

impl AccessRow<'_> {
    /// Through what it is inherited, in words.
    pub(crate) fn through(&self) -> String {
        let ways = self.through.iter().map(EntitlementRef::phrase);
        let told = self.told.iter().map(|id| format!("{id} (told)"));
        ways.chain(told).collect::<Vec<_>>().join(", ")
    }
}

impl AccountRow<'_> {
    /// Its addresses in one text.
    pub(crate) fn emails(&self) -> String {
        self.emails.join(", ")
    }
}

/// Kind and id, as commands take them: `user:7`.
pub(crate) fn id(resource: &ResourceRef<'_>) -> String {
    format!("{}:{}", resource.kind, resource.id)
}

/// An item as what is shown of it.
///
/// # Errors
/// A failure if a server of another version says it in another way.
pub(crate) fn read<'a, T: Deserialize<'a>>(item: &'a Value) -> Result<T, Failure> {
    T::deserialize(item).map_err(|_| other_form())
}

/// What is said to a server whose answers have another form.
pub(crate) fn other_form() -> Failure {
    Failure::Failed(
        "what the server says has a form that this program does not know; use the program of the server's version"
            .to_owned(),
    )
}
