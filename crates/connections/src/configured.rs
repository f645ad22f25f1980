//! Connections that the server's own configuration names: they are shown and read like others, and nobody changes them
//! over the API.

use model::ConnectionKey;
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionFilter, ConnectionStep,
    ConnectionUpdate, NewConnection, StoreError, StoredConnection, Window,
};
use thiserror::Error;

use crate::{ConnectionType, Connections};

/// A connection that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredConnection {
    /// Its key.
    pub key: ConnectionKey,
    /// What may be done.
    pub access: ConnectionAccess,
}

/// Why the connections of the configuration are not there.
#[derive(Debug, Error)]
pub enum ConfiguredError {
    /// There is another one.
    #[error(
        "`baton.{key}` of the server's configuration: there is a connection `{key}` of another kind; choose another key, or remove that one"
    )]
    Taken {
        /// The key.
        key: ConnectionKey,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A connection that nobody changes over the API.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "The connection '{key}' is named in the server's own configuration (`baton`), and is changed there and not over the API."
)]
pub struct ConfiguredElsewhere {
    key: String,
}

impl ConfiguredElsewhere {
    /// Refuses a connection that the configuration names.
    ///
    /// # Errors
    /// This, if it is one.
    pub fn check(connection: &StoredConnection) -> Result<(), Self> {
        if is_configured(connection) { Err(Self::of(&connection.key)) } else { Ok(()) }
    }

    pub(crate) fn of(key: &ConnectionKey) -> Self {
        Self { key: key.to_string() }
    }
}

pub(crate) fn is_configured(connection: &StoredConnection) -> bool {
    connection.connection_type == ConnectionType::Baton.as_str()
}

impl Connections {
    /// Makes what the configuration names a connection, and switches off what it does not name any more: that keeps
    /// what was read of it until somebody removes it.
    ///
    /// # Errors
    /// [`ConfiguredError`] if a key is taken, or the store does not answer.
    pub async fn settle_configured(
        &self,
        configured: &[ConfiguredConnection],
    ) -> Result<(), ConfiguredError> {
        let all = self.store().connection_list(&ConnectionFilter::default(), Window::ALL).await?.items;
        for one in configured {
            let taken = || ConfiguredError::Taken { key: one.key.clone() };
            let found = all.iter().find(|known| known.key == one.key);
            let step = match found {
                Some(found) if !is_configured(found) => return Err(taken()),
                Some(found) if found.access == one.access && !found.disabled => continue,
                Some(_) => ConnectionStep::Update(ConnectionUpdate {
                    access: Some(one.access),
                    disabled: Some(false),
                    ..ConnectionUpdate::default()
                }),
                None => ConnectionStep::Create(NewConnection {
                    name: None,
                    description: None,
                    connection_type: ConnectionType::Baton.as_str().to_owned(),
                    access: one.access,
                    disabled: false,
                    system_key: None,
                }),
            };
            let is_new = found.is_none();
            match self.step(&one.key, step).await? {
                ConnectionChanged::Done | ConnectionChanged::Absent => {}
                // Another process of this server that starts now was quicker.
                ConnectionChanged::KeyTaken if is_new => {
                    let known = self.store().connection_find(&one.key).await?;
                    if !known.is_some_and(|known| is_configured(&known)) {
                        return Err(taken());
                    }
                }
                ConnectionChanged::KeyTaken | ConnectionChanged::NameTaken => return Err(taken()),
            }
        }
        for known in all.iter().filter(|known| is_configured(known) && !known.disabled) {
            if !configured.iter().any(|one| one.key == known.key) {
                let update = ConnectionUpdate { disabled: Some(true), ..ConnectionUpdate::default() };
                // One that is gone is gone.
                let _ = self.step(&known.key, ConnectionStep::Update(update)).await?;
            }
        }
        Ok(())
    }

    async fn step(&self, key: &ConnectionKey, step: ConnectionStep) -> Result<ConnectionChanged, StoreError> {
        let change = ConnectionChange { key, actor: Actor::system(), steps: vec![step] };
        self.store().connection_change(change).await
    }
}
