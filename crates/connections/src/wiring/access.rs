//! Connections as they are read for who has access, and changed.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Connection, Connector, Secrets};
use engine::{StoredTokens, StoredTokensParts};
use model::ConnectionKey;
use spec::connector_file::{ConnectorFile, Service};
use spec::{DomainValidation, SecretInputs};
use store::{ConnectionAccess, ConnectionFilter, StoreError, StoredConnection, Window};
use thiserror::Error;

use super::definition_digest;
use crate::{ConnectionType, Connections, SecretValues, connector_source};

/// A connection that says who has access to its application, ready to be called.
#[derive(Debug, Clone)]
pub struct AccessConnection {
    /// What calls it; its key is that of the connection.
    pub connector: Connector,
    /// Stands for file, settings and secrets: what was read with others is of no use.
    pub basis: String,
    /// What may be done through it.
    pub access: ConnectionAccess,
}

/// Why a connection cannot say who has access. Names settings, never their values.
#[derive(Debug, Error)]
pub enum AccessConnectionError {
    /// There is none with this key.
    #[error("there is no connection `{connection}` any more")]
    Gone {
        /// The key.
        connection: ConnectionKey,
    },
    /// Nothing in it is about access.
    #[error(
        "nothing says who has access to `{connection}`: it has no connector file with a section `governance`"
    )]
    NotAbout {
        /// The key.
        connection: ConnectionKey,
    },
    /// It is switched off.
    #[error("the connection `{connection}` is switched off; switch it on")]
    Disabled {
        /// The key.
        connection: ConnectionKey,
    },
    /// Its file or its secrets cannot be used.
    #[error("{reason}")]
    Lacking {
        /// Why.
        reason: String,
    },
    /// The store does not answer.
    #[error("the connection could not be read")]
    Store(#[from] StoreError),
}

impl Connections {
    /// Makes a connection ready to be read for who has access. Calls nobody.
    ///
    /// # Errors
    /// [`AccessConnectionError`].
    pub async fn access_connection(
        &self,
        key: &ConnectionKey,
        worker: &str,
    ) -> Result<AccessConnection, AccessConnectionError> {
        let gone = || AccessConnectionError::Gone { connection: key.clone() };
        let stored = self.store().connection_find(key).await?.ok_or_else(gone)?;
        self.access_of(&stored, worker).await
    }

    /// Those that say who has access, each with what it would be read with, or why it cannot be. Calls nobody.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn access_bases(
        &self,
        worker: &str,
    ) -> Result<Vec<(ConnectionKey, Result<String, AccessConnectionError>)>, StoreError> {
        let mut found = Vec::new();
        let all = self.store().connection_list(&ConnectionFilter::default(), Window::ALL).await?.items;
        for stored in all {
            let basis = match self.access_of(&stored, worker).await {
                Ok(access) => Ok(access.basis),
                Err(
                    AccessConnectionError::NotAbout { .. }
                    | AccessConnectionError::Gone { .. }
                    | AccessConnectionError::Disabled { .. },
                ) => continue,
                Err(AccessConnectionError::Store(error)) => return Err(error),
                Err(error @ AccessConnectionError::Lacking { .. }) => Err(error),
            };
            found.push((stored.key, basis));
        }
        Ok(found)
    }

    async fn access_of(
        &self,
        stored: &StoredConnection,
        worker: &str,
    ) -> Result<AccessConnection, AccessConnectionError> {
        let key = &stored.key;
        let not_about = || AccessConnectionError::NotAbout { connection: key.clone() };
        let lacking = |reason: String| AccessConnectionError::Lacking { reason };
        if crate::configured::is_configured(stored) {
            // Who knows what is behind it does not ask here.
            return Err(lacking(format!("the server's own configuration has no `baton.{key}` any more")));
        }
        if stored.connection_type.parse() != Ok(ConnectionType::Saas) {
            return Err(not_about());
        }
        let connector = stored.connector.as_ref().ok_or_else(not_about)?;
        let file = crate::read_connector(key, connector, self.domain_validation());
        let file = file.map_err(|error| lacking(error.to_string()))?;
        if file.governance.is_none() {
            return Err(not_about());
        }
        if stored.disabled {
            return Err(AccessConnectionError::Disabled { connection: key.clone() });
        }
        let kept = SecretValues::of(self.store(), key).await?;
        let fingerprint = self.fingerprint(&kept);
        let inputs = SecretInputs::new(kept.into_entries());
        let checked =
            spec::check_secrets_for(&file, &inputs, DomainValidation::Disabled, Service::Governance);
        let secrets = checked.map_err(|error| lacking(error.to_string()))?;
        let source = connector_source(connector);
        let basis = format!("{}|{fingerprint}", definition_digest([Some(&source), None]));
        let tokens = StoredTokens::new(StoredTokensParts {
            store: self.store().clone(),
            worker: worker.to_owned(),
            fingerprints: HashMap::from([(key.clone(), fingerprint)]),
        });
        let connector = self.calls(Arc::new(tokens)).connector(Connection {
            key: key.clone(),
            file: Arc::new(file),
            secrets: Arc::new(Secrets::new(secrets.values)),
            references: secrets.references.into_iter().collect(),
            recording_keep: HashMap::new(),
        });
        Ok(AccessConnection { connector, basis, access: stored.access })
    }
}

