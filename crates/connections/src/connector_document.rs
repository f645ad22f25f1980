//! A connector file that is kept, as the file that `spec` checks.

use model::ConnectionKey;
use serde_json::json;
use spec::{
    CheckOptions, ConnectorFile, Diagnostics, DomainValidation, Severity, SourceFile, check_connector,
};
use store::StoredConnector;
use thiserror::Error;

/// A connector file that was accepted once and is refused by this version.
#[derive(Debug, Error)]
#[error(
    "the connector file kept for `{connection}` does not pass the checks of this version: {first}; send a corrected one to /connection/{connection}/saas_config"
)]
pub struct StaleConnector {
    connection: ConnectionKey,
    first: String,
}

/// The text of a kept file; places in findings start with `saas_config`.
pub fn connector_source(connector: &StoredConnector) -> SourceFile {
    let text = json!({ "saas_config": connector.document }).to_string();
    let scripts = connector.scripts.iter().map(|(name, text)| SourceFile::new(name.clone(), text.clone()));
    SourceFile::new("saas_config", text).with_scripts(scripts.collect())
}

/// Reads a kept file.
///
/// # Errors
/// [`StaleConnector`] if it does not pass the checks any more.
pub fn read_connector(
    connection: &ConnectionKey,
    connector: &StoredConnector,
    domain_validation: DomainValidation,
) -> Result<ConnectorFile, StaleConnector> {
    let options = CheckOptions { instance_key: Some(connection.clone()), domain_validation };
    let checked = check_connector(&connector_source(connector), &options);
    checked.value.ok_or_else(|| StaleConnector {
        connection: connection.clone(),
        first: first_error(&checked.diagnostics),
    })
}

fn first_error(found: &Diagnostics) -> String {
    let mut errors = found.iter().filter(|found| found.severity == Severity::Error);
    errors.next().map(|found| found.message.clone()).unwrap_or_default()
}
