use baton::assertion::sign_assertion;
use baton::credential::{ClientSecret, Credential};
use c1z::{NewRun, RunEnd, SyncType, Writer};
use crypto::{Secret, sha256};
use egress::{DoorSettings, OwnGrpc};
use model::{Clock as _, RandomIds, SystemClock};
use protos::Ksuid;
use protos::c1::connector::v2::{
    Capability, ConnectorCapabilities, ConnectorMetadata, Resource, ResourceId, ResourceType,
};
use protos::c1::connectorapi::baton::v1 as wire;
use serde_json::Value;
use tonic::{Request, Status};
use wire::baton_service_client::BatonServiceClient;
use wire::baton_service_finish_task_request::{FinalState, Success};
use wire::baton_service_upload_asset_request::{Msg, UploadData, UploadEof, UploadMetadata};

use crate::program::Program;
use crate::running::{Running, call_at, post_form, root_token};

const SECRET: &str = "canary-root-secret";
const HOST: &str = "tutela.example.test";

/// A server with short lives.
pub(super) fn program() -> Program {
    Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET)
        .with_environment("TUTELA_SELF_HOSTED_HOST", HOST)
        .with_environment("TUTELA_SELF_HOSTED_TOKEN_LIFE", "5s")
        .with_environment("TUTELA_SELF_HOSTED_HEARTBEAT", "1s")
}

/// Whoever looks after the server.
pub(super) struct Caller {
    url: String,
    token: String,
}

impl Caller {
    pub(super) async fn of(running: &Running) -> Self {
        Self { url: running.url.clone(), token: root_token(running, SECRET).await }
    }

    /// What a call gives that is done.
    pub(super) async fn ok(&self, line: &str, body: Option<&Value>) -> Value {
        let reply = call_at(&self.url, line, Some(&self.token), body).await;
        assert!((200..300).contains(&reply.status), "{line}: {} {}", reply.status, reply.text);
        reply.json()
    }

    /// The status of a call.
    pub(super) async fn status(&self, line: &str) -> u16 {
        call_at(&self.url, line, Some(&self.token), None).await.status
    }
}

/// A process of the connector, with a token for each call.
pub(super) struct Process {
    credential: Credential,
    client: BatonServiceClient<OwnGrpc>,
    url: String,
    host: String,
}

impl Process {
    /// With what Rotate gave, at the server of this address.
    pub(super) fn new(url: &str, fresh: &Value, host: &str) -> Self {
        let text = |key: &str| fresh[key].as_str().unwrap().to_owned();
        let client_secret = ClientSecret::parse(&Secret::new(text("client_secret"))).unwrap();
        let credential = Credential { client_id: text("client_id").parse().unwrap(), client_secret };
        let routes = format!(r#"{{"{HOST}": "{url}"}}"#);
        let settings =
            DoorSettings::default().with_environment(Some(r#"["127.0.0.1/32"]"#), Some(&routes)).unwrap();
        let base = format!("https://{HOST}/").parse().unwrap();
        let way = OwnGrpc::new(settings, "control-plane".parse().unwrap(), &base).unwrap();
        let client = BatonServiceClient::new(way);
        Self { credential, client, url: url.to_owned(), host: host.to_owned() }
    }

    /// A token, if the server gives one.
    pub(super) async fn token(&self) -> Option<String> {
        self.token_by(self.form()).await
    }

    /// What a token is asked for with, for one call.
    pub(super) fn form(&self) -> String {
        let assertion = sign_assertion(&self.credential, SystemClock.now(), &RandomIds);
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", self.credential.client_id.as_str())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .append_pair("client_assertion", assertion.expose())
            .finish()
    }

    /// A token, if the server gives one for this form.
    pub(super) async fn token_by(&self, form: String) -> Option<String> {
        let text = post_form(&format!("{}/auth/v1/token", self.url), form).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["access_token"].as_str().map(str::to_owned)
    }

    async fn called<T>(&self, message: T) -> Request<T> {
        with_token(message, &self.token().await.unwrap())
    }

    pub(super) async fn hello(&self, capabilities: &[Capability]) {
        let capabilities = ConnectorCapabilities {
            connector_capabilities: capabilities.iter().map(|one| i32::from(*one)).collect(),
            ..ConnectorCapabilities::default()
        };
        let hello = wire::BatonServiceHelloRequest {
            host_id: self.host.clone(),
            connector_metadata: Some(ConnectorMetadata {
                display_name: "Office".to_owned(),
                capabilities: Some(capabilities),
                ..ConnectorMetadata::default()
            }),
            ..wire::BatonServiceHelloRequest::default()
        };
        self.client.clone().hello(self.called(hello).await).await.unwrap();
    }

    /// Asks for work with this token.
    pub(super) async fn ask_with(&self, token: &str) -> Result<wire::BatonServiceGetTaskResponse, Status> {
        let ask = wire::BatonServiceGetTaskRequest { host_id: self.host.clone() };
        self.client.clone().get_task(with_token(ask, token)).await.map(tonic::Response::into_inner)
    }

    /// Id of the task that it is given.
    pub(super) async fn task(&self) -> Option<String> {
        let answer = self.ask_with(&self.token().await.unwrap()).await.unwrap();
        answer.task.map(|task| task.id).filter(|id| !id.is_empty())
    }

    pub(super) async fn done(&self, task: &str) -> Result<(), Status> {
        let finish = wire::BatonServiceFinishTaskRequest {
            host_id: self.host.clone(),
            task_id: task.to_owned(),
            status: Some(protos::google::rpc::Status::default()),
            final_state: Some(FinalState::Success(Success::default())),
        };
        self.client.clone().finish_task(self.called(finish).await).await.map(drop)
    }

    pub(super) async fn upload(&self, task: &str, file: &[u8]) -> Result<(), Status> {
        self.upload_as(task, file, sha256(file)).await
    }

    pub(super) async fn upload_as(&self, task: &str, file: &[u8], sum: [u8; 32]) -> Result<(), Status> {
        let (host_id, task_id) = (self.host.clone(), task.to_owned());
        let mut parts = vec![Msg::Metadata(UploadMetadata { host_id, task_id, ..UploadMetadata::default() })];
        parts.extend(file.chunks(1024).map(|data| Msg::Data(UploadData { data: data.to_vec() })));
        parts.push(Msg::Eof(UploadEof { sha256_checksum: sum.to_vec(), ..UploadEof::default() }));
        let parts = parts.into_iter().map(|msg| wire::BatonServiceUploadAssetRequest { msg: Some(msg) });
        let stream = self.called(futures::stream::iter(parts.collect::<Vec<_>>())).await;
        self.client.clone().upload_asset(stream).await.map(drop)
    }
}

fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// The file of a sync with so many users.
pub(super) fn file(users: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let started_at = SystemClock.now();
    let sync_id = Ksuid::new(started_at.as_second(), [7; 16]).unwrap().to_string();
    let run = NewRun { sync_id, started_at, sync_type: SyncType::Full, parent_sync_id: String::new() };
    let mut writer = Writer::create(&path, None, run).unwrap();
    writer.resource_type(&ResourceType { id: "user".to_owned(), ..ResourceType::default() }).unwrap();
    for number in 0..users {
        let resource = format!("u{number}");
        let id = ResourceId { resource_type: "user".to_owned(), resource, ..ResourceId::default() };
        writer.resource(&Resource { id: Some(id), ..Resource::default() }).unwrap();
    }
    writer.finish(RunEnd { ended_at: started_at, actions: 1 }).unwrap();
    std::fs::read(&path).unwrap()
}
