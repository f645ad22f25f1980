//! Making and changing connections.

use model::{ConnectionKey, FidesKey};
use serde_json::{Map, Value};
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, ConnectionUpdate,
    NewConnection, StoreError, StoredConnection,
};
use thiserror::Error;

use crate::configured::{ConfiguredElsewhere, is_configured};
use crate::secrets::{SecretsCheck, SecretsMode};
use crate::{
    ConnectionType, Connections, InstantiateError, NewInstance, Problem, SecretValues, SecretsRefused,
};

/// A connection as it is to be. What is not given stays, or gets its default.
#[derive(Debug, Clone)]
pub struct PutConnection {
    /// Its key; the name in small letters and underscores if not given.
    pub key: Option<ConnectionKey>,
    /// Its name for people.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// What is behind it.
    pub connection_type: ConnectionType,
    /// What may be done.
    pub access: ConnectionAccess,
    /// Switched off.
    pub disabled: Option<bool>,
    /// Whether only updates that mask may erase.
    pub masking_strict: Option<bool>,
    /// The system of the data map that it belongs to.
    pub system_key: Option<String>,
    /// Its secrets, all of them.
    pub secrets: Option<Map<String, Value>>,
    /// The template that a new connection to an application is made from, if it brings secrets.
    pub connector_type: Option<String>,
}

