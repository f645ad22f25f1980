use c1z::Limits;
use governance::inventory::{KeepRequest, ShrinkGuard, keep_file};
use protos::c1::connectorapi::baton::v1::BatonServiceUploadAssetRequest;
use store::{
    Actor, AuditEvent, BatonConnector, BatonCounts, BatonTask, BatonTaskId, BatonTaskState, BatonUpload,
    BatonUploadState, NewBatonUpload, Retry,
};
use tonic::{Code, Status, Streaming};

use super::receive::{self, Received};
use super::refusal::refusal;
use super::service::no_task;
use super::{ControlPlane, Inner, error};

impl ControlPlane {
    /// Takes an asset of a task (baton P-26): for a sync its file, looked at and taken over at once, so that
    /// nothing of it has to be kept; everything else is a log, of which nothing is kept.
    pub(super) async fn upload(
        &self,
        connector: &BatonConnector,
        mut stream: Streaming<BatonServiceUploadAssetRequest>,
    ) -> Result<(), Status> {
        let metadata = receive::metadata(self, &mut stream).await?;
        let host = metadata.host_id.as_str();
        let id = BatonTaskId::parse(&metadata.task_id).ok_or_else(no_task)?;
        // Before anything of it is written to the disk.
        let task = self.held(connector, (host, &id), None).await?;
        let name = self.new_id().map_err(|_| Status::internal("the control plane's clock is wrong"))?;
        let received = match receive::file(self, &name, &mut stream).await {
            Ok(received) => received,
            Err(status) => {
                self.note_broken(connector, (host, &id), &status).await?;
                return Err(status);
            }
        };
        // It may have taken longer than the lease: what another process brought meanwhile must not be undone.
        self.held(connector, (host, &id), Some(task.attempts)).await?;
        let uploads = self.inner.store.baton_upload_list(&id).await.map_err(error::status)?;
        let mut of_attempt = uploads.iter().filter(|upload| upload.attempt == task.attempts);
        if let Some(same) = of_attempt.clone().find(|upload| upload.checksum == received.checksum) {
            return answer(same.state, same.reason.as_deref());
        }
        let verdict = if task.kind != "sync_full" || of_attempt.any(is_settled) {
            (BatonUploadState::Debug, None, BatonCounts::default())
        } else {
            self.take(connector, &received).await?
        };
        self.note(connector, (host, &task), (&received, verdict)).await
    }

    /// Makes the file of a sync the inventory of the connection, if it is a finished run of everything that
    /// holds something (baton §13.7, S-24) and not much less than the one before (governance CON-24).
    async fn take(&self, connector: &BatonConnector, received: &Received) -> Result<Taken, Status> {
        let Inner { store, settings, .. } = &*self.inner;
        let limits = Limits { decoded_bytes: settings.unpacked_bytes, ..Limits::default() };
        let sync = store.connection_sync_find(&connector.connection).await.map_err(error::status)?;
        let guard = if sync.is_none_or(|sync| sync.guard) { settings.shrink_guard } else { ShrinkGuard::Off };
        let request = KeepRequest {
            store,
            connection: &connector.connection,
            guard,
            actor: Actor::client(connector.id.as_str()),
        };
        let kept = match keep_file(&request, (&received.path, &limits), &[]).await {
            Ok(kept) => kept,
            Err(error) if error.retry() == Retry::No => {
                return Ok((BatonUploadState::Refused, Some(refusal(&error)), BatonCounts::default()));
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(connector = %connector.id, error, "a file was not taken over");
                return Err(Status::unavailable("the file cannot be taken over now; send it again"));
            }
        };
        let state =
            store.inventory_state_find(&connector.connection, &kept.state).await.map_err(error::status)?;
        let counts = state.map(|state| state.counts).unwrap_or_default();
        let counts = BatonCounts {
            resources: counts.resources,
            entitlements: counts.entitlements,
            grants: counts.grants,
        };
        Ok(match kept.held {
            None => (BatonUploadState::Accepted, None, counts),
            Some(shrink) => (BatonUploadState::Held, Some(shrink.to_string()), counts),
        })
    }

    async fn note(
        &self,
        connector: &BatonConnector,
        (host, task): (&str, &BatonTask),
        (received, (state, reason, counts)): (&Received, Taken),
    ) -> Result<(), Status> {
        let new = NewBatonUpload {
            task: &task.id,
            attempt: task.attempts,
            connector: &connector.id,
            host,
            checksum: &received.checksum,
            bytes: received.bytes,
            state,
            reason: reason.as_deref(),
            counts,
        };
        self.inner.store.baton_upload_put(new).await.map_err(error::status)?;
        let why = reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let line = format!("upload of {} bytes for task {} {}{why}", received.bytes, task.id, state.as_str());
        self.log(&connector.id, Some(host), &line).await;
        answer(state, reason.as_deref())
    }

    /// The task, if this process has it, from this hand-out on if one is named.
    async fn held(
        &self,
        connector: &BatonConnector,
        (host, id): (&str, &BatonTaskId),
        attempt: Option<u64>,
    ) -> Result<BatonTask, Status> {
        let task = self.inner.store.baton_task_find(id).await.map_err(error::status)?;
        let task = task.filter(|task| task.connector == connector.id).ok_or_else(no_task)?;
        let is_held = task.state == BatonTaskState::Leased && task.holder.as_deref() == Some(host);
        if !is_held || attempt.is_some_and(|attempt| attempt != task.attempts) {
            return Err(Status::failed_precondition("the task is in other hands by now"));
        }
        Ok(task)
    }

    /// A file that came broken is refused; that is told in the audit log too.
    async fn note_broken(
        &self,
        connector: &BatonConnector,
        (host, task): (&str, &BatonTaskId),
        status: &Status,
    ) -> Result<(), Status> {
        let line = format!("upload for task {task} refused: {}", status.message());
        self.log(&connector.id, Some(host), &line).await;
        if !matches!(status.code(), Code::DataLoss | Code::ResourceExhausted) {
            return Ok(());
        }
        let event =
            AuditEvent::new(Actor::client(connector.id.as_str()), "baton_upload.refused", task.as_str());
        let details = serde_json::json!({"connector": connector.id.as_str(), "reason": status.message()});
        self.inner.store.audit_enter(&[event.with(details)]).await.map_err(error::status)?;
        Ok(())
    }
}

/// What becomes of a file, why, and how much it holds.
type Taken = (BatonUploadState, Option<String>, BatonCounts);

/// Whether the sync of this attempt has its file already: what else comes is a log.
fn is_settled(upload: &BatonUpload) -> bool {
    match upload.state {
        BatonUploadState::Accepted | BatonUploadState::Held | BatonUploadState::Confirmed => true,
        BatonUploadState::Refused | BatonUploadState::Debug => false,
    }
}

/// A file that is held back is no failure of the connector.
fn answer(state: BatonUploadState, reason: Option<&str>) -> Result<(), Status> {
    match state {
        BatonUploadState::Refused => {
            Err(Status::failed_precondition(reason.unwrap_or("the file was refused")))
        }
        BatonUploadState::Accepted
        | BatonUploadState::Held
        | BatonUploadState::Confirmed
        | BatonUploadState::Debug => Ok(()),
    }
}
