use std::time::Duration;

use prost::{Message as _, Name};
use protos::c1::connectorapi::baton::v1 as wire;
use store::{Actor, BatonAsk, BatonConnector, BatonContact, BatonHeartbeat, BatonTaskId, LeasedBatonTask};
use tonic::{Request, Response, Status, Streaming};
use wire::baton_service_server::BatonService;
use wire::task::{NoneTask, TaskType};

use super::outcome::ONCE;
use super::{ControlPlane, capabilities, error};

#[tonic::async_trait]
impl BatonService for ControlPlane {
    async fn hello(
        &self,
        request: Request<wire::BatonServiceHelloRequest>,
    ) -> Result<Response<wire::BatonServiceHelloResponse>, Status> {
        let connector = self.caller(request.metadata()).await?;
        let hello = checked(request)?;
        let metadata = hello.connector_metadata.unwrap_or_default();
        let version = hello.build_info.map(|build| format!("{} {}", build.package, build.package_version));
        let contact = BatonContact {
            host: &hello.host_id,
            display_name: Some(&metadata.display_name),
            capabilities: Some(&capabilities::json_of(&metadata)),
            version: version.as_deref(),
        };
        self.inner.store.baton_contact(&connector.id, contact).await.map_err(error::status)?;
        let line = format!("hello from {}", version.as_deref().unwrap_or("a process"));
        self.log(&connector.id, Some(&hello.host_id), &line).await;
        Ok(Response::new(wire::BatonServiceHelloResponse::default()))
    }

    async fn get_task(
        &self,
        request: Request<wire::BatonServiceGetTaskRequest>,
    ) -> Result<Response<wire::BatonServiceGetTaskResponse>, Status> {
        let connector = self.caller(request.metadata()).await?;
        let ask = checked(request)?;
        self.seen(&connector, &ask.host_id).await?;
        let task = self.claim((&connector, &ask.host_id), (&[], true)).await?;
        let next_poll = self.next_poll(task.is_some());
        let nothing =
            || wire::Task { task_type: Some(TaskType::None(NoneTask::default())), ..wire::Task::default() };
        Ok(Response::new(wire::BatonServiceGetTaskResponse {
            task: Some(task.unwrap_or_else(nothing)),
            next_poll: Some(next_poll),
            next_heartbeat: Some(duration(self.inner.settings.heartbeat)),
            annotations: Vec::new(),
        }))
    }

    async fn get_tasks(
        &self,
        request: Request<wire::BatonServiceGetTasksRequest>,
    ) -> Result<Response<wire::BatonServiceGetTasksResponse>, Status> {
        let connector = self.caller(request.metadata()).await?;
        let ask = checked(request)?;
        self.seen(&connector, &ask.host_id).await?;
        let known: Vec<_> = ask.known_task_ids.iter().filter_map(|id| BatonTaskId::parse(id)).collect();
        let mut tasks = Vec::new();
        for _ in 0..ask.page_size {
            let is_idle = known.is_empty() && tasks.is_empty();
            let Some(task) = self.claim((&connector, &ask.host_id), (&known, is_idle)).await? else { break };
            // One of its own whose lease had just ended: it has it again, and need not be told.
            if !ask.known_task_ids.contains(&task.id) {
                tasks.push(task);
            }
        }
        let next_poll = self.next_poll(!tasks.is_empty());
        Ok(Response::new(wire::BatonServiceGetTasksResponse {
            tasks,
            next_poll: Some(next_poll),
            next_heartbeat: Some(duration(self.inner.settings.heartbeat)),
            annotations: Vec::new(),
        }))
    }

    async fn heartbeat(
        &self,
        request: Request<wire::BatonServiceHeartbeatRequest>,
    ) -> Result<Response<wire::BatonServiceHeartbeatResponse>, Status> {
        let connector = self.caller(request.metadata()).await?;
        let beat = checked(request)?;
        self.seen(&connector, &beat.host_id).await?;
        let mut cancelled_task_ids = Vec::new();
        for id in std::iter::once(&beat.task_id).chain(&beat.task_ids) {
            let task = BatonTaskId::parse(id).ok_or_else(no_task)?;
            let ask = self.ask((&connector, &beat.host_id), &[], self.inner.settings.sync_silence);
            let found = self.inner.store.baton_task_heartbeat(ask, &task).await.map_err(error::status)?;
            match found {
                BatonHeartbeat::Held => {}
                // Whoever lost a task is to leave it, too.
                BatonHeartbeat::Cancelled | BatonHeartbeat::Lost => cancelled_task_ids.push(id.clone()),
            }
        }
        Ok(Response::new(wire::BatonServiceHeartbeatResponse {
            next_heartbeat: Some(duration(self.inner.settings.heartbeat)),
            cancelled: cancelled_task_ids.contains(&beat.task_id),
            annotations: Vec::new(),
            cancelled_task_ids,
        }))
    }

