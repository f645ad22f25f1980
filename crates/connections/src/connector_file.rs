//! The connector file of a connection: checked, kept with its history, taken away.

mod change;
mod check;

use std::sync::Arc;

use model::ConnectionKey;
use serde_json::Value;
use spec::ConnectorFile;
use store::{
    Actor, ConnectionChange, ConnectionChanged, ConnectionStep, ConnectorVersion, StoreError,
    StoredConnection, StoredConnector,
};
use thiserror::Error;

pub use self::check::CheckedConnector;
use crate::{Connections, Problem, SecretValues};

/// Why a connector file was not checked, kept, given or taken away.
#[derive(Debug, Error)]
pub enum ConnectorFileError {
    /// There is no such connection.
    #[error("No connection config with key '{key}'")]
    NoConnection {
        /// The key.
        key: ConnectionKey,
    },
    /// Something else than an application is behind it.
    #[error("This action is only applicable to connection configs of connection type 'saas'")]
    NotAnApplication,
    /// The document is refused.
    #[error("the connector file has {} mistakes", .0.len())]
    Invalid(Vec<Problem>),
    /// What may not change in a connector file was changed (saas-config 4.11).
    #[error("{0}")]
    Fixed(String),
    /// There is no file.
    #[error("No SaaS config found for connection '{key}'")]
    NoFile {
        /// The connection.
        key: ConnectionKey,
    },
    /// There is no such version.
    #[error("No SaaS config history found for connection '{key}' version '{version}'")]
    NoVersion {
        /// The connection.
        key: ConnectionKey,
        /// The version.
        version: String,
    },
    /// Something still needs the file.
    #[error("{0}")]
    InUse(String),
    /// The store did not do it.
    #[error("the connector file could not be kept or read")]
    Store(#[from] StoreError),
}

impl Connections {
    /// Checks a document as the connector file of a connection, which need not exist; keeps nothing.
    ///
    /// # Errors
    /// [`ConnectorFileError::Invalid`] with everything found.
    pub async fn connector_file_check(
        &self,
        key: &ConnectionKey,
        document: &Value,
    ) -> Result<CheckedConnector, ConnectorFileError> {
        let connection = self.store().connection_find(key).await?;
        self.check_file(key, document, connection.and_then(|connection| connection.connector).as_ref()).await
    }

    /// Gives a connection this connector file in place of the one it has, and its history an entry.
    ///
    /// Params with a default that have no secret yet get the default. If the file leads to a host that
    /// the old one did not, the secrets that must not be shown are removed: they were given for the old
    /// hosts (architecture 13.19).
    ///
    /// # Errors
    /// [`ConnectorFileError`]; then nothing is changed.
    pub async fn connector_file_put(
        &self,
        key: &ConnectionKey,
        document: &Value,
        actor: Actor,
    ) -> Result<StoredConnector, ConnectorFileError> {
        let connection = self.application(key).await?;
        let checked = self.check_file(key, document, connection.connector.as_ref()).await?;
        let template = self.template_find(&checked.connector.connector_type).await?;
        let template = template.and_then(|offered| offered.template.document());
        change::check_fixed((connection.connector.as_ref(), template), &checked.connector)
            .map_err(ConnectorFileError::Fixed)?;
        let datasets = self.datasets_of(key).await?;
        let file = (checked.file, checked.connector.clone());
        let steps = self.replacing_steps(&connection, file, datasets).await?;
        self.change_file(key, actor, steps).await?;
        Ok(checked.connector)
    }

    /// The connector file of a connection.
    ///
    /// # Errors
    /// [`ConnectorFileError`].
    pub async fn connector_file_get(
        &self,
        key: &ConnectionKey,
    ) -> Result<StoredConnector, ConnectorFileError> {
        let connection = self.application(key).await?;
        connection.connector.ok_or_else(|| ConnectorFileError::NoFile { key: key.clone() })
    }

