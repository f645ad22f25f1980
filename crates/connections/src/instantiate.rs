//! Connections made from a template: file, secrets and dataset at once, or nothing.

use model::ConnectionKey;
use serde_json::{Map, Value, json};
use spec::SecretInputs;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, NewConnection, PutMode,
    StoreError,
};
use thiserror::Error;

use crate::secret_schema::connector_secret_problems;
use crate::template::Instance;
use crate::wiring::check_for_any;
use crate::{ConnectionType, ConnectionView, Connections, Problem, SecretValues};

/// A connection to be made from a template.
#[derive(Debug)]
pub struct NewInstance {
    /// Key of the connection; none: that of the instance.
    pub key: Option<ConnectionKey>,
    /// Its name for people.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Takes the place of the placeholder in both documents; also the key of the dataset.
    pub instance_key: ConnectionKey,
    /// The secrets.
    pub secrets: Map<String, Value>,
    /// The system of the data map that it is to belong to.
    pub system_key: Option<String>,
}

/// What was made.
#[derive(Debug)]
pub struct Instantiated {
    /// The connection.
    pub connection: ConnectionView,
    /// Its dataset.
    pub dataset: Value,
}

/// Why nothing was made. Nothing is left behind.
#[derive(Debug, Error)]
pub enum InstantiateError {
    /// No template has this type.
    #[error(
        "SaaS connector type '{connector_type}' is not yet available in Fidesops. For a list of available SaaS connectors, refer to /connection_type."
    )]
    UnknownType {
        /// The type asked for.
        connector_type: String,
    },
    /// There is a dataset with the instance's key.
    #[error("SaaS connector instance key '{key}' already exists.")]
    InstanceKeyTaken {
        /// The key.
        key: ConnectionKey,
    },
    /// There is a connection with this key.
    #[error(
        "Key {key} already exists in ConnectionConfig. Keys will be snake-cased names if not provided. If you are seeing this error without providing a key, please provide a key or a different name."
    )]
    KeyTaken {
        /// The key.
        key: ConnectionKey,
    },
    /// There is a connection with this name.
    #[error("Name {name} already exists in ConnectionConfig.")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The secrets do not fit.
    #[error("the secrets have {} mistakes", .0.len())]
    Secrets(Vec<Problem>),
    /// The template does not work with this key, or the store did not keep it.
    #[error("SaaS Connector could not be created from the '{connector_type}' template at this time.")]
    NotMade {
        /// The type.
        connector_type: String,
        /// What the store said, if it was the store.
        #[source]
        source: Option<StoreError>,
    },
}

impl Connections {
    /// Makes a connection from the template of a type: for reading and writing, switched on, with its
    /// file, its secrets and its dataset. It is not tried.
    ///
    /// # Errors
    /// [`InstantiateError`]; nothing is left behind.
    pub async fn instantiate(
        &self,
        connector_type: &str,
        new: NewInstance,
        actor: Actor,
    ) -> Result<Instantiated, InstantiateError> {
        let not_made =
            |source| InstantiateError::NotMade { connector_type: connector_type.to_owned(), source };
        let unknown = || InstantiateError::UnknownType { connector_type: connector_type.to_owned() };
        let offered = self.template_find(&connector_type.to_lowercase()).await;
        let offered = offered.map_err(|error| not_made(Some(error)))?.ok_or_else(unknown)?;
        let mode = self.inner.outgoing.calls.domain_validation;
        let instance = offered.template.instance(&new.instance_key, mode).ok_or_else(|| not_made(None))?;
        let secrets = check_for_any(&instance.file, &SecretInputs::new(new.secrets.clone()), mode)
            .map_err(|error| InstantiateError::Secrets(connector_secret_problems(&instance.file, &error)))?;
        let problems =
            self.check_references(&secrets.references).await.map_err(|error| not_made(Some(error)))?;
        if !problems.is_empty() {
            return Err(InstantiateError::Secrets(problems));
        }
        if self.is_instance(&new.instance_key).await.map_err(|error| not_made(Some(error)))? {
            return Err(InstantiateError::InstanceKeyTaken { key: new.instance_key });
        }
        let key = new.key.clone().unwrap_or_else(|| new.instance_key.clone());
        let dataset = instance.dataset.document.clone();
        let steps = steps(&new, instance, &SecretValues::new(secrets.values));
        let changed = self.store().connection_change(ConnectionChange { key: &key, actor, steps }).await;
        match changed {
            Ok(ConnectionChanged::Done) => {}
            Ok(ConnectionChanged::KeyTaken) => return Err(InstantiateError::KeyTaken { key }),
            Ok(ConnectionChanged::NameTaken) => {
                return Err(InstantiateError::NameTaken { name: new.name.unwrap_or_default() });
            }
            Ok(ConnectionChanged::Absent) => return Err(not_made(None)),
            // Somebody else was quicker.
            Err(StoreError::Conflict { what: "dataset", .. }) => {
                return Err(InstantiateError::InstanceKeyTaken { key: new.instance_key });
            }
            Err(error) => return Err(not_made(Some(error))),
        }
        let kept = self.store().connection_find(&key).await.map_err(|error| not_made(Some(error)))?;
        let kept = kept.ok_or_else(|| not_made(None))?;
        let connection = self.view(kept).await.map_err(|error| not_made(Some(error)))?;
        Ok(Instantiated { connection, dataset })
    }

    async fn is_instance(&self, key: &ConnectionKey) -> Result<bool, StoreError> {
        Ok(self.store().dataset_find(key.as_str()).await?.is_some())
    }
}

fn steps(new: &NewInstance, instance: Instance, secrets: &SecretValues) -> Vec<ConnectionStep> {
    vec![
        ConnectionStep::Create(NewConnection {
            name: new.name.clone(),
            description: new.description.clone(),
            connection_type: ConnectionType::Saas.as_str().to_owned(),
            access: ConnectionAccess::Write,
            disabled: false,
            system_key: new.system_key.clone(),
        }),
        ConnectionStep::SetConnector {
            connector: instance.connector,
            datasets: Some(json!([instance.dataset.document])),
        },
        ConnectionStep::ReplaceSecrets(secrets.to_kept()),
        ConnectionStep::PutDataset { dataset: instance.dataset.to_kept(), mode: PutMode::Create },
    ]
}