/// Checks secrets for a connection that may be used for privacy requests, for who has access, or for both: one that
/// is complete for one of them is complete, unless half of what the other needs is among them.
///
/// # Errors
/// What privacy requests lack, if neither is complete.
pub(crate) fn check_for_any(
    file: &ConnectorFile,
    inputs: &SecretInputs,
    mode: DomainValidation,
) -> Result<spec::CheckedSecrets, spec::SecretsError> {
    match spec::check_secrets(file, inputs, mode) {
        Err(error) if is_for_access_only(file, inputs) => {
            spec::check_secrets_for(file, inputs, mode, Service::Governance).map_err(|_| error)
        }
        checked => checked,
    }
}

/// Whether these secrets were given for who has access alone: they are complete for that, and nothing that only
/// privacy requests need is among them. Half of what those need is a mistake, which must not pass for an intention.
pub(crate) fn is_for_access_only(file: &ConnectorFile, inputs: &SecretInputs) -> bool {
    let mode = DomainValidation::Disabled;
    let params = file.connector_params.iter().map(|param| (&param.name, param.required_for));
    let references = file.external_references.iter();
    let references = references.map(|reference| (&reference.name, reference.required_for));
    let of_privacy = params.chain(references).filter(|(_, service)| *service == Some(Service::Privacy));
    let mut given = of_privacy.filter_map(|(name, _)| inputs.find(name));
    file.governance.is_some()
        && given.all(model::is_falsy)
        && spec::check_secrets(file, inputs, mode).is_err()
        && spec::check_secrets_for(file, inputs, mode, Service::Governance).is_ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Map, Value, json};
    use spec::{CheckOptions, SourceFile, check_connector};

    use super::*;

    const SEGMENT: &str = include_str!("../../../../connectors/segment/connector.yml");

    #[rstest]
    #[case::for_access(json!({"access_token": "t"}), true, true)]
    #[case::with_empty_fields(json!({"access_token": "t", "workspace": "", "segment_user_id": null}), true, true)]
    #[case::with_half_of_privacy(json!({"access_token": "t", "workspace": "acme"}), false, false)]
    #[case::for_both(
        json!({"access_token": "t", "segment_user_id": {"dataset": "crm", "field": "users.id", "direction": "from"}}),
        false,
        true
    )]
    #[case::for_neither(json!({"domain": "api.segmentapis.com"}), false, false)]
    fn half_of_what_privacy_requests_need_does_not_pass_for_access_alone(
        #[case] secrets: Value,
        #[case] is_for_access: bool,
        #[case] is_taken: bool,
    ) {
        let checked = check_connector(&SourceFile::new("segment.yml", SEGMENT), &CheckOptions::default());
        let file = checked.value.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
        let inputs = SecretInputs::new(serde_json::from_value::<Map<String, Value>>(secrets).unwrap());

        let taken = check_for_any(&file, &inputs, DomainValidation::Disabled);

        assert_eq!(
            (is_for_access_only(&file, &inputs), taken.is_ok()),
            (is_for_access, is_taken),
            "{taken:?}"
        );
    }
}
