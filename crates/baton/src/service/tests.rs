mod changes;
mod fake;
mod loops;
mod stub;
mod syncs;
mod twins;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egress::{DoorSettings, Routes};
use engine::Canceller;
use prost_types::Any;
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceId};
use protos::c1::connectorapi::baton::v1::task::{self, TaskType};
use protos::c1::connectorapi::baton::v1::{
    BatonServiceFinishTaskRequest, Task, baton_service_finish_task_request::FinalState,
};
use testkit::TestClock;
use tokio::task::JoinHandle;

use super::{ServiceError, ServiceParts, ServiceTimes, run};
use crate::command_line::{Permission, ServiceSettings};
use crate::credential::{ApiHost, ClientSecret, Credential, FreshCredential, HostId};
use fake::Fake;
use stub::Stub;

/// A connector, its control plane, and what is between.
struct Bench {
    clock: TestClock,
    stub: Stub,
    fake: Arc<Fake>,
    folder: tempfile::TempDir,
    provisioning: Permission,
    get_tasks: Permission,
    concurrency: usize,
    times: ServiceTimes,
}

struct Running {
    canceller: Canceller,
    ended: JoinHandle<Result<(), ServiceError>>,
}

impl Bench {
    async fn new() -> Self {
        let clock = TestClock::new();
        let stub = Stub::start(&clock).await;
        let (call, grace) = (Duration::from_secs(20), Duration::from_millis(300));
        Self {
            clock,
            stub,
            fake: Arc::new(Fake::new(true)),
            folder: tempfile::tempdir().unwrap(),
            provisioning: Permission::Allowed,
            get_tasks: Permission::Refused,
            concurrency: 3,
            times: ServiceTimes { call, poll: call, grace, ..ServiceTimes::default() },
        }
    }

    fn give(&self, tasks: impl IntoIterator<Item = Task>) {
        self.stub.with(|state| state.give.extend(tasks));
    }

    fn settings(&self) -> ServiceSettings {
        let host: ApiHost = "tenant.example.test".parse().unwrap();
        let fresh = FreshCredential::random(&host, &model::RandomIds);
        let client_secret = ClientSecret::parse(&fresh.client_secret).unwrap();
        ServiceSettings {
            credential: Arc::new(Credential { client_id: fresh.client_id, client_secret }),
            host,
            host_id: HostId::choose(Some("host-1"), None).unwrap(),
            provisioning: self.provisioning,
            ticketing: Permission::Refused,
            task_concurrency: self.concurrency,
            keep_previous_sync: Permission::Refused,
            get_tasks: self.get_tasks,
        }
    }

    fn parts(&self) -> (Canceller, ServiceParts) {
        let (canceller, stop) = Canceller::new();
        let target = format!("http://{}", self.stub.address);
        let parts = ServiceParts {
            connector: self.fake.clone(),
            name: "baton-fake".to_owned(),
            version: "1.2.3".to_owned(),
            egress: DoorSettings {
                allow: vec!["127.0.0.1/32".parse().unwrap()],
                routes: Routes::parse([("tenant.example.test", target)]).unwrap(),
                ..DoorSettings::default()
            },
            temp_folder: Some(self.folder.path().to_owned()),
            clock: Arc::new(self.clock.clone()),
            ids: Arc::new(model::RandomIds),
            stop,
            health: None,
            times: self.times,
        };
        (canceller, parts)
    }

    fn start(&self) -> Running {
        let (canceller, parts) = self.parts();
        Running { canceller, ended: tokio::spawn(run(self.settings(), parts)) }
    }

    /// Runs until so many tasks are finished, stops, and gives how they ended.
    async fn finish(&self, count: usize) -> Vec<BatonServiceFinishTaskRequest> {
        let running = self.start();
        let finished = self.stub.until_finished(count).await;
        running.stop().await.unwrap();
        finished
    }

    /// Nothing was left behind, and no rule was broken.
    fn assert_clean(&self) {
        assert_eq!(self.stub.with(|state| state.broken.clone()), Vec::<String>::new());
        assert_eq!(self.fake.broken(), Vec::<String>::new());
        let left: Vec<PathBuf> =
            std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

impl Running {
    async fn stop(self) -> Result<(), ServiceError> {
        self.canceller.cancel();
        self.end().await
    }

    async fn end(self) -> Result<(), ServiceError> {
        tokio::time::timeout(Duration::from_secs(20), self.ended).await.expect("it ends").unwrap()
    }
}

/// An id of the form that the protocol wants.
fn id(number: usize) -> String {
    format!("task{number:023}")
}

fn task(number: usize, asked: TaskType) -> Task {
    Task { id: id(number), task_type: Some(asked), ..Task::default() }
}

fn sync(number: usize) -> Task {
    task(number, TaskType::SyncFull(task::SyncFullTask::default()))
}

fn resource(kind: &str, id: &str) -> Resource {
    let id = ResourceId { resource_type: kind.into(), resource: id.into(), ..ResourceId::default() };
    Resource { id: Some(id), display_name: "x".into(), ..Resource::default() }
}

fn entitlement() -> Entitlement {
    Entitlement {
        id: "group:g1:member".into(),
        resource: Some(resource("group", "g1")),
        ..Entitlement::default()
    }
}

fn grant(number: usize) -> Task {
    let (entitlement, principal) = (Some(entitlement()), Some(resource("user", "u1")));
    task(number, TaskType::Grant(task::GrantTask { entitlement, principal, ..Default::default() }))
}

fn revoke(number: usize) -> Task {
    let grant = Grant {
        id: "group:g1:member:user:u1".into(),
        entitlement: Some(entitlement()),
        principal: Some(resource("user", "u1")),
        ..Grant::default()
    };
    task(number, TaskType::Revoke(task::RevokeTask { grant: Some(grant), annotations: Vec::new() }))
}

/// The answer of a task that ended well.
fn answer(finish: &BatonServiceFinishTaskRequest) -> Option<Any> {
    match finish.final_state.as_ref().unwrap() {
        FinalState::Success(success) => success.response.clone(),
        FinalState::Error(_) => panic!("task {} failed: {:?}", finish.task_id, finish.status),
    }
}

/// Code, text and whether it must not be tried again, of a task that failed.
fn failure(finish: &BatonServiceFinishTaskRequest) -> (i32, String, bool) {
    match finish.final_state.as_ref().unwrap() {
        FinalState::Success(_) => panic!("task {} ended well", finish.task_id),
        FinalState::Error(error) => {
            let status = finish.status.clone().unwrap();
            (status.code, status.message, error.non_retryable)
        }
    }
}