    async fn finish_task(
        &self,
        request: Request<wire::BatonServiceFinishTaskRequest>,
    ) -> Result<Response<wire::BatonServiceFinishTaskResponse>, Status> {
        let connector = self.caller(request.metadata()).await?;
        let finish = checked(request)?;
        self.seen(&connector, &finish.host_id).await?;
        self.finish(&connector, finish).await?;
        Ok(Response::new(wire::BatonServiceFinishTaskResponse::default()))
    }

    async fn upload_asset(
        &self,
        request: Request<Streaming<wire::BatonServiceUploadAssetRequest>>,
    ) -> Result<Response<wire::BatonServiceUploadAssetResponse>, Status> {
        let connector = self.caller(request.metadata()).await?;
        self.upload(&connector, request.into_inner()).await?;
        Ok(Response::new(wire::BatonServiceUploadAssetResponse::default()))
    }

    async fn start_debugging(
        &self,
        _request: Request<wire::StartDebuggingRequest>,
    ) -> Result<Response<wire::StartDebuggingResponse>, Status> {
        Err(Status::unimplemented("no connector asks for this"))
    }
}

impl ControlPlane {
    /// The next task for a process that works on what is `known`, and would begin this one at once if it `is_idle`. One
    /// without work is given a sync whose time has come.
    async fn claim(
        &self,
        (connector, host): (&BatonConnector, &str),
        (known, is_idle): (&[BatonTaskId], bool),
    ) -> Result<Option<wire::Task>, Status> {
        if let Some(task) = self.claim_waiting((connector, host), (known, is_idle)).await? {
            return Ok(Some(task));
        }
        if !self.inner.store.baton_sync_is_due(&connector.id).await.map_err(error::status)? {
            return Ok(None);
        }
        if let Err(error) = self.queue_sync(&connector.id, Actor::system()).await {
            // Paused meanwhile, say: it is asked again with the next poll.
            tracing::debug!(connector = %connector.id, %error, "a sync was not begun by itself");
            return Ok(None);
        }
        self.claim_waiting((connector, host), (known, is_idle)).await
    }

    /// A task that waits, as it goes over the wire.
    async fn claim_waiting(
        &self,
        (connector, host): (&BatonConnector, &str),
        (known, is_idle): (&[BatonTaskId], bool),
    ) -> Result<Option<wire::Task>, Status> {
        let kinds = capabilities::kinds(connector.capabilities.as_deref());
        let ask =
            BatonAsk { known, is_idle, ..self.ask((connector, host), &kinds, self.inner.settings.task_time) };
        let (leased, unheard) = self.inner.store.baton_task_claim(ask).await.map_err(error::status)?;
        for task in &unheard {
            let error = task.error.as_deref().unwrap_or_default();
            let line = format!("task {} ({}) is not handed out again: {error}", task.id, task.kind);
            self.log(&connector.id, None, &line).await;
        }
        let Some(LeasedBatonTask { task, payload }) = leased else { return Ok(None) };
        let line = format!("task {} ({}) handed out, attempt {}", task.id, task.kind, task.attempts);
        self.log(&connector.id, Some(host), &line).await;
        let mut message = wire::Task::decode(payload.expose().as_slice())
            .map_err(|_| Status::internal("a task cannot be read; the state is damaged"))?;
        task.id.as_str().clone_into(&mut message.id);
        message.status = wire::task::Status::Running.into();
        Ok(Some(message))
    }

    fn ask<'a>(
        &self,
        (connector, host): (&'a BatonConnector, &'a str),
        kinds: &'a [&'a str],
        lease: Duration,
    ) -> BatonAsk<'a> {
        BatonAsk {
            connector: &connector.id,
            host,
            kinds,
            once: ONCE,
            known: &[],
            is_idle: false,
            lease,
            most_attempts: self.inner.settings.most_attempts,
        }
    }

    /// Notes that a process called.
    async fn seen(&self, connector: &BatonConnector, host: &str) -> Result<(), Status> {
        let contact = BatonContact { host, display_name: None, capabilities: None, version: None };
        self.inner.store.baton_contact(&connector.id, contact).await.map_err(error::status)
    }

    /// Whoever got work asks again at once: there may be more.
    fn next_poll(&self, got_work: bool) -> prost_types::Duration {
        duration(if got_work { Duration::ZERO } else { self.inner.settings.next_poll })
    }
}

/// The message, if it keeps to its limits (baton MSG-10).
fn checked<M: prost::Message + Name>(request: Request<M>) -> Result<M, Status> {
    let message = request.into_inner();
    protos::limits::check(&message).map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(message)
}

pub(super) fn no_task() -> Status {
    Status::not_found("this connector has no such task")
}

fn duration(time: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(time.subsec_nanos()).unwrap_or(0),
    }
}
