//! What is known about an account.

use jiff::Timestamp;
use serde_json::Value;
use spec::connector_file::governance::UserTrait;
use spec::expression::{Expression, Scope};

use super::MappingError;
use super::text::{optional, required, value};
use crate::item::{AccountStatus, AccountType, UserItem};

const STATUSES: &str = "`enabled`, `disabled`, `deleted`";
const TYPES: &str = "`human`, `service`, `system`";

/// The account that an item is. What it may do follows from its status, so a status that cannot be
/// computed is an error.
pub(super) fn account(user: &UserTrait, scope: &Scope<'_>, kind: &str) -> Result<UserItem, MappingError> {
    let mut emails: Vec<String> = optional(user.email.as_ref(), scope).into_iter().collect();
    for email in texts(user.emails.as_ref(), scope) {
        if !emails.contains(&email) {
            emails.push(email);
        }
    }
    Ok(UserItem {
        emails,
        login: optional(user.login.as_ref(), scope),
        status: user.status.as_ref().map(|status| status_of(status, scope, kind)).transpose()?,
        status_details: optional(user.status_details.as_ref(), scope),
        account_type: user.account_type.as_ref().map(|word| type_of(word, scope, kind)).transpose()?,
        last_login: moment(user.last_login.as_ref(), scope),
        created_at: moment(user.created_at.as_ref(), scope),
        employee_ids: texts(user.employee_ids.as_ref(), scope),
        mfa: flag(user.mfa.as_ref(), scope),
        sso: flag(user.sso.as_ref(), scope),
    })
}

fn status_of(word: &Expression, scope: &Scope<'_>, kind: &str) -> Result<AccountStatus, MappingError> {
    let what = "user.status";
    match required(word, scope, (kind, what))?.as_str() {
        "enabled" => Ok(AccountStatus::Enabled),
        "disabled" => Ok(AccountStatus::Disabled),
        "deleted" => Ok(AccountStatus::Deleted),
        _ => Err(MappingError::UnknownWord { kind: kind.to_owned(), what, known: STATUSES }),
    }
}

fn type_of(word: &Expression, scope: &Scope<'_>, kind: &str) -> Result<AccountType, MappingError> {
    let what = "user.account_type";
    match required(word, scope, (kind, what))?.as_str() {
        "human" => Ok(AccountType::Human),
        "service" => Ok(AccountType::Service),
        "system" => Ok(AccountType::System),
        _ => Err(MappingError::UnknownWord { kind: kind.to_owned(), what, known: TYPES }),
    }
}

/// A list of texts, or one text.
fn texts(expression: Option<&Expression>, scope: &Scope<'_>) -> Vec<String> {
    let items = match value(expression, scope) {
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
        None => Vec::new(),
    };
    items.iter().filter_map(model::text_form).filter(|text| !text.is_empty()).collect()
}

/// Microseconds since 1970, from RFC 3339 text or seconds.
pub(crate) fn moment(expression: Option<&Expression>, scope: &Scope<'_>) -> Option<i64> {
    match value(expression, scope)? {
        Value::String(text) => text.parse::<Timestamp>().ok().map(Timestamp::as_microsecond),
        Value::Number(seconds) => {
            let seconds = seconds.as_f64()?;
            Timestamp::from_microsecond((seconds * 1e6) as i64).ok().map(Timestamp::as_microsecond)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn flag(expression: Option<&Expression>, scope: &Scope<'_>) -> Option<bool> {
    value(expression, scope)?.as_bool()
}
