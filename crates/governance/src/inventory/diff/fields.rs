//! What rows say, as text, field by field.

use super::merge::Pair;
use super::{Change, FieldChange};
use crate::inventory::view::Inventory;
use crate::item::{AccountStatus, AccountType};
use crate::number::{EntitlementNumber, ResourceNumber};

/// Names of fields with what they say.
pub(super) type Fields = Vec<(&'static str, Option<String>)>;

/// Compares what both sides say.
pub(super) struct Side;

impl Side {
    /// Which change a pair is, and of what; nothing if both say the same.
    pub(super) fn of<T: Copy>(
        pair: &Pair<T>,
        old: impl Fn(T) -> Fields,
        new: impl Fn(T) -> Fields,
    ) -> Option<(Change, Vec<FieldChange>)> {
        match pair {
            Pair::Old(_) => Some((Change::Removed, Vec::new())),
            Pair::New(_) => Some((Change::Added, Vec::new())),
            Pair::Both(before, after) => {
                let pairs = old(*before).into_iter().zip(new(*after));
                let changed = pairs.filter(|(before, after)| before.1 != after.1);
                let fields: Vec<FieldChange> = changed
                    .map(|((field, before), (_, after))| FieldChange { field, before, after })
                    .collect();
                (!fields.is_empty()).then_some((Change::Changed, fields))
            }
        }
    }
}

/// What a resource says. When it was used last is left out.
pub(super) fn of_resource(inventory: &Inventory, number: ResourceNumber) -> Fields {
    let view = inventory.resource(number);
    let account = inventory.account(number);
    let of_account = |text: &dyn Fn(&crate::inventory::AccountView<'_>) -> String| {
        account.as_ref().map(text).filter(|text| !text.is_empty())
    };
    vec![
        ("display_name", Some(view.names.display_name.to_owned())),
        ("parent", view.parent.map(|parent| format!("{}:{}", parent.kind, parent.id))),
        ("description", Some(view.description.to_owned()).filter(|text| !text.is_empty())),
        ("emails", of_account(&|account| account.emails.join(", "))),
        ("login", of_account(&|account| account.login.unwrap_or_default().to_owned())),
        ("status", of_account(&|account| status(account.status).to_owned())),
        ("status_details", of_account(&|account| account.status_details.unwrap_or_default().to_owned())),
        ("account_type", of_account(&|account| account_type(account.account_type).to_owned())),
        ("employee_ids", of_account(&|account| account.employee_ids.join(", "))),
    ]
}

/// What an entitlement says.
pub(super) fn of_entitlement(inventory: &Inventory, number: EntitlementNumber) -> Fields {
    let view = inventory.entitlement(number);
    let resource = view.names.resource;
    vec![
        ("display_name", Some(view.names.display_name.to_owned())),
        ("slug", Some(view.names.slug.to_owned())),
        ("description", Some(view.description.to_owned()).filter(|text| !text.is_empty())),
        ("purpose", view.names.purpose.map(str::to_owned)),
        ("resource", Some(format!("{}:{}", resource.kind, resource.id))),
    ]
}

fn status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Enabled => "enabled",
        AccountStatus::Disabled => "disabled",
        AccountStatus::Deleted => "deleted",
    }
}

fn account_type(of: AccountType) -> &'static str {
    match of {
        AccountType::Human => "human",
        AccountType::Service => "service",
        AccountType::System => "system",
    }
}
