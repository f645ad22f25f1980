use std::sync::Arc;
use std::time::Duration;

use c1z::{NewRun, RunEnd, SyncType, Writer};
use crypto::{KeyRing, MasterKey, Secret, sha256};
use governance::inventory;
use jiff::SignedDuration;
use model::{Clock as _, RandomIds};
use protos::c1::connector::v2::{
    Capability, ConnectorCapabilities, ConnectorMetadata, Resource, ResourceId, ResourceType,
};
use protos::c1::connectorapi::baton::v1 as wire;
use store::{
    Access, Actor, BatonConnectorId, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep,
    ConnectionUpdate, MessageFilter, MessageKind, NewConnection, Store, StoreParts, StorePlace, Window,
};
use tempfile::TempDir;
use testkit::TestClock;
use tonic::{Request, Status};
use wire::baton_service_client::BatonServiceClient;
use wire::baton_service_finish_task_request::{Error, FinalState, Success};
use wire::baton_service_server::BatonServiceServer;
use wire::baton_service_upload_asset_request::{Msg, UploadData, UploadEof, UploadMetadata};

use crate::assertion::sign_assertion;
use crate::control::{ControlPlane, ControlPlaneParts, ControlPlaneSettings, TokenReply};
use crate::credential::{ClientSecret, Credential, FreshCredential};

pub(super) const SILENCE: Duration = Duration::from_mins(1);
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(5);

pub(super) struct Bench {
    pub(super) plane: ControlPlane,
    pub(super) clock: TestClock,
    pub(super) connector: BatonConnectorId,
    pub(super) folder: TempDir,
    key: Secret<String>,
}

pub(super) fn pat() -> Actor {
    Actor::person("pat")
}

pub(super) async fn bench() -> Bench {
    bench_with(|_| {}).await
}

pub(super) async fn bench_with(change: impl FnOnce(&mut ControlPlaneSettings)) -> Bench {
    bench_of(change, None).await
}

/// With a connection that the connector fills, so that its syncs come by themselves.
pub(super) async fn bench_for(access: ConnectionAccess) -> Bench {
    bench_of(|_| {}, Some(access)).await
}

async fn bench_of(
    change: impl FnOnce(&mut ControlPlaneSettings),
    connection: Option<ConnectionAccess>,
) -> Bench {
    let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::new());
    clock.set("2026-11-22T05:25:10Z".parse().unwrap());
    let key = MasterKey::random().to_base64();
    let store = opened(&folder, &key, &clock).await;
    let host = "tenant.example.test:8443".parse().unwrap();
    let mut settings = ControlPlaneSettings::new(Some(host), folder.path().join("uploads"));
    settings.token_life = TOKEN_LIFE;
    settings.sync_silence = SILENCE;
    settings.task_time = SILENCE;
    change(&mut settings);
    let parts = ControlPlaneParts { store, settings, ids: Arc::new(RandomIds) };
    let plane = ControlPlane::new(parts);
    if let Some(access) = connection {
        let new = NewConnection {
            name: None,
            description: None,
            connection_type: "saas".to_owned(),
            access,
            disabled: false,
            system_key: None,
        };
        change_connection(&plane.inner.store, ConnectionStep::Create(new)).await;
    }
    let connector = plane.register(&"segment".parse().unwrap(), pat()).await.unwrap().id;
    Bench { plane, clock, connector, folder, key }
}

