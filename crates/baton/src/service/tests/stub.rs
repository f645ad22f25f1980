//! A control plane on loopback that does what a script says, and writes down what comes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response as HttpResponse};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use model::Clock as _;
use protos::c1::connectorapi::baton::v1::baton_service_server::{BatonService, BatonServiceServer};
use protos::c1::connectorapi::baton::v1::baton_service_upload_asset_request::Msg;
use protos::c1::connectorapi::baton::v1::{
    BatonServiceFinishTaskRequest, BatonServiceFinishTaskResponse, BatonServiceGetTaskRequest,
    BatonServiceGetTaskResponse, BatonServiceGetTasksRequest, BatonServiceGetTasksResponse,
    BatonServiceHeartbeatRequest, BatonServiceHeartbeatResponse, BatonServiceHelloRequest,
    BatonServiceHelloResponse, BatonServiceUploadAssetRequest, BatonServiceUploadAssetResponse,
    StartDebuggingRequest, StartDebuggingResponse, Task,
};
use testkit::TestClock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

#[derive(Clone)]
pub(super) struct Stub {
    state: Arc<Mutex<State>>,
    changed: Arc<watch::Sender<u64>>,
    clock: TestClock,
    pub(super) address: SocketAddr,
}

/// What comes, and what is answered.
#[derive(Default)]
pub(super) struct State {
    pub(super) calls: Vec<&'static str>,
    pub(super) agents: Vec<String>,
    pub(super) hellos: Vec<BatonServiceHelloRequest>,
    pub(super) asked: Vec<BatonServiceGetTasksRequest>,
    pub(super) beats: BTreeMap<String, usize>,
    pub(super) uploads: Vec<Upload>,
    pub(super) finished: Vec<BatonServiceFinishTaskRequest>,
    pub(super) broken: Vec<String>,
    pub(super) tokens: BTreeMap<String, Timestamp>,
    pub(super) tokens_given: usize,
    pub(super) give: VecDeque<Task>,
    pub(super) script: Script,
}

/// Faults.
#[derive(Default)]
pub(super) struct Script {
    pub(super) hello: VecDeque<Status>,
    pub(super) poll: VecDeque<Status>,
    pub(super) hang_polls: usize,
    pub(super) several: Option<Status>,
    pub(super) refuse_beats_after: Option<usize>,
    pub(super) cancel_after: Option<(usize, CancelBy)>,
    pub(super) upload: VecDeque<Status>,
    pub(super) lose_finish: usize,
    pub(super) give_again: bool,
    pub(super) token_life_s: Option<u32>,
    pub(super) token_text: Option<String>,
    pub(super) token_refusal: Option<(u16, Option<&'static str>)>,
    pub(super) next_poll: Option<prost_types::Duration>,
}

#[derive(Clone, Copy)]
pub(super) enum CancelBy {
    Flag,
    List,
}

pub(super) struct Upload {
    pub(super) task_id: String,
    pub(super) bytes: Vec<u8>,
    pub(super) longest_piece: usize,
}

impl Stub {
    pub(super) async fn start(clock: &TestClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Self {
            state: Arc::default(),
            changed: Arc::new(watch::Sender::new(0)),
            clock: clock.clone(),
            address: listener.local_addr().unwrap(),
        };
        let router = tonic::service::Routes::new(BatonServiceServer::new(stub.clone()))
            .into_axum_router()
            .route("/auth/v1/token", axum::routing::post(token).with_state(stub.clone()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, router.clone()));
            }
        });
        stub
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let done = act(&mut self.state.lock().unwrap());
        self.changed.send_modify(|count| *count += 1);
        done
    }

    /// Waits until `holds`; it does within seconds or never.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let mut changed = self.changed.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            while !holds(&self.state.lock().unwrap()) {
                changed.changed().await.unwrap();
            }
        });
        assert!(waited.await.is_ok(), "{what}; calls: {:?}", self.with(|state| state.calls.clone()));
    }

    pub(super) async fn until_finished(&self, count: usize) -> Vec<BatonServiceFinishTaskRequest> {
        self.until("tasks are finished", |state| state.finished.len() >= count).await;
        self.with(|state| state.finished.clone())
    }

    fn enter<T>(&self, call: &'static str, request: &Request<T>) -> Result<(), Status> {
        let header = |name: &str| {
            request.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let (authorization, agent) = (header("authorization"), header("user-agent"));
        let now = self.clock.now();
        self.with(|state| {
            state.agents.push(agent);
            let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
            if state.tokens.get(token).is_none_or(|until| now >= *until) {
                state.calls.push("refused");
                return Err(Status::unauthenticated("token is not known"));
            }
            state.calls.push(call);
            Ok(())
        })
    }

    fn check<M: prost::Message + prost::Name>(&self, message: &M) {
        if let Err(error) = protos::limits::check(message) {
            self.with(|state| state.broken.push(error.to_string()));
        }
    }
}

