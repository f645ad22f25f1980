//! Trying a connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use connector::{CallError, Connection, Connector, Secrets, Settings, TestOutcome};
use datastore::Fault;
use engine::{StoredTokens, StoredTokensParts};
use model::ConnectionKey;
use serde_json::{Value, json};
use spec::dataset_file::Namespace;
use spec::{ConnectorFile, DatabaseKind, DomainValidation, SecretInputs};
use store::{StoreError, StoredConnection};
use thiserror::Error;

use crate::{ConnectionType, Connections, DatabasePlace, SecretSchema, SecretValues};

/// Longest time of a test.
const LONGEST: Duration = Duration::from_secs(40);

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// The other side answered, and knows who asks.
    Succeeded,
    /// It does not work; this is why.
    Failed(String),
    /// There is nothing to be tried.
    Skipped,
}

/// Why there was no test.
#[derive(Debug, Error)]
pub enum TrialRefused {
    /// No such connection.
    #[error("No connection configuration found with key '{key}'.")]
    NoConnection {
        /// The key asked for.
        key: String,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Connections {
    /// Tries a connection and notes the result.
    ///
    /// # Errors
    /// [`TrialRefused`] if there is no such connection, or the store does not answer. A connection that
    /// does not work is a result.
    pub async fn test(&self, key: &ConnectionKey) -> Result<Trial, TrialRefused> {
        let absent = || TrialRefused::NoConnection { key: key.to_string() };
        let connection = self.store().connection_find(key).await?.ok_or_else(absent)?;
        let secrets = SecretValues::of(self.store(), key).await?;
        let trial = match tokio::time::timeout(LONGEST, self.tried(&connection, secrets)).await {
            Ok(trial) => trial,
            Err(_) => Trial::Failed(format!(
                "Connection error: no result within {} seconds; check address and firewall",
                LONGEST.as_secs()
            )),
        };
        match &trial {
            Trial::Succeeded => self.store().connection_tested(key, true).await?,
            Trial::Failed(_) => self.store().connection_tested(key, false).await?,
            Trial::Skipped => {}
        }
        Ok(trial)
    }

    async fn tried(&self, connection: &StoredConnection, secrets: SecretValues) -> Trial {
        let Ok(kind) = connection.connection_type.parse::<ConnectionType>() else {
            return Trial::Failed(format!(
                "this version does not know connections of type `{}`",
                connection.connection_type
            ));
        };
        match kind {
            ConnectionType::Saas => self.tried_application(connection, secrets).await,
            ConnectionType::Postgres | ConnectionType::Timescale => {
                self.tried_database(connection, (kind, DatabaseKind::Postgres), secrets).await
            }
            ConnectionType::MySql | ConnectionType::MariaDb => {
                self.tried_database(connection, (kind, DatabaseKind::MySql), secrets).await
            }
            ConnectionType::Sqlite => {
                self.tried_database(connection, (kind, DatabaseKind::Sqlite), secrets).await
            }
            ConnectionType::ManualTask | ConnectionType::TestDatastore | ConnectionType::TestWebsite => {
                Trial::Succeeded
            }
            // No vendor is written to for a try; whether mail leaves, its service's own test says.
            // Nor is a program run for a try: its syncs say how it is.
            ConnectionType::AttentiveEmail
            | ConnectionType::Baton
            | ConnectionType::GenericErasureEmail
            | ConnectionType::Https
            | ConnectionType::Manual
            | ConnectionType::Website => Trial::Skipped,
            ConnectionType::ManualWebhook => match self.store().manual_form_find(&connection.key).await {
                Ok(Some(form)) if !form.fields.is_empty() => Trial::Succeeded,
                Ok(_) => Trial::Failed("no fields are defined for this form; define them first".to_owned()),
                Err(error) => {
                    tracing::error!(%error, connection = %connection.key, "a form was not read");
                    Trial::Failed("the form could not be read; try again".to_owned())
                }
            },
            // Nor are those that stand in a dataset; whether it names them is looked at.
            ConnectionType::DynamicErasureEmail => self.tried_vendor_fields(connection, &secrets).await,
            ConnectionType::GenericConsentEmail | ConnectionType::Sovrn => {
                Trial::Failed("this version writes to no vendor of this type".to_owned())
            }
            ConnectionType::Aws
            | ConnectionType::BigQuery
            | ConnectionType::DataHub
            | ConnectionType::DynamoDb
            | ConnectionType::Entra
            | ConnectionType::Fides
            | ConnectionType::GoogleCloudSqlMySql
            | ConnectionType::GoogleCloudSqlPostgres
            | ConnectionType::GoogleWorkspace
            | ConnectionType::JiraTicket
            | ConnectionType::MongoDb
            | ConnectionType::Mssql
            | ConnectionType::Okta
            | ConnectionType::RdsMySql
            | ConnectionType::RdsPostgres
            | ConnectionType::Redshift
            | ConnectionType::S3
            | ConnectionType::Scylla
            | ConnectionType::Snowflake => Trial::Failed(format!(
                "this version cannot connect to `{kind}`; the guide names the databases it can"
            )),
        }
    }

    async fn tried_vendor_fields(&self, connection: &StoredConnection, secrets: &SecretValues) -> Trial {
        let Some(schema) = SecretSchema::of_type(ConnectionType::DynamicErasureEmail) else {
            return Trial::Skipped;
        };
        let inputs = SecretInputs::new(secrets.clone().into_entries());
        let problems = match schema.check(&inputs) {
            Ok(_) => self.check_vendor_fields(&schema, secrets).await,
            Err(problems) => Ok(problems),
        };
        match problems {
            Ok(problems) if problems.is_empty() => Trial::Skipped,
            Ok(problems) => {
                Trial::Failed(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            Err(error) => {
                tracing::error!(%error, connection = %connection.key, "a dataset was not read");
                Trial::Failed("the dataset could not be read; try again".to_owned())
            }
        }
    }

    async fn tried_application(&self, connection: &StoredConnection, secrets: SecretValues) -> Trial {
        let Some(connector) = &connection.connector else {
            return Trial::Failed(format!(
                "the connection has no SaaS config; add one via /connection/{}/saas_config",
                connection.key
            ));
        };
        let file = match crate::read_connector(&connection.key, connector, self.domain_validation()) {
            Ok(file) => file,
            Err(error) => return Trial::Failed(error.to_string()),
        };
        let connector = self.connector(&connection.key, file, secrets);
        match connector.test().await {
            Ok(TestOutcome::Passed) => Trial::Succeeded,
            Ok(TestOutcome::Failed(error)) | Err(error) => Trial::Failed(said(&error)),
        }
    }

    /// An application, ready to be called once per request: whoever tries it waits for the answer.
    pub(crate) fn connector(
        &self,
        key: &ConnectionKey,
        file: ConnectorFile,
        secrets: SecretValues,
    ) -> Connector {
        let fingerprint = self.fingerprint(&secrets);
        let inputs = SecretInputs::new(secrets.clone().into_entries());
        let checked = spec::check_secrets(&file, &inputs, DomainValidation::Disabled);
        let references = checked.map(|checked| checked.references).unwrap_or_default();
        let tokens = StoredTokens::new(StoredTokensParts {
            store: self.store().clone(),
            worker: format!("test_{}", self.inner.ids.next_uuid()),
            fingerprints: HashMap::from([(key.clone(), fingerprint)]),
        });
        let mut calls = self.calls(Arc::new(tokens));
        calls.settings.attempts = 1;
        calls.connector(Connection {
            key: key.clone(),
            file: Arc::new(file),
            secrets: Arc::new(Secrets::new(secrets.into_entries())),
            references: references.into_iter().collect(),
            recording_keep: HashMap::new(),
        })
    }

    /// Stands for the secrets that an access token was got with.
    pub(crate) fn fingerprint(&self, secrets: &SecretValues) -> String {
        let entries: Vec<(&str, &Value)> = secrets.iter().collect();
        crypto::hex(&self.store().keyed_hash(&crypto::canonical_json(&json!(entries))))
    }

    async fn tried_database(
        &self,
        connection: &StoredConnection,
        (kind, driver): (ConnectionType, DatabaseKind),
        secrets: SecretValues,
    ) -> Trial {
        let place = DatabasePlace {
            key: connection.key.clone(),
            kind: driver,
            secrets: secrets.into_entries(),
            access: crate::wiring::access(connection.access),
            namespace: Namespace::default(),
            boundary: self.inner.outgoing.boundary.clone(),
        };
        let once = Settings { attempts: 1, ..self.inner.outgoing.calls.clone() };
        let fault = match place.open(&once, &self.inner.clock) {
            Ok(database) => database.test().await.err(),
            Err(error) => Some(error),
        };
        let Some(error) = fault else { return Trial::Succeeded };
        let operational = match error.fault {
            Fault::Secrets { .. } | Fault::NotBuiltIn { .. } => "Internal",
            _ => "Operational",
        };
        Trial::Failed(format!("{operational} Error connecting to {kind} db. {}", error.fault))
    }
}

/// The published text for a failing status, and what to do about it.
fn said(error: &CallError) -> String {
    match error.status() {
        Some(status) => format!("Client call failed with status code '{status}': {error}"),
        None => error.to_string(),
    }
}
