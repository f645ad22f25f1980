use governance::inventory;
use model::ConnectionKey;
use store::{
    Actor, BatonConnector, BatonConnectorId, BatonCredential, BatonCredentialId, BatonHost, BatonLogLine,
    BatonTask, NewBatonCredential,
};

use super::{ControlError, ControlPlane};
use crate::credential::FreshCredential;

impl ControlPlane {
    /// Registers a self-hosted connector for a connection, or finds the one it has.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn register(
        &self,
        connection: &ConnectionKey,
        actor: Actor,
    ) -> Result<BatonConnector, ControlError> {
        let id = self.new_connector_id()?;
        Ok(self.inner.store.baton_connector_register(&id, connection, actor).await?)
    }

    /// **Rotate**: another client id and secret, shown this once. Those before stay good for the overlap
    /// (governance CON-15).
    ///
    /// # Errors
    /// [`ControlError::NoHost`] if it is not known where connectors reach the control plane.
    pub async fn rotate(
        &self,
        connector: &BatonConnectorId,
        actor: Actor,
    ) -> Result<FreshCredential, ControlError> {
        self.connector(connector).await?;
        let host = self.inner.settings.host.as_ref().ok_or(ControlError::NoHost)?;
        let fresh = FreshCredential::random(host, &*self.inner.ids);
        let id = self.new_credential_id()?;
        let new = NewBatonCredential {
            id: &id,
            connector,
            client_id: fresh.client_id.as_str(),
            public_key: fresh.public_key.bytes(),
            overlap: self.inner.settings.overlap,
            actor,
        };
        self.inner.store.baton_credential_rotate(new).await?;
        Ok(fresh)
    }

    /// The credentials of a connector with their last use, newest first.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn credentials(
        &self,
        connector: &BatonConnectorId,
    ) -> Result<Vec<BatonCredential>, ControlError> {
        Ok(self.inner.store.baton_credential_list(connector).await?)
    }

    /// Takes a credential back; its tokens end with it, at once. Whether it was good.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn revoke_credential(
        &self,
        connector: &BatonConnectorId,
        credential: &BatonCredentialId,
        actor: Actor,
    ) -> Result<bool, ControlError> {
        Ok(self.inner.store.baton_credential_revoke(connector, credential, actor).await?)
    }

    /// Stops giving work; whether it was given (governance CON-25).
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn pause(
        &self,
        connector: &BatonConnectorId,
        reason: &str,
        actor: Actor,
    ) -> Result<bool, ControlError> {
        Ok(self.inner.store.baton_connector_pause(connector, reason, actor).await?)
    }

    /// Gives work again and starts a sync (governance CON-25).
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn resume(
        &self,
        connector: &BatonConnectorId,
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        self.inner.store.baton_connector_resume(connector, actor.clone()).await?;
        self.queue_sync(connector, actor).await
    }

    /// A person says that what is gone is gone: what was held back is the inventory now, the connector gets
    /// work again, and a sync is queued (governance CON-24). `None` if nothing is held back.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn confirm_shrink(
        &self,
        connector: &BatonConnectorId,
        actor: Actor,
    ) -> Result<Option<BatonTask>, ControlError> {
        let store = &self.inner.store;
        let connection = self.connector(connector).await?.connection;
        if inventory::confirm(store, &connection, actor.clone()).await?.is_none() {
            return Ok(None);
        }
        store.baton_upload_confirm(connector, actor.clone()).await?;
        self.queue_sync(connector, actor).await.map(Some)
    }

    /// The processes of a connector (governance CON-3).
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn instances(&self, connector: &BatonConnectorId) -> Result<Vec<BatonHost>, ControlError> {
        Ok(self.inner.store.baton_host_list(connector).await?)
    }

    /// What happened with a connector, newest first.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn log_lines(
        &self,
        connector: &BatonConnectorId,
        limit: u32,
    ) -> Result<Vec<BatonLogLine>, ControlError> {
        Ok(self.inner.store.baton_log_list(connector, limit).await?)
    }

    /// The syncs of a connector, newest first.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn syncs(
        &self,
        connector: &BatonConnectorId,
        limit: u32,
    ) -> Result<Vec<BatonTask>, ControlError> {
        Ok(self.inner.store.baton_task_list(connector, Some("sync_full"), limit).await?)
    }

    pub(super) async fn connector(&self, id: &BatonConnectorId) -> Result<BatonConnector, ControlError> {
        let found = self.inner.store.baton_connector_find(id).await?;
        found.ok_or_else(|| ControlError::NoConnector { id: id.to_string() })
    }
}
