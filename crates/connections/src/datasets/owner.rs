use std::collections::HashMap;

use model::ConnectionKey;
use spec::reference::FieldReference;
use spec::{ConnectorFile, DomainValidation, SecretInputs, check_secrets};
use store::StoredConnection;

use super::DatasetRefused;
use crate::{Connections, SecretValues, read_connector};

/// A connection, as far as its datasets need it.
#[derive(Debug, Clone)]
pub struct DatasetOwner {
    pub(super) connection: StoredConnection,
    /// Its connector file, if it is an application and has one.
    pub(super) file: Option<ConnectorFile>,
    /// What the operator chose for external references.
    pub(super) references: HashMap<String, FieldReference>,
    /// Names of the secrets that are kept.
    pub(super) secrets: Vec<String>,
}

impl DatasetOwner {
    /// Its key.
    pub fn key(&self) -> &ConnectionKey {
        &self.connection.key
    }

    /// Whether a connector file is what it goes by.
    pub(super) fn is_application(&self) -> bool {
        self.connection.connection_type == "saas"
    }

    pub(super) fn no_dataset(&self, key: &str) -> DatasetRefused {
        DatasetRefused::NoDataset { dataset: key.to_owned(), connection: self.key().to_string() }
    }
}

impl Connections {
    /// The connection of a key.
    ///
    /// # Errors
    /// [`DatasetRefused::NoConnection`] if there is none, or the text is no key.
    pub async fn dataset_owner(&self, key: &str) -> Result<DatasetOwner, DatasetRefused> {
        let absent = || DatasetRefused::NoConnection { key: key.to_owned() };
        let parsed: ConnectionKey = key.parse().map_err(|_| absent())?;
        let connection = self.store().connection_find(&parsed).await?.ok_or_else(absent)?;
        self.owner_of(connection).await
    }

    pub(super) async fn owner_of(
        &self,
        connection: StoredConnection,
    ) -> Result<DatasetOwner, DatasetRefused> {
        let secrets = self.store().vault_list(&connection.key).await?;
        let Some(connector) = &connection.connector else {
            return Ok(DatasetOwner { connection, file: None, references: HashMap::new(), secrets });
        };
        let file = read_connector(&connection.key, connector, DomainValidation::Disabled)?;
        let references = if file.external_references.is_empty() {
            HashMap::new()
        } else {
            references(&file, SecretValues::of(self.store(), &connection.key).await?)
        };
        Ok(DatasetOwner { connection, file: Some(file), references, secrets })
    }
}

/// The fields chosen so far; the other secrets may still be missing.
fn references(file: &ConnectorFile, secrets: SecretValues) -> HashMap<String, FieldReference> {
    let only = ConnectorFile { connector_params: Vec::new(), ..file.clone() };
    let checked =
        check_secrets(&only, &SecretInputs::new(secrets.into_entries()), DomainValidation::Disabled);
    checked.map(|checked| checked.references.into_iter().collect()).unwrap_or_default()
}
