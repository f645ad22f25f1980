use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use egress::OwnGrpc;
use http::HeaderValue;
use http::header::{AUTHORIZATION, USER_AGENT};
use protos::c1::connectorapi::baton::v1::baton_service_client::BatonServiceClient;
use protos::c1::connectorapi::baton::v1::{
    BatonServiceFinishTaskRequest, BatonServiceGetTaskRequest, BatonServiceGetTaskResponse,
    BatonServiceGetTasksRequest, BatonServiceGetTasksResponse, BatonServiceHeartbeatRequest,
    BatonServiceHeartbeatResponse, BatonServiceHelloRequest,
};
use tokio::time::timeout;
use tonic::{Code, Request, Response, Status};

use super::upload::{Asset, Unread};
use super::{CallError, ServiceError, ServiceParts, ServiceTimes};
use crate::command_line::ServiceSettings;
use crate::token::{BearerToken, TokenClient, TokenClientParts, TokenError};

/// Longest answer that is read, in bytes: a hundred tasks with all they name.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;
/// What an upload is expected to bring over in a second, at least.
const UPLOAD_BYTES_PER_S: u64 = 64 * 1024;

type Client = BatonServiceClient<OwnGrpc>;

/// The control plane, as a connector calls it (baton P-9, P-10). Every call has a deadline.
pub(super) struct ControlPlane {
    way: OwnGrpc,
    tokens: TokenClient,
    host: String,
    host_id: String,
    agent: HeaderValue,
    times: ServiceTimes,
}

impl ControlPlane {
    /// Calls nobody yet.
    pub(super) fn new(settings: &ServiceSettings, parts: &ServiceParts) -> Result<Self, ServiceError> {
        let unprepared = || ServiceError::Egress(TokenError::Egress);
        let name = "control-plane".parse().map_err(|_| unprepared())?;
        let base = settings.host.url("/");
        let tokens = TokenClient::new(TokenClientParts {
            credential: Arc::clone(&settings.credential),
            host: settings.host.clone(),
            egress: parts.egress.clone(),
            clock: Arc::clone(&parts.clock),
            ids: Arc::clone(&parts.ids),
        });
        let agent = format!("{} baton-sdk/{} tonic", parts.name, env!("CARGO_PKG_VERSION"));
        Ok(Self {
            way: OwnGrpc::new(parts.egress.clone(), name, &base).map_err(|_| unprepared())?,
            tokens: tokens.map_err(ServiceError::Egress)?,
            host: settings.host.to_string(),
            host_id: settings.host_id.as_str().to_owned(),
            agent: HeaderValue::from_str(&agent).map_err(|_| unprepared())?,
            times: parts.times,
        })
    }

    /// Which process of the connector calls.
    pub(super) fn host_id(&self) -> &str {
        &self.host_id
    }

    /// Says who is there.
    pub(super) async fn hello(&self, hello: BatonServiceHelloRequest) -> Result<(), CallError> {
        let send = |mut client: Client, request| async move { client.hello(request).await };
        self.call(("Hello", self.times.call), || hello.clone(), send).await.map(drop)
    }

    /// Asks for a task.
    pub(super) async fn task(&self) -> Result<BatonServiceGetTaskResponse, CallError> {
        let ask = || BatonServiceGetTaskRequest { host_id: self.host_id.clone() };
        let send = |mut client: Client, request| async move { client.get_task(request).await };
        self.call(("GetTask", self.times.poll), ask, send).await
    }

    /// Asks for up to `most` tasks, without those that are known.
    pub(super) async fn tasks(
        &self,
        most: usize,
        known: &[String],
    ) -> Result<BatonServiceGetTasksResponse, CallError> {
        let ask = || BatonServiceGetTasksRequest {
            host_id: self.host_id.clone(),
            page_size: most as u32,
            known_task_ids: known.to_vec(),
            annotations: Vec::new(),
        };
        let send = |mut client: Client, request| async move { client.get_tasks(request).await };
        self.call(("GetTasks", self.times.poll), ask, send).await
    }

