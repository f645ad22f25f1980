use connections::{ConnectionType, SystemType};
use serde::Deserialize;
use serde_json::json;
use store::{ConnectionFilter, TestStatus};
use utoipa::IntoParams;

use crate::ApiError;

/// Which connections.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// A part of key, name or description, in any case.
    search: Option<String>,
    /// Switched off, or not.
    disabled: Option<bool>,
    /// `passed`, `failed` or `untested`.
    test_status: Option<String>,
    /// `saas`, `manual`, `database`, ….
    system_type: Option<String>,
    /// Belonging to no system, or to one.
    orphaned_from_system: Option<bool>,
    /// One of these types; also types of connector files.
    #[serde(default)]
    connection_type: Vec<String>,
}

impl Filter {
    /// As the store takes it.
    pub(super) fn checked(self) -> Result<ConnectionFilter, ApiError> {
        let among = self.system_type.as_deref().map(of_system_type).transpose()?;
        let types: Vec<String> = self.connection_type.iter().map(|name| name.to_lowercase()).collect();
        Ok(ConnectionFilter {
            search: self.search,
            disabled: self.disabled,
            test_status: self.test_status.as_deref().map(test_status).transpose()?,
            types: (!types.is_empty()).then_some(types),
            among,
            orphaned: self.orphaned_from_system,
            system_key: None,
        })
    }
}

/// The types of connections of a kind of system.
fn of_system_type(name: &str) -> Result<Vec<String>, ApiError> {
    let wanted = SystemType::ALL.iter().copied().find(|kind| kind.as_str() == name);
    let names: Vec<&str> = SystemType::ALL.iter().map(|kind| kind.as_str()).collect();
    let wanted = wanted.ok_or_else(|| not_among("system_type", &names))?;
    let kinds = ConnectionType::ALL.iter().filter(|kind| kind.system_type() == wanted);
    Ok(kinds.map(|kind| kind.as_str().to_owned()).collect())
}

fn test_status(name: &str) -> Result<TestStatus, ApiError> {
    match name {
        "passed" => Ok(TestStatus::Passed),
        "failed" => Ok(TestStatus::Failed),
        "untested" => Ok(TestStatus::Untested),
        _ => Err(not_among("test_status", &["passed", "failed", "untested"])),
    }
}

fn not_among(param: &str, names: &[&str]) -> ApiError {
    ApiError::invalid(
        "enum",
        vec![json!("query"), json!(param)],
        format!("expected one of `{}`", names.join("`, `")),
    )
}