async fn change_connection(store: &Store, step: ConnectionStep) {
    let change = ConnectionChange { key: &"segment".parse().unwrap(), actor: pat(), steps: vec![step] };
    assert_eq!(store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
}

async fn opened(folder: &TempDir, key: &Secret<String>, clock: &TestClock) -> Store {
    let store = Store::open(StoreParts {
        place: StorePlace::File(folder.path().join("state.db")),
        keys: KeyRing::new(MasterKey::from_base64(key.expose()).unwrap()),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    });
    store.await.unwrap()
}

impl Bench {
    /// Changes the connection that the connector fills.
    pub(super) async fn update(&self, update: ConnectionUpdate) {
        change_connection(&self.plane.inner.store, ConnectionStep::Update(update)).await;
    }

    /// How many messages of this kind were put.
    pub(super) async fn told(&self, kind: MessageKind) -> usize {
        let store = &self.plane.inner.store;
        let all = store.message_list(MessageFilter::default(), Window::ALL).await.unwrap().items;
        all.iter().filter(|message| message.kind == kind).count()
    }

    /// Another server on the same state.
    pub(super) async fn another(&self) -> ControlPlane {
        let store = opened(&self.folder, &self.key, &self.clock).await;
        let settings = self.plane.inner.settings.clone();
        ControlPlane::new(ControlPlaneParts { store, settings, ids: Arc::new(RandomIds) })
    }

    pub(super) async fn rotate(&self) -> Credential {
        credential(self.plane.rotate(&self.connector, pat()).await.unwrap())
    }

    pub(super) fn form(&self, credential: &Credential) -> Vec<u8> {
        let assertion = sign_assertion(credential, self.clock.now(), &RandomIds);
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", credential.client_id.as_str())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .append_pair("client_assertion", assertion.expose())
            .finish();
        form.into_bytes()
    }

    pub(super) async fn token(&self, credential: &Credential) -> Option<String> {
        token_of(&self.plane.token(&self.form(credential)).await)
    }

    /// A process with a token that it gets anew for each call, as tokens live for seconds here.
    pub(super) async fn process(&self, host: &str) -> Process<'_> {
        Process { bench: self, credential: self.rotate().await, host: host.to_owned() }
    }

    pub(super) async fn lines(&self) -> String {
        let lines = self.plane.log_lines(&self.connector, 100).await.unwrap();
        lines.into_iter().map(|line| line.line + "\n").collect()
    }

    /// How many inventories came into force.
    pub(super) async fn taken(&self) -> usize {
        let (store, connection) = (&self.plane.inner.store, "segment".parse().unwrap());
        let states = inventory::list_states(store, &connection, Window::ALL).await.unwrap().items;
        states.iter().filter(|state| state.taken_at.is_some()).count()
    }

    /// A file with so many users.
    pub(super) fn file(&self, users: usize) -> Vec<u8> {
        let path = self.folder.path().join(format!("{users}.c1z"));
        let sync_id = protos::Ksuid::new(self.clock.now().as_second(), [7; 16]).unwrap().to_string();
        let started_at = self.clock.now();
        let run = NewRun { sync_id, started_at, sync_type: SyncType::Full, parent_sync_id: String::new() };
        let mut writer = Writer::create(&path, None, run).unwrap();
        writer.resource_type(&ResourceType { id: "user".to_owned(), ..ResourceType::default() }).unwrap();
        for number in 0..users {
            let id = ResourceId {
                resource_type: "user".to_owned(),
                resource: format!("u{number}"),
                ..ResourceId::default()
            };
            writer.resource(&Resource { id: Some(id), ..Resource::default() }).unwrap();
        }
        writer.finish(RunEnd { ended_at: started_at, actions: 1 }).unwrap();
        std::fs::read(&path).unwrap()
    }
}

pub(super) fn credential(fresh: FreshCredential) -> Credential {
    let client_secret = ClientSecret::parse(&fresh.client_secret).unwrap();
    Credential { client_id: fresh.client_id, client_secret }
}

/// The token in an answer.
pub(super) fn token_of(reply: &TokenReply) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&reply.body()).unwrap();
    body["access_token"].as_str().map(str::to_owned)
}

/// A process of the connector.
pub(super) struct Process<'a> {
    bench: &'a Bench,
    credential: Credential,
    pub(super) host: String,
}

pub(super) type Client = BatonServiceClient<BatonServiceServer<ControlPlane>>;

pub(super) fn client(plane: &ControlPlane) -> Client {
    BatonServiceClient::new(plane.grpc())
}

pub(super) fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

pub(super) fn hello_of(host: &str, capabilities: &[Capability]) -> wire::BatonServiceHelloRequest {
    let capabilities = ConnectorCapabilities {
        connector_capabilities: capabilities.iter().map(|one| i32::from(*one)).collect(),
        ..ConnectorCapabilities::default()
    };
    wire::BatonServiceHelloRequest {
        host_id: host.to_owned(),
        connector_metadata: Some(ConnectorMetadata {
            display_name: "Segment".to_owned(),
            capabilities: Some(capabilities),
            ..ConnectorMetadata::default()
        }),
        ..wire::BatonServiceHelloRequest::default()
    }
}

