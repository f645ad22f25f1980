//! A new account, by the words of the connector file.

use governance::change::AccessChange;
use serde_json::Value;
use spec::connector_file::ConnectorFile;
use spec::connector_file::governance::{CreateParam, ResourceType};

use super::OneShotError;
use crate::command_line::AccountRequest;

/// The change that makes `account` (baton C-11). What the application has no place for is logged by name.
pub(crate) fn new_account(
    file: &ConnectorFile,
    account: &AccountRequest,
) -> Result<AccessChange, OneShotError> {
    let kinds = file.governance.as_deref().map(|section| section.resource_types.as_slice());
    let wanted = |kind: &&ResourceType| match &account.resource_type {
        Some(wanted) => kind.id == *wanted,
        None => kind.create.as_ref().is_some_and(|create| create.is_account),
    };
    let kind = kinds.unwrap_or_default().iter().find(wanted);
    let Some((kind, create)) = kind.and_then(|kind| Some((kind, kind.create.as_ref()?))) else {
        return Err(OneShotError::NoAccounts { kind: account.resource_type.clone() });
    };
    let unused = account.profile.keys().filter(|name| {
        !matches!(name.as_str(), "login" | "email") && create.params.iter().all(|param| param.name != **name)
    });
    for name in unused {
        tracing::warn!(name, "the application has no place for this value of the account");
    }
    let params = create.params.iter().filter_map(|param| Some((param.name.clone(), said(account, param)?)));
    Ok(AccessChange::Create { kind: kind.id.clone(), params: params.collect() })
}

/// A value of an account. Somebody signs in with an address more often than not: either stands for the other.
fn said(account: &AccountRequest, param: &CreateParam) -> Option<String> {
    let other = match param.name.as_str() {
        "email" => Some("login"),
        "login" => Some("email"),
        _ => None,
    };
    let value = account.profile.get(&param.name).or_else(|| account.profile.get(other?))?;
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
