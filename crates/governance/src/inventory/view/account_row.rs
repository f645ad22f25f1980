//! What a resource says about itself as an account.

use prost_types::Timestamp;
use protos::c1::connector::v2::status::ResourceStatus;
use protos::c1::connector::v2::user_trait::status::Status;
use protos::c1::connector::v2::user_trait::{AccountType as TypeNumber, Status as UserState};
use protos::c1::connector::v2::{Resource, Status as ResourceState, UserTrait};

use super::builder::place;
use super::rows::{AccountRow, Range};
use super::texts::{Text, TextWriter};
use crate::inventory::InventoryError;
use crate::item::{AccountStatus, AccountType};

/// Reads an account.
pub(super) fn read(
    (resource, row): (u32, &Resource),
    user: &UserTrait,
    (texts, words): (&mut TextWriter, &mut Vec<Text>),
) -> Result<AccountRow, InventoryError> {
    let mut keep = |all: Vec<&str>| -> Result<Range, InventoryError> {
        let start = place(words.len())?;
        for text in all.into_iter().map(str::trim).filter(|text| !text.is_empty()) {
            words.push(texts.add(text)?);
        }
        Ok(Range { start, end: place(words.len())? })
    };
    let primary = user.emails.iter().filter(|email| email.is_primary);
    let others = user.emails.iter().filter(|email| !email.is_primary);
    let emails = keep(primary.chain(others).map(|email| email.address.as_str()).collect())?;
    let aliases = user.login_aliases.iter().map(String::as_str);
    let logins = keep([user.login.as_str()].into_iter().chain(aliases).collect())?;
    let employee_ids = keep(user.employee_ids.iter().map(String::as_str).collect())?;
    let (given, family) = user
        .structured_name
        .as_ref()
        .map(|name| (name.given_name.as_str(), name.family_name.as_str()))
        .unwrap_or_default();
    let (status, details) = status(row, user);
    Ok(AccountRow {
        resource,
        emails,
        logins,
        employee_ids,
        given_name: texts.add(given)?,
        family_name: texts.add(family)?,
        status,
        status_details: texts.add(details)?,
        account_type: match user.account_type() {
            TypeNumber::Unspecified | TypeNumber::Human => AccountType::Human,
            TypeNumber::Service => AccountType::Service,
            TypeNumber::System => AccountType::System,
        },
        last_login: user.last_login.as_ref().and_then(moment),
        created_at: row.created_at.as_ref().or(user.created_at.as_ref()).and_then(moment),
    })
}

/// Newer connectors tell the status on the resource, older ones in the trait; what they leave open counts as
/// enabled (baton MSG-6).
fn status<'a>(row: &'a Resource, user: &'a UserTrait) -> (AccountStatus, &'a str) {
    let of_user = user.status.as_ref();
    let details = |own: &'a str| {
        if own.is_empty() { of_user.map(|of| of.details.as_str()).unwrap_or_default() } else { own }
    };
    if let Some(state) = &row.status {
        let details = details(&state.details);
        match ResourceState::status(state) {
            ResourceStatus::Enabled => return (AccountStatus::Enabled, details),
            ResourceStatus::Disabled => return (AccountStatus::Disabled, details),
            ResourceStatus::Deleted => return (AccountStatus::Deleted, details),
            ResourceStatus::Unspecified => {}
        }
    }
    let status = match of_user.map(UserState::status) {
        Some(Status::Disabled) => AccountStatus::Disabled,
        Some(Status::Deleted) => AccountStatus::Deleted,
        Some(Status::Enabled | Status::Unspecified) | None => AccountStatus::Enabled,
    };
    (status, details(""))
}

/// Microseconds since 1970; nothing for a moment that no calendar has.
fn moment(time: &Timestamp) -> Option<i64> {
    let micros = time.seconds.checked_mul(1_000_000)?.checked_add(i64::from(time.nanos) / 1_000)?;
    jiff::Timestamp::from_microsecond(micros).ok().map(jiff::Timestamp::as_microsecond)
}