impl Process<'_> {
    pub(super) async fn call<T>(&self, message: T) -> Request<T> {
        with_token(message, &self.bench.token(&self.credential).await.unwrap())
    }

    pub(super) async fn hello(&self, capabilities: &[Capability]) {
        let hello = self.call(hello_of(&self.host, capabilities)).await;
        client(&self.bench.plane).hello(hello).await.unwrap();
    }

    pub(super) async fn ask(&self) -> Option<wire::Task> {
        let ask = self.call(wire::BatonServiceGetTaskRequest { host_id: self.host.clone() }).await;
        let answer = client(&self.bench.plane).get_task(ask).await.unwrap().into_inner();
        assert!(answer.next_poll.is_some() && answer.next_heartbeat.is_some());
        answer.task.filter(|task| !task.id.is_empty())
    }

    pub(super) async fn beat(&self, task: &str) -> bool {
        let beat = wire::BatonServiceHeartbeatRequest {
            host_id: self.host.clone(),
            task_id: task.to_owned(),
            ..wire::BatonServiceHeartbeatRequest::default()
        };
        let answer = client(&self.bench.plane).heartbeat(self.call(beat).await).await;
        !answer.unwrap().into_inner().cancelled
    }

    pub(super) async fn done(&self, task: &str, response: Option<prost_types::Any>) -> Result<(), Status> {
        let success = Success { response, ..Success::default() };
        self.finish(task, FinalState::Success(success), 0).await
    }

    pub(super) async fn failed(&self, task: &str, code: tonic::Code) -> Result<(), Status> {
        self.finish(task, FinalState::Error(Error::default()), code as i32).await
    }

    async fn finish(&self, task: &str, state: FinalState, code: i32) -> Result<(), Status> {
        let status = protos::google::rpc::Status {
            code,
            message: "as said".to_owned(),
            ..protos::google::rpc::Status::default()
        };
        let finish = wire::BatonServiceFinishTaskRequest {
            host_id: self.host.clone(),
            task_id: task.to_owned(),
            status: Some(status),
            final_state: Some(state),
        };
        client(&self.bench.plane).finish_task(self.call(finish).await).await.map(|_| ())
    }

    pub(super) async fn upload(&self, task: &str, file: &[u8]) -> Result<(), Status> {
        self.upload_as(task, file, sha256(file)).await
    }

    pub(super) async fn upload_as(&self, task: &str, file: &[u8], sum: [u8; 32]) -> Result<(), Status> {
        let mut parts = vec![Msg::Metadata(UploadMetadata {
            host_id: self.host.clone(),
            task_id: task.to_owned(),
            ..UploadMetadata::default()
        })];
        parts.extend(file.chunks(512).map(|data| Msg::Data(UploadData { data: data.to_vec() })));
        parts.push(Msg::Eof(UploadEof { sha256_checksum: sum.to_vec(), ..UploadEof::default() }));
        self.send(parts).await
    }

    pub(super) async fn send(&self, parts: Vec<Msg>) -> Result<(), Status> {
        let parts = parts.into_iter().map(|msg| wire::BatonServiceUploadAssetRequest { msg: Some(msg) });
        let stream = self.call(tokio_stream::iter(parts.collect::<Vec<_>>())).await;
        client(&self.bench.plane).upload_asset(stream).await.map(|_| ())
    }

    /// A whole sync with this file.
    pub(super) async fn sync(&self, file: &[u8]) -> Result<(), Status> {
        self.bench.plane.queue_sync(&self.bench.connector, pat()).await.unwrap();
        let task = self.ask().await.unwrap().id;
        assert!(self.beat(&task).await);
        let uploaded = self.upload(&task, file).await;
        match uploaded {
            Ok(()) => self.done(&task, None).await,
            Err(status) => {
                self.failed(&task, status.code()).await.unwrap();
                Err(status)
            }
        }
    }
}

pub(super) fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}