/// Why a connection was not made or changed; then nothing was.
#[derive(Debug, Error)]
pub enum PutRefused {
    /// There is one with this key.
    #[error(
        "Key {key} already exists in ConnectionConfig. Keys will be snake-cased names if not provided. If you are seeing this error without providing a key, please provide a key or a different name."
    )]
    KeyTaken {
        /// The key.
        key: String,
    },
    /// There is another one with this name.
    #[error("Name {name} already exists in ConnectionConfig.")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// A program of the server's machine is no matter of the API.
    #[error(
        "Connections of type 'baton' are named in the server's own configuration (`baton`), and are not made over the API."
    )]
    OnlyConfigured,
    /// There is no key, and no name to make one of.
    #[error("This connection configuration could not be added.")]
    NoKey,
    /// A new connection to an application brings secrets, and it is not said which application.
    #[error("saas_connector_type is missing")]
    NoConnectorType,
    /// No template has this type.
    #[error(
        "SaaS connector type '{connector_type}' is not yet available in Fides. For a list of available SaaS connectors, refer to /connection_type."
    )]
    UnknownConnectorType {
        /// The type asked for.
        connector_type: String,
    },
    /// It could not be made from its template.
    #[error(transparent)]
    NotInstantiated(InstantiateError),
    /// It is for the server's configuration to say.
    #[error(transparent)]
    Configured(#[from] ConfiguredElsewhere),
    /// Its secrets were refused.
    #[error(transparent)]
    Secrets(#[from] SecretsRefused),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PutRefused {
    fn of_instance(error: InstantiateError) -> Self {
        match error {
            InstantiateError::UnknownType { connector_type } => Self::UnknownConnectorType { connector_type },
            InstantiateError::KeyTaken { key } => Self::KeyTaken { key: key.to_string() },
            InstantiateError::NameTaken { name } => Self::NameTaken { name },
            error @ (InstantiateError::InstanceKeyTaken { .. }
            | InstantiateError::Secrets(_)
            | InstantiateError::NotMade { .. }) => Self::NotInstantiated(error),
        }
    }

    /// What is wrong with the secrets, if they are what was refused.
    pub fn problems(&self) -> Option<&[Problem]> {
        match self {
            Self::Secrets(SecretsRefused::Invalid { problems })
            | Self::NotInstantiated(InstantiateError::Secrets(problems)) => Some(problems),
            Self::Secrets(_)
            | Self::NotInstantiated(_)
            | Self::UnknownConnectorType { .. }
            | Self::KeyTaken { .. }
            | Self::NameTaken { .. }
            | Self::NoKey
            | Self::OnlyConfigured
            | Self::NoConnectorType
            | Self::Configured(_)
            | Self::Store(_) => None,
        }
    }
}

impl Connections {
    /// Makes a connection, or changes the one that has the key.
    ///
    /// # Errors
    /// [`PutRefused`]; nothing was changed.
    pub async fn put(&self, put: PutConnection, actor: Actor) -> Result<StoredConnection, PutRefused> {
        let found = match &put.key {
            Some(key) => self.store().connection_find(key).await?,
            None => None,
        };
        if let Some(found) = &found {
            ConfiguredElsewhere::check(found)?;
        }
        if put.connection_type == ConnectionType::Baton {
            return Err(PutRefused::OnlyConfigured);
        }
        match found {
            Some(found) => self.update(found, put, actor).await,
            None => self.create(put, actor).await,
        }
    }

    async fn create(&self, put: PutConnection, actor: Actor) -> Result<StoredConnection, PutRefused> {
        let named = || FidesKey::from_name(put.name.as_deref()?)?.as_str().parse().ok();
        let key = put.key.clone().or_else(named).ok_or(PutRefused::NoKey)?;
        let secrets = put.secrets.clone().filter(|secrets| !secrets.is_empty());
        match (put.connection_type, secrets) {
            (ConnectionType::Saas, Some(secrets)) => {
                self.create_of_template(key, (put, secrets), actor).await
            }
            (_, secrets) => self.create_plain(key, (put, secrets), actor).await,
        }
    }

    async fn create_plain(
        &self,
        key: ConnectionKey,
        (put, secrets): (PutConnection, Option<Map<String, Value>>),
        actor: Actor,
    ) -> Result<StoredConnection, PutRefused> {
        let mut steps = vec![ConnectionStep::Create(NewConnection {
            name: put.name.clone(),
            description: put.description.clone(),
            connection_type: put.connection_type.as_str().to_owned(),
            access: put.access,
            disabled: put.disabled.unwrap_or(false),
            system_key: put.system_key.clone(),
        })];
        if let Some(strict) = put.masking_strict {
            let update =
                ConnectionUpdate { masking_strict: Some(Some(strict)), ..ConnectionUpdate::default() };
            steps.push(ConnectionStep::Update(update));
        }
        if let Some(secrets) = secrets {
            steps.push(ConnectionStep::ReplaceSecrets(SecretValues::from(secrets).to_kept()));
        }
        self.change(&key, put.name.as_deref(), (steps, actor)).await
    }

    async fn create_of_template(
        &self,
        key: ConnectionKey,
        (put, secrets): (PutConnection, Map<String, Value>),
        actor: Actor,
    ) -> Result<StoredConnection, PutRefused> {
        let connector_type = put.connector_type.ok_or(PutRefused::NoConnectorType)?;
        let new = NewInstance {
            key: Some(key.clone()),
            name: put.name.clone(),
            description: put.description,
            instance_key: key.clone(),
            secrets,
            system_key: put.system_key,
        };
        self.instantiate(&connector_type, new, actor.clone()).await.map_err(PutRefused::of_instance)?;
        let update = ConnectionUpdate {
            access: Some(put.access),
            disabled: put.disabled,
            masking_strict: put.masking_strict.map(Some),
            ..ConnectionUpdate::default()
        };
        self.change(&key, put.name.as_deref(), (vec![ConnectionStep::Update(update)], actor)).await
    }

    async fn update(
        &self,
        found: StoredConnection,
        put: PutConnection,
        actor: Actor,
    ) -> Result<StoredConnection, PutRefused> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut steps = vec![ConnectionStep::Update(ConnectionUpdate {
            name: given(put.name.clone()),
            description: given(put.description),
            connection_type: Some(put.connection_type.as_str().to_owned()),
            access: Some(put.access),
            disabled: put.disabled,
            system_key: put.system_key.map(Some),
            masking_strict: put.masking_strict.map(Some),
        })];
        let mut after = found.clone();
        if found.connection_type != put.connection_type.as_str() {
            // Secrets were given for what it was.
            steps.extend([
                ConnectionStep::ClearConnector,
                ConnectionStep::ReplaceSecrets(Vec::new()),
                ConnectionStep::RemoveTokens,
            ]);
            put.connection_type.as_str().clone_into(&mut after.connection_type);
            after.connector = None;
        }
        if let Some(secrets) = put.secrets.filter(|secrets| !secrets.is_empty()) {
            let supplied = (secrets.into(), SecretsMode::Replace, SecretsCheck::AsGiven);
            steps.extend(self.plan_secrets(&after, supplied).await?.steps);
        }
        self.change(&found.key, put.name.as_deref(), (steps, actor)).await
    }

    /// Does the steps and gives the connection as it is then.
    pub(crate) async fn change(
        &self,
        key: &ConnectionKey,
        name: Option<&str>,
        (steps, actor): (Vec<ConnectionStep>, Actor),
    ) -> Result<StoredConnection, PutRefused> {
        let taken = || PutRefused::KeyTaken { key: key.to_string() };
        match self.store().connection_change(ConnectionChange { key, actor, steps }).await? {
            ConnectionChanged::Done => {}
            ConnectionChanged::KeyTaken => return Err(taken()),
            ConnectionChanged::NameTaken => {
                return Err(PutRefused::NameTaken { name: name.unwrap_or(key.as_str()).to_owned() });
            }
            ConnectionChanged::Absent => return Err(absent(key).into()),
        }
        Ok(self.store().connection_find(key).await?.ok_or_else(|| absent(key))?)
    }

    /// Removes a connection with all that belongs to it; `false` if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer; [`StoreError::Conflict`] if the server's configuration names it.
    pub async fn remove(&self, key: &ConnectionKey, actor: Actor) -> Result<bool, StoreError> {
        let found = self.store().connection_find(key).await?;
        // One that the configuration does not name any more is switched off, and nobody else's.
        if found.is_some_and(|found| is_configured(&found) && !found.disabled) {
            return Err(StoreError::Conflict {
                what: "connection",
                id: key.to_string(),
                state: "named in the server's own configuration".to_owned(),
                needs: "take it out of `baton` there, and start the server anew",
            });
        }
        let steps = vec![ConnectionStep::Remove];
        let changed = self.store().connection_change(ConnectionChange { key, actor, steps }).await?;
        Ok(changed == ConnectionChanged::Done)
    }
}

/// Somebody else removed it meanwhile.
fn absent(key: &ConnectionKey) -> StoreError {
    StoreError::NotFound { what: "connection", id: key.to_string() }
}
