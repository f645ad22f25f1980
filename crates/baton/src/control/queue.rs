use std::time::Duration;

use governance::worker::next_sync;
use jiff::Timestamp;
use prost::Message as _;
use prost_types::Any;
use protos::c1::connector::v2::{AccountInfo, Entitlement, Grant, Resource, ResourceId};
use protos::c1::connectorapi::baton::v1::Task;
use protos::c1::connectorapi::baton::v1::task::{
    CreateAccountTask, DeleteResourceTask, GrantTask, RevokeTask, SyncFullTask, TaskType,
};
use store::{
    Actor, BatonConnector, BatonConnectorId, BatonTask, BatonTaskId, BatonTaskState, ConnectionAccess,
    NewBatonTask,
};

use super::capabilities;
use super::{ControlError, ControlPlane, TaskOutcome};

/// How often a waiting caller looks.
const LOOK: Duration = Duration::from_millis(200);

impl ControlPlane {
    /// Queues a full sync. One that waits or runs already is that one (governance CON-3, CON-22). The file is
    /// asked for in the version that is read here, and without kinds that are switched off (baton P-24, governance CON-27).
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn queue_sync(
        &self,
        connector: &BatonConnectorId,
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let found = self.connector(connector).await?;
        let off = self.inner.store.connection_kinds_off(&found.connection).await?;
        let sync = SyncFullTask {
            storage_engine: "sqlite".to_owned(),
            sync_resource_type_ids: capabilities::kinds_without(found.capabilities.as_deref(), &off),
            ..SyncFullTask::default()
        };
        self.queue(connector, ("sync_full", TaskType::SyncFull(sync)), actor).await
    }

    /// Queues a grant (baton P-16).
    ///
    /// # Errors
    /// [`ControlError::NotCapable`] if the connector's last Hello does not say that it writes.
    pub async fn queue_grant(
        &self,
        connector: &BatonConnectorId,
        (entitlement, principal): (Entitlement, Resource),
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let grant =
            GrantTask { entitlement: Some(entitlement), principal: Some(principal), ..GrantTask::default() };
        self.queue(connector, ("grant", TaskType::Grant(grant)), actor).await
    }

    /// Queues a revoke.
    ///
    /// # Errors
    /// As [`ControlPlane::queue_grant`].
    pub async fn queue_revoke(
        &self,
        connector: &BatonConnectorId,
        grant: Grant,
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let revoke = RevokeTask { grant: Some(grant), ..RevokeTask::default() };
        self.queue(connector, ("revoke", TaskType::Revoke(revoke)), actor).await
    }

    /// Queues the making of an account, of the connector's own type of accounts unless another is named (baton P-16).
    /// No secret is asked for.
    ///
    /// # Errors
    /// As [`ControlPlane::queue_grant`].
    pub async fn queue_account(
        &self,
        connector: &BatonConnectorId,
        (account, resource_type): (AccountInfo, Option<String>),
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let create = CreateAccountTask {
            account_info: Some(account),
            resource_type_id: resource_type.unwrap_or_default(),
            ..CreateAccountTask::default()
        };
        self.queue(connector, ("create_account", TaskType::CreateAccount(create)), actor).await
    }

    /// Queues the removal of a resource, such as an account.
    ///
    /// # Errors
    /// As [`ControlPlane::queue_grant`].
    pub async fn queue_delete(
        &self,
        connector: &BatonConnectorId,
        (resource, parent): (ResourceId, Option<ResourceId>),
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let delete = DeleteResourceTask { resource_id: Some(resource), parent_resource_id: parent };
        self.queue(connector, ("delete_resource", TaskType::DeleteResource(delete)), actor).await
    }

    async fn queue(
        &self,
        connector: &BatonConnectorId,
        (kind, task_type): (&'static str, TaskType),
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let found = self.connector(connector).await?;
        let is_change = kind != "sync_full";
        self.check_connection(&found, is_change).await?;
        if found.paused_at.is_some() {
            return Err(ControlError::Paused);
        }
        if !capabilities::kinds(found.capabilities.as_deref()).contains(&kind) {
            return Err(ControlError::NotCapable { kind });
        }
        let next_sync = if is_change { None } else { self.sync_after(&found).await? };
        let payload = Task { task_type: Some(task_type), ..Task::default() }.encode_to_vec();
        let id = self.new_task_id()?;
        let new = NewBatonTask { id: &id, connector, kind, payload: &payload, next_sync, actor };
        Ok(self.inner.store.baton_task_queue(new).await?)
    }

    /// Refuses what the connection does not allow.
    async fn check_connection(
        &self,
        connector: &BatonConnector,
        is_change: bool,
    ) -> Result<(), ControlError> {
        let connection = &connector.connection;
        let Some(found) = self.inner.store.connection_find(connection).await? else { return Ok(()) };
        if found.disabled {
            return Err(ControlError::SwitchedOff { connection: connection.clone() });
        }
        match found.access {
            ConnectionAccess::Read if is_change => {
                Err(ControlError::ForReading { connection: connection.clone() })
            }
            ConnectionAccess::Read | ConnectionAccess::Write => Ok(()),
        }
    }

    /// When the sync after one that begins now is due, by the schedule of the connection.
    async fn sync_after(&self, connector: &BatonConnector) -> Result<Option<Timestamp>, ControlError> {
        let sync = self.inner.store.connection_sync_find(&connector.connection).await?;
        Ok(sync.map(|sync| next_sync(&sync.schedule, self.inner.store.clock().now())))
    }

    /// A task and what came of it; `None` if there is none.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn outcome(&self, id: &BatonTaskId) -> Result<Option<TaskOutcome>, ControlError> {
        let Some(task) = self.inner.store.baton_task_find(id).await? else { return Ok(None) };
        let kept = self.inner.store.baton_task_result(id).await?;
        let kept = kept.filter(|kept| !kept.expose().is_empty());
        let response = kept.map(|kept| Any::decode(kept.expose().as_slice())).transpose();
        let response = response.map_err(|_| ControlError::Answer { id: id.to_string() })?;
        Ok(Some(TaskOutcome { task, response }))
    }

    /// Waits until a task is over, at most for `limit`; then it is shown as it is.
    ///
    /// # Errors
    /// [`ControlError`].
    ///
    /// # Cancel safety
    /// Only looks; may be dropped at any time.
    pub async fn wait(&self, id: &BatonTaskId, limit: Duration) -> Result<Option<TaskOutcome>, ControlError> {
        let mut waited = Duration::ZERO;
        loop {
            let outcome = self.outcome(id).await?;
            let is_open = outcome.as_ref().is_some_and(|outcome| match outcome.task.state {
                BatonTaskState::Queued | BatonTaskState::Leased => true,
                BatonTaskState::Done | BatonTaskState::Failed | BatonTaskState::Cancelled => false,
            });
            if !is_open || waited >= limit {
                return Ok(outcome);
            }
            self.inner.store.clock().sleep(LOOK).await;
            waited += LOOK;
        }
    }

    /// Takes a task back; its holder learns it with its next sign of life.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn cancel(&self, id: &BatonTaskId, actor: Actor) -> Result<Option<BatonTask>, ControlError> {
        Ok(self.inner.store.baton_task_cancel(id, actor).await?)
    }
}