    /// Takes a connection's connector file away; its history stays.
    ///
    /// # Errors
    /// [`ConnectorFileError::InUse`] while its dataset or any secret is there.
    pub async fn connector_file_remove(
        &self,
        key: &ConnectionKey,
        actor: Actor,
    ) -> Result<(), ConnectorFileError> {
        let connector = self.connector_file_get(key).await?;
        let mut needs = Vec::new();
        let links = self.store().dataset_link_list(key).await?;
        if links.iter().any(|(_, dataset)| dataset.key == connector.fides_key) {
            needs.push(format!(
                "Must delete the dataset with fides_key '{}' before deleting this SaaS config.",
                connector.fides_key
            ));
        }
        if !self.store().vault_list(key).await?.is_empty() {
            needs.push(
                "Must clear the secrets from this connection config before deleting the SaaS config."
                    .to_owned(),
            );
        }
        if !needs.is_empty() {
            return Err(ConnectorFileError::InUse(needs.join(" ")));
        }
        self.change_file(key, actor, vec![ConnectionStep::ClearConnector]).await
    }

    /// The files that a connection had, the newest first.
    ///
    /// # Errors
    /// [`ConnectorFileError`].
    pub async fn connector_file_history(
        &self,
        key: &ConnectionKey,
    ) -> Result<Vec<ConnectorVersion>, ConnectorFileError> {
        self.application(key).await?;
        Ok(self.store().connector_version_list(key).await?)
    }

    /// The newest of them with this version.
    ///
    /// # Errors
    /// [`ConnectorFileError::NoVersion`] if there is none.
    pub async fn connector_file_version(
        &self,
        key: &ConnectionKey,
        version: &str,
    ) -> Result<ConnectorVersion, ConnectorFileError> {
        self.application(key).await?;
        let found = self.store().connector_version_find(key, version).await?;
        found.ok_or_else(|| ConnectorFileError::NoVersion { key: key.clone(), version: version.to_owned() })
    }

    /// What gives a connection this file: its history gets an entry, params with a default that have no
    /// secret yet get it, and secrets given for other hosts go.
    pub(crate) async fn replacing_steps(
        &self,
        connection: &StoredConnection,
        (file, connector): (Arc<ConnectorFile>, StoredConnector),
        datasets: Option<Value>,
    ) -> Result<Vec<ConnectionStep>, StoreError> {
        let key = &connection.key;
        let mut steps = vec![ConnectionStep::SetConnector { connector, datasets }];
        let secrets = SecretValues::of(self.store(), key).await?;
        let defaults = change::defaults(&file, &secrets);
        let old = connection.connector.as_ref().and_then(|old| self.read_file(key, old));
        let files = (old.as_ref(), &file);
        if change::leads_elsewhere(key, files, (&secrets, &defaults)) {
            let names = change::unbound(files, &secrets);
            if !names.is_empty() {
                steps.push(ConnectionStep::RemoveSecrets(names));
            }
            steps.push(ConnectionStep::RemoveTokens);
        }
        if !defaults.is_empty() {
            steps.push(ConnectionStep::MergeSecrets(defaults.to_kept()));
        }
        Ok(steps)
    }

    async fn application(&self, key: &ConnectionKey) -> Result<StoredConnection, ConnectorFileError> {
        let found = self.store().connection_find(key).await?;
        let connection = found.ok_or_else(|| ConnectorFileError::NoConnection { key: key.clone() })?;
        if connection.connection_type != crate::ConnectionType::Saas.as_str() {
            return Err(ConnectorFileError::NotAnApplication);
        }
        Ok(connection)
    }

    async fn change_file(
        &self,
        key: &ConnectionKey,
        actor: Actor,
        steps: Vec<ConnectionStep>,
    ) -> Result<(), ConnectorFileError> {
        match self.store().connection_change(ConnectionChange { key, actor, steps }).await? {
            ConnectionChanged::Done => Ok(()),
            // No step here makes or renames one: it was removed in the meantime.
            ConnectionChanged::Absent | ConnectionChanged::KeyTaken | ConnectionChanged::NameTaken => {
                Err(ConnectorFileError::NoConnection { key: key.clone() })
            }
        }
    }

    /// The documents of a connection's datasets, for its history.
    async fn datasets_of(&self, key: &ConnectionKey) -> Result<Option<Value>, StoreError> {
        let links = self.store().dataset_link_list(key).await?;
        let documents = links.iter().filter_map(|(_, dataset)| serde_json::from_str(&dataset.body).ok());
        let documents: Vec<Value> = documents.collect();
        Ok((!documents.is_empty()).then(|| documents.into()))
    }
}