/// Both protocols on one port, as a control plane has to (baton §13).
async fn serve(stream: TcpStream, router: axum::Router) {
    let mut first = [0; 3];
    while stream.peek(&mut first).await.is_ok_and(|bytes| bytes > 0 && bytes < 3) {
        tokio::task::yield_now().await;
    }
    let service = TowerToHyperService::new(router);
    if &first == b"PRI" {
        let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = http2.serve_connection(TokioIo::new(stream), service).await;
    } else {
        let http1 = hyper::server::conn::http1::Builder::new();
        let _ = http1.serve_connection(TokioIo::new(stream), service).await;
    }
}

async fn token(Shared(stub): Shared<Stub>) -> HttpResponse {
    let now = stub.clock.now();
    stub.with(|state| {
        if let Some((status, date)) = state.script.token_refusal {
            let status = StatusCode::from_u16(status).unwrap();
            return match date {
                None => status.into_response(),
                Some(date) => (status, [("date", date)]).into_response(),
            };
        }
        state.tokens_given += 1;
        let life_s = state.script.token_life_s.unwrap_or(3600);
        let number = state.tokens_given;
        let text = state.script.token_text.clone().unwrap_or_else(|| format!("token-{number}"));
        state.tokens.insert(text.clone(), now + jiff::SignedDuration::from_secs(life_s.into()));
        let answer = serde_json::json!({"access_token": text, "token_type": "Bearer", "expires_in": life_s});
        axum::Json(answer).into_response()
    })
}

#[tonic::async_trait]
impl BatonService for Stub {
    async fn hello(
        &self,
        request: Request<BatonServiceHelloRequest>,
    ) -> Result<Response<BatonServiceHelloResponse>, Status> {
        self.enter("hello", &request)?;
        self.check(request.get_ref());
        self.with(|state| {
            state.hellos.push(request.into_inner());
            state
                .script
                .hello
                .pop_front()
                .map_or(Ok(Response::new(BatonServiceHelloResponse::default())), Err)
        })
    }

    async fn get_task(
        &self,
        request: Request<BatonServiceGetTaskRequest>,
    ) -> Result<Response<BatonServiceGetTaskResponse>, Status> {
        self.enter("poll", &request)?;
        self.check(request.get_ref());
        let hangs = self.with(|state| {
            let hangs = state.script.hang_polls > 0;
            state.script.hang_polls = state.script.hang_polls.saturating_sub(1);
            hangs
        });
        if hangs {
            std::future::pending::<()>().await;
        }
        self.with(|state| {
            if let Some(status) = state.script.poll.pop_front() {
                return Err(status);
            }
            let again = state.script.give_again;
            let task = if again { state.give.front().cloned() } else { state.give.pop_front() };
            let next_poll = state.script.next_poll;
            Ok(Response::new(BatonServiceGetTaskResponse { task, next_poll, ..Default::default() }))
        })
    }

