use std::time::Duration;

use prost::Message as _;
use prost_types::Any;
use protos::c1::connector::v2::{Entitlement, Grant, Resource};
use protos::c1::connectorapi::baton::v1::Task;
use protos::c1::connectorapi::baton::v1::task::{GrantTask, RevokeTask, SyncFullTask, TaskType};
use store::{Actor, BatonConnectorId, BatonTask, BatonTaskId, BatonTaskState, NewBatonTask};

use super::capabilities::{PROVISION, holds};
use super::{ControlError, ControlPlane, TaskOutcome};

/// How often a waiting caller looks.
const LOOK: Duration = Duration::from_millis(200);

impl ControlPlane {
    /// Queues a full sync. One that waits or runs already is that one (governance CON-3, CON-22). The file is
    /// asked for in the version that is read here (baton P-24).
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn queue_sync(
        &self,
        connector: &BatonConnectorId,
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let sync = SyncFullTask { storage_engine: "sqlite".to_owned(), ..SyncFullTask::default() };
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

    async fn queue(
        &self,
        connector: &BatonConnectorId,
        (kind, task_type): (&'static str, TaskType),
        actor: Actor,
    ) -> Result<BatonTask, ControlError> {
        let found = self.connector(connector).await?;
        if found.paused_at.is_some() {
            return Err(ControlError::Paused);
        }
        if kind != "sync_full" && !holds(found.capabilities.as_deref(), PROVISION) {
            return Err(ControlError::NotCapable { kind });
        }
        let payload = Task { task_type: Some(task_type), ..Task::default() }.encode_to_vec();
        let id = self.new_task_id()?;
        let new = NewBatonTask { id: &id, connector, kind, payload: &payload, actor };
        Ok(self.inner.store.baton_task_queue(new).await?)
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
