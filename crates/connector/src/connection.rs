use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::{ConnectionKey, Row};
use serde_json::Value;
use spec::ConditionError;
use spec::connector_file::{ConnectorFile, Request};
use spec::reference::FieldReference;

use crate::client::Client;
use crate::secrets::Secrets;

/// One instance of a connector file: its key, its secrets, and what the operator chose for it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The connection's key, also the key of its dataset.
    pub key: ConnectionKey,
    /// The checked file.
    pub file: Arc<ConnectorFile>,
    /// Its secrets.
    pub secrets: Arc<Secrets>,
    /// External references: name → the field that the operator chose (saas-config 4.12).
    pub references: HashMap<String, FieldReference>,
    /// Endpoint → dotted paths of the answer that a recording keeps as they are.
    pub recording_keep: HashMap<String, Vec<String>>,
}

impl Connection {
    /// The secrets that must never be shown, each with its value.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = (&str, &Value)> {
        let hidden = self.secrets.names().filter(|name| self.file.is_secret(name));
        hidden.filter_map(|name| Some((name, self.secrets.find(name)?)))
    }

    /// Where its requests go, with these secrets: protocol, host and port of every client config of the
    /// file. One whose host cannot be filled in goes nowhere.
    pub fn origins(&self) -> BTreeSet<String> {
        let requests = self.file.requests();
        let configs = requests.iter().filter_map(|request| request.client_config.as_ref());
        configs
            .chain([&self.file.client_config])
            .filter_map(|config| Client::new(config, self.secrets.as_values()).ok())
            .map(|client| client.origin())
            .collect()
    }

    /// Whether `request` is a variant for this connection: its `when` holds, or it has none
    /// (architecture §5).
    ///
    /// # Errors
    /// [`ConditionError`] if the condition has no result for these secrets.
    pub fn applies(&self, request: &Request) -> Result<bool, ConditionError> {
        let Some(when) = &request.when else { return Ok(true) };
        // A param without a value is null, so that a condition may ask for it.
        let variables: Row = self
            .file
            .connector_params
            .iter()
            .map(|param| (param.name.clone(), self.secrets.find(&param.name).cloned().unwrap_or(Value::Null)))
            .collect();
        when.evaluate(&variables)
    }
}
