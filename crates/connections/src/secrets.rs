//! Changing the secrets of a connection.

use std::fmt;
use std::sync::Arc;

use model::ConnectionKey;
use serde_json::{Map, Value};
use spec::connector_file::Authentication;
use spec::{ConnectorFile, SecretInputs};
use store::{Actor, ConnectionChange, ConnectionChanged, ConnectionStep, StoreError, StoredConnection};
use thiserror::Error;

use crate::hosts::Hosts;
use crate::secret_schema::{MASK, connector_secret_problems};
use crate::wiring::check_for_any;
use crate::{Connections, Problem, SecretSchema, SecretValues, StaleConnector};

/// What becomes of secrets that are not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretsMode {
    /// They go.
    Replace,
    /// They stay.
    Merge,
}

/// How far secrets are checked before they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretsCheck {
    /// They must be complete and fit the schema.
    Schema,
    /// Those of built-in types are kept as they are; those of a connector file must fit it.
    AsGiven,
}

/// Secrets that were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsKept {
    /// Names of sensitive secrets that were removed, because the connection reaches another host now.
    pub cleared: Vec<String>,
}

impl fmt::Display for SecretsKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cleared.is_empty() {
            return f.write_str("the secrets are kept");
        }
        write!(
            f,
            "the connection reaches a host now that it did not reach before, and secrets are for the hosts they were given for: `{}` of before was removed; send it again",
            self.cleared.join("`, `")
        )
    }
}

