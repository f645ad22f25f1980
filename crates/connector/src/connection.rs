use std::collections::HashMap;
use std::sync::Arc;

use model::ConnectionKey;
use spec::connector_file::ConnectorFile;
use spec::reference::FieldReference;

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