    /// Says that a task is still worked on; waits for the answer for `within`.
    pub(super) async fn heartbeat(
        &self,
        task_id: &str,
        within: Duration,
    ) -> Result<BatonServiceHeartbeatResponse, CallError> {
        let beat = || BatonServiceHeartbeatRequest {
            host_id: self.host_id.clone(),
            task_id: task_id.to_owned(),
            ..BatonServiceHeartbeatRequest::default()
        };
        let send = |mut client: Client, request| async move { client.heartbeat(request).await };
        self.call(("Heartbeat", within.min(self.times.call)), beat, send).await
    }

    /// Tells how a task ended. Once: who did not hear it gives the task again (baton P-21, P-22).
    pub(super) async fn finish(&self, end: BatonServiceFinishTaskRequest) -> Result<(), CallError> {
        let send = |mut client: Client, request| async move { client.finish_task(request).await };
        self.call(("FinishTask", self.times.call), || end.clone(), send).await.map(drop)
    }

    /// Uploads a file as an asset of the task, in one attempt.
    pub(super) async fn upload(&self, task_id: &str, file: &Path) -> Result<(), CallError> {
        let unread = Unread::default();
        let unreadable = |error: std::io::Error| CallError::File { kind: error.kind() };
        let bytes = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
        let within = self.times.upload + Duration::from_secs(bytes / UPLOAD_BYTES_PER_S);
        let asset = || Asset {
            host_id: self.host_id.clone(),
            task_id: task_id.to_owned(),
            file: file.to_owned(),
            unread: unread.clone(),
        };
        let send = |mut client: Client, request: Request<Asset>| async move {
            client.upload_asset(request.map(Asset::messages)).await
        };
        let answered = self.call(("UploadAsset", within), asset, send).await.map(drop);
        // A file that broke off looks to the other side like an upload that did.
        unread.take().map_or(answered, |error| Err(unreadable(error)))
    }

    /// Uploads pieces that are made elsewhere.
    #[cfg(test)]
    pub(super) async fn upload_pieces<S>(&self, pieces: S) -> Result<(), CallError>
    where
        S: futures::Stream<Item = protos::c1::connectorapi::baton::v1::BatonServiceUploadAssetRequest>
            + Clone
            + Send
            + 'static,
    {
        let send = |mut client: Client, request| async move { client.upload_asset(request).await };
        self.call(("UploadAsset", self.times.upload), || pieces.clone(), send).await.map(drop)
    }

    /// One call, with a token; with another one if that is not taken any more.
    async fn call<M, A, F>(
        &self,
        (name, within): (&'static str, Duration),
        message: impl Fn() -> M,
        send: impl Fn(Client, Request<M>) -> F,
    ) -> Result<A, CallError>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let calls = async {
            let mut was_renewed = false;
            loop {
                let token = self.tokens.token().await.map_err(CallError::Token)?;
                let request = self.request(message(), &token)?;
                match send(self.client(), request).await {
                    Ok(answer) => return Ok(answer.into_inner()),
                    Err(status) if status.code() == Code::Unauthenticated && !was_renewed => {
                        self.tokens.forget(&token);
                        was_renewed = true;
                    }
                    Err(status) => return Err(CallError::of(&status, name, (&self.host, &token))),
                }
            }
        };
        if let Ok(answer) = timeout(within, calls).await {
            return answer;
        }
        // It may be the connection that is deaf.
        self.way.renew();
        Err(CallError::Late { host: self.host.clone(), call: name, within })
    }

    fn client(&self) -> Client {
        BatonServiceClient::new(self.way.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    fn request<M>(&self, message: M, token: &BearerToken) -> Result<Request<M>, CallError> {
        let mut request = Request::new(message);
        let headers = request.metadata_mut().as_mut();
        headers.insert(AUTHORIZATION, token.header().map_err(CallError::Token)?);
        headers.insert(USER_AGENT, self.agent.clone());
        Ok(request)
    }
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane").field("host", &self.host).finish_non_exhaustive()
    }
}