    async fn get_tasks(
        &self,
        request: Request<BatonServiceGetTasksRequest>,
    ) -> Result<Response<BatonServiceGetTasksResponse>, Status> {
        self.enter("polls", &request)?;
        self.check(request.get_ref());
        let request = request.into_inner();
        self.with(|state| {
            if let Some(status) = state.script.several.clone() {
                return Err(status);
            }
            let most = state.give.len().min(request.page_size as usize);
            let tasks = state.give.drain(..most).collect();
            state.asked.push(request);
            Ok(Response::new(BatonServiceGetTasksResponse { tasks, ..Default::default() }))
        })
    }

    async fn heartbeat(
        &self,
        request: Request<BatonServiceHeartbeatRequest>,
    ) -> Result<Response<BatonServiceHeartbeatResponse>, Status> {
        self.enter("beat", &request)?;
        self.check(request.get_ref());
        let id = request.into_inner().task_id;
        self.with(|state| {
            let beats = state.beats.entry(id.clone()).or_default();
            *beats += 1;
            let beats = *beats;
            if state.script.refuse_beats_after.is_some_and(|after| beats > after) {
                return Err(Status::unavailable("not now"));
            }
            let mut answer = BatonServiceHeartbeatResponse::default();
            match state.script.cancel_after.filter(|(after, _)| beats > *after) {
                None => {}
                Some((_, CancelBy::Flag)) => answer.cancelled = true,
                Some((_, CancelBy::List)) => answer.cancelled_task_ids = vec![id],
            }
            Ok(Response::new(answer))
        })
    }

    async fn finish_task(
        &self,
        request: Request<BatonServiceFinishTaskRequest>,
    ) -> Result<Response<BatonServiceFinishTaskResponse>, Status> {
        self.enter("finish", &request)?;
        self.check(request.get_ref());
        self.with(|state| {
            state.finished.push(request.into_inner());
            if state.script.lose_finish > 0 {
                state.script.lose_finish -= 1;
                return Err(Status::unavailable("lost"));
            }
            Ok(Response::new(BatonServiceFinishTaskResponse::default()))
        })
    }

    async fn upload_asset(
        &self,
        request: Request<Streaming<BatonServiceUploadAssetRequest>>,
    ) -> Result<Response<BatonServiceUploadAssetResponse>, Status> {
        self.enter("upload", &request)?;
        let mut pieces = request.into_inner();
        let (mut upload, mut checksum) =
            (Upload { task_id: String::new(), bytes: Vec::new(), longest_piece: 0 }, None);
        while let Some(piece) = pieces.message().await? {
            self.check(&piece);
            match piece.msg {
                Some(Msg::Metadata(metadata)) => upload.task_id = metadata.task_id,
                Some(Msg::Data(piece)) => {
                    upload.longest_piece = upload.longest_piece.max(piece.data.len());
                    upload.bytes.extend(piece.data);
                }
                Some(Msg::Eof(end)) => checksum = Some(end.sha256_checksum),
                None => return Err(Status::invalid_argument("an empty piece")),
            }
        }
        self.with(|state| {
            if let Some(status) = state.script.upload.pop_front() {
                return Err(status);
            }
            if state.beats.get(&upload.task_id).is_none_or(|beats| *beats == 0) {
                state.broken.push("upload without a heartbeat".to_owned());
            }
            if checksum != Some(crypto::sha256(&upload.bytes).to_vec()) {
                state.broken.push("checksum is that of another file".to_owned());
                return Err(Status::data_loss("checksum"));
            }
            state.uploads.push(upload);
            Ok(Response::new(BatonServiceUploadAssetResponse::default()))
        })
    }

    async fn start_debugging(
        &self,
        _request: Request<StartDebuggingRequest>,
    ) -> Result<Response<StartDebuggingResponse>, Status> {
        self.with(|state| state.broken.push("StartDebugging is never sent".to_owned()));
        Ok(Response::new(StartDebuggingResponse::default()))
    }
}