/// Why secrets were not kept; then nothing was changed.
#[derive(Debug, Error)]
pub enum SecretsRefused {
    /// No such connection.
    #[error("No connection config found with key {key}")]
    NoConnection {
        /// The key asked for.
        key: String,
    },
    /// Nothing says which secrets there are.
    #[error(
        "A SaaS config to validate the secrets is unavailable for this connection config, please add one via /connection/{{connection_key}}/saas_config"
    )]
    NoConnectorFile,
    /// A type whose secrets this version does not know.
    #[error("connections of type `{connection_type}` take no secrets in this version")]
    NoSchema {
        /// The type.
        connection_type: String,
    },
    /// They do not fit.
    #[error("the secrets do not fit: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid {
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// The connector file that is kept cannot be used.
    #[error(transparent)]
    Stale(#[from] StaleConnector),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What says which secrets a connection takes.
#[derive(Debug, Clone)]
pub(crate) enum SchemaSource {
    Connector(Arc<ConnectorFile>),
    BuiltIn(SecretSchema),
}

/// A change of secrets that was checked.
#[derive(Debug)]
pub(crate) struct PlannedSecrets {
    pub(crate) steps: Vec<ConnectionStep>,
    pub(crate) cleared: Vec<String>,
}

impl PlannedSecrets {
    /// These and no others; access tokens were got with the old ones.
    fn replacing(values: &SecretValues) -> Self {
        let steps = vec![ConnectionStep::ReplaceSecrets(values.to_kept()), ConnectionStep::RemoveTokens];
        Self { steps, cleared: Vec::new() }
    }
}

impl Connections {
    /// Keeps secrets of a connection, after a check.
    ///
    /// A sensitive value that is sent as it is shown, masked, stands for the one that is kept.
    ///
    /// # Errors
    /// [`SecretsRefused`]; nothing was changed.
    pub async fn put_secrets(
        &self,
        key: &ConnectionKey,
        (supplied, mode): (Map<String, Value>, SecretsMode),
        actor: Actor,
    ) -> Result<SecretsKept, SecretsRefused> {
        let absent = || SecretsRefused::NoConnection { key: key.to_string() };
        let connection = self.store().connection_find(key).await?.ok_or_else(absent)?;
        let supplied = (supplied.into(), mode, SecretsCheck::Schema);
        let planned = self.plan_secrets(&connection, supplied).await?;
        let change = ConnectionChange { key, actor, steps: planned.steps };
        match self.store().connection_change(change).await? {
            ConnectionChanged::Done => Ok(SecretsKept { cleared: planned.cleared }),
            ConnectionChanged::Absent | ConnectionChanged::KeyTaken | ConnectionChanged::NameTaken => {
                Err(absent())
            }
        }
    }

    /// Checks secrets, and says which steps keep them.
    pub(crate) async fn plan_secrets(
        &self,
        connection: &StoredConnection,
        (supplied, mode, check): (SecretValues, SecretsMode, SecretsCheck),
    ) -> Result<PlannedSecrets, SecretsRefused> {
        let source = match self.schema_source(connection)? {
            Some(source) => source,
            None if connection.is_saas() => return Err(SecretsRefused::NoConnectorFile),
            None if check == SecretsCheck::AsGiven => return Ok(PlannedSecrets::replacing(&supplied)),
            None => {
                let connection_type = connection.connection_type.clone();
                return Err(SecretsRefused::NoSchema { connection_type });
            }
        };
        let kept = SecretValues::of(self.store(), &connection.key).await?;
        let schema = source.schema();
        let (base, supplied) = unmasked(&schema, (&kept, supplied, mode));
        let merged = base.clone().merged(&supplied);
        let mut values = match (&source, check) {
            (SchemaSource::Connector(file), _) => self.checked_by_file(file, merged).await?,
            (SchemaSource::BuiltIn(schema), SecretsCheck::Schema) => {
                let checked = schema.check(&SecretInputs::new(merged.into_entries()));
                let values = checked.map_err(|problems| SecretsRefused::Invalid { problems })?;
                let values = SecretValues::new(values);
                let problems = self.check_vendor_fields(schema, &values).await?;
                if !problems.is_empty() {
                    return Err(SecretsRefused::Invalid { problems });
                }
                values
            }
            (SchemaSource::BuiltIn(_), SecretsCheck::AsGiven) => merged,
        };
        let old = |name: &str| supplied.find(name).is_none() && base.find(name).is_some();
        let mut cleared = Vec::new();
        let hosts = |secrets: &SecretValues| source.hosts(&connection.key, secrets);
        if hosts(&values).add_to(&hosts(&kept)) {
            let sensitive =
                values.iter().map(|(name, _)| name).filter(|name| old(name) && schema.hides(name));
            cleared = sensitive.map(str::to_owned).collect();
            values.retain(|name| !cleared.iter().any(|cleared| cleared == name));
        }
        if values != kept && source.is_oauth2() {
            // Got with what is no longer so (saas-config 4.7).
            values.retain(|name| name != "access_token" || !old(name));
        }
        if values == kept {
            return Ok(PlannedSecrets { steps: Vec::new(), cleared });
        }
        Ok(PlannedSecrets { cleared, ..PlannedSecrets::replacing(&values) })
    }

    /// What says which secrets a connection takes, if anything does.
    pub(crate) fn schema_source(
        &self,
        connection: &StoredConnection,
    ) -> Result<Option<SchemaSource>, StaleConnector> {
        if connection.is_saas() {
            let Some(connector) = &connection.connector else { return Ok(None) };
            let file = crate::read_connector(&connection.key, connector, self.domain_validation())?;
            return Ok(Some(SchemaSource::Connector(Arc::new(file))));
        }
        let kind = connection.connection_type.parse().ok();
        Ok(kind.and_then(SecretSchema::of_type).map(SchemaSource::BuiltIn))
    }

    async fn checked_by_file(
        &self,
        file: &ConnectorFile,
        values: SecretValues,
    ) -> Result<SecretValues, SecretsRefused> {
        let inputs = SecretInputs::new(values.into_entries());
        let checked = check_for_any(file, &inputs, self.domain_validation())
            .map_err(|error| SecretsRefused::Invalid { problems: connector_secret_problems(file, &error) })?;
        let problems = self.check_references(&checked.references).await?;
        if !problems.is_empty() {
            return Err(SecretsRefused::Invalid { problems });
        }
        for warning in &checked.warnings {
            tracing::warn!(connection = %file.fides_key, "{warning}");
        }
        Ok(SecretValues::new(checked.values))
    }
}

impl SchemaSource {
    pub(crate) fn schema(&self) -> SecretSchema {
        match self {
            Self::Connector(file) => SecretSchema::of_connector(file),
            Self::BuiltIn(schema) => schema.clone(),
        }
    }

    fn hosts(&self, key: &ConnectionKey, secrets: &SecretValues) -> Hosts {
        match self {
            Self::Connector(file) => Hosts::of_connector(key, file, secrets),
            Self::BuiltIn(_) => Hosts::of_built_in(secrets),
        }
    }

    /// Whether an access token is got with the other secrets.
    fn is_oauth2(&self) -> bool {
        match self {
            Self::Connector(file) => {
                matches!(
                    file.client_config.authentication,
                    Some(
                        Authentication::OAuth2AuthorizationCode { .. }
                            | Authentication::OAuth2ClientCredentials(_)
                    )
                )
            }
            Self::BuiltIn(_) => false,
        }
    }
}

impl SecretSchema {
    /// Whether a secret is not shown: sensitive, or not known at all.
    fn hides(&self, name: &str) -> bool {
        self.find(name).is_none_or(|field| field.sensitive)
    }
}

/// What stays of the secrets that are kept, and what is really sent.
fn unmasked(
    schema: &SecretSchema,
    (kept, mut supplied, mode): (&SecretValues, SecretValues, SecretsMode),
) -> (SecretValues, SecretValues) {
    let masked = |values: &SecretValues, name: &str| {
        schema.hides(name)
            && values.find(name).and_then(Value::as_str) == Some(MASK)
            && kept.find(name).is_some()
    };
    let mut base = kept.clone();
    if mode == SecretsMode::Replace {
        base.retain(|name| masked(&supplied, name));
    }
    let sent = supplied.clone();
    supplied.retain(|name| !masked(&sent, name));
    (base, supplied)
}
