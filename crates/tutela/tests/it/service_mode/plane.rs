//! The control plane in the test's own process, on a port of its own, with the faults that a test asks for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::post;
use baton::control::{
    ConnectorStatus, ControlError, ControlPlane, ControlPlaneParts, ControlPlaneSettings, TaskOutcome,
};
use baton::credential::FreshCredential;
use crypto::{KeyRing, MasterKey};
use governance::inventory::{At, find_state, load};
use governance::{SinkError, SyncSink};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use model::{RandomIds, SystemClock};
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType};
use sandbox::governance::TruthGrant;
use store::{Access, Actor, BatonConnectorId, BatonTask, BatonTaskId, Store, StoreParts, StorePlace};
use tokio::net::TcpListener;

use super::Ids;

/// Where connectors reach it, by a route.
pub(super) const HOST: &str = "tenant.example.test";
/// How long a process may be silent with a task.
pub(super) const SILENCE: Duration = Duration::from_secs(3);
/// Longest wait for anything.
const LIMIT: Duration = Duration::from_mins(1);

pub(super) struct Plane {
    pub(super) plane: ControlPlane,
    pub(super) connector: BatonConnectorId,
    pub(super) address: SocketAddr,
    store: Store,
    pub(super) faults: Arc<Faults>,
    _folder: tempfile::TempDir,
}

/// How many ends of tasks are still to be lost on their way.
#[derive(Default)]
pub(super) struct Faults {
    /// Before the control plane heard them.
    pub(super) lose_finish: AtomicUsize,
    /// How many were lost.
    pub(super) lost: AtomicUsize,
}

/// Takes down the ids of resources and grants.
struct IdSink(Ids);

impl SyncSink for IdSink {
    fn resource_type(&mut self, _row: &ResourceType) -> Result<(), SinkError> {
        Ok(())
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        let id = row.id.as_ref().unwrap();
        self.0[0].insert(format!("{}:{}", id.resource_type, id.resource));
        Ok(())
    }

    fn entitlement(&mut self, _row: &Entitlement) -> Result<(), SinkError> {
        Ok(())
    }

    fn grant(&mut self, row: &Grant, _expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        self.0[1].insert(row.id.clone());
        Ok(())
    }
}

fn actor() -> Actor {
    Actor::person("pat")
}

impl Plane {
    /// Tokens live for five seconds, hearts beat each second.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: KeyRing::new(MasterKey::random()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        });
        let mut settings =
            ControlPlaneSettings::new(Some(HOST.parse().unwrap()), folder.path().join("uploads"));
        settings.token_life = Duration::from_secs(5);
        settings.heartbeat = Duration::from_secs(1);
        settings.next_poll = Duration::from_millis(200);
        settings.sync_silence = SILENCE;
        settings.task_time = SILENCE;
        settings.most_attempts = 20;
        let store = store.await.unwrap();
        let parts = ControlPlaneParts { store: store.clone(), settings, ids: Arc::new(RandomIds) };
        let plane = ControlPlane::new(parts);
        let connector = plane.register(&"segment".parse().unwrap(), actor()).await.unwrap().id;
        let faults = Arc::new(Faults::default());
        let address = serve(plane.clone(), Arc::clone(&faults)).await;
        Self { plane, connector, address, store, faults, _folder: folder }
    }

    pub(super) async fn rotate(&self) -> FreshCredential {
        self.plane.rotate(&self.connector, actor()).await.unwrap()
    }

    /// What it knows of the application: ids of resources and grants.
    pub(super) async fn known(&self) -> Ids {
        let connection = "segment".parse().unwrap();
        let state = find_state(&self.store, &connection, &At::Now).await.unwrap().unwrap();
        load(&self.store, &state, IdSink(Ids::default())).await.unwrap().0
    }

    pub(super) async fn status(&self) -> ConnectorStatus {
        self.plane.status(&self.connector).await.unwrap()
    }

    pub(super) async fn log(&self) -> String {
        let lines = self.plane.log_lines(&self.connector, 1000).await.unwrap();
        lines.into_iter().map(|line| line.line + "\n").collect()
    }

    pub(super) async fn queue_sync(&self) -> BatonTaskId {
        self.plane.queue_sync(&self.connector, actor()).await.unwrap().id
    }

    pub(super) async fn queue_grant(&self, entitlement: &str, user: &str) -> BatonTaskId {
        let order = (entitlement_of(entitlement), resource("user", user));
        self.queued(|| self.plane.queue_grant(&self.connector, order.clone(), actor())).await
    }

    pub(super) async fn try_grant(&self, entitlement: &str, user: &str) -> Result<BatonTask, ControlError> {
        let order = (entitlement_of(entitlement), resource("user", user));
        self.plane.queue_grant(&self.connector, order, actor()).await
    }

    pub(super) async fn queue_revoke(&self, grant: &TruthGrant) -> BatonTaskId {
        let grant = Grant {
            id: grant.id.clone(),
            entitlement: Some(entitlement_of(&grant.entitlement)),
            principal: Some(resource(grant.principal.kind, &grant.principal.id)),
            ..Grant::default()
        };
        self.queued(|| self.plane.queue_revoke(&self.connector, grant.clone(), actor())).await
    }

    /// Queues a change once the connector has said that it makes changes.
    async fn queued<F>(&self, queue: impl Fn() -> F) -> BatonTaskId
    where
        F: Future<Output = Result<BatonTask, ControlError>>,
    {
        let begun = Instant::now();
        loop {
            match queue().await {
                Ok(task) => return task.id,
                Err(error) if begun.elapsed() > LIMIT => panic!("{error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The task when it is over.
    pub(super) async fn over(&self, task: &BatonTaskId) -> TaskOutcome {
        self.plane.wait(task, LIMIT).await.unwrap().unwrap()
    }

    pub(super) async fn task(&self, task: &BatonTaskId) -> BatonTask {
        self.plane.outcome(task).await.unwrap().unwrap().task
    }
}

/// An entitlement as a control plane knows it: by its id, on a resource.
fn entitlement_of(id: &str) -> Entitlement {
    let mut parts = id.splitn(3, ':');
    let resource = resource(parts.next().unwrap(), parts.next().unwrap());
    Entitlement { id: id.to_owned(), resource: Some(resource), ..Entitlement::default() }
}

fn resource(kind: &str, id: &str) -> Resource {
    let id = ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() };
    Resource { id: Some(id), ..Resource::default() }
}

async fn serve(plane: ControlPlane, faults: Arc<Faults>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route_service("/c1.connectorapi.baton.v1.BatonService/{method}", plane.grpc())
        .route("/auth/v1/token", post(token).with_state(plane))
        .layer(from_fn_with_state(faults, lose));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let _ =
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

async fn token(State(plane): State<ControlPlane>, form: Bytes) -> (StatusCode, Vec<u8>) {
    let reply = plane.token(&form).await;
    (reply.status(), reply.body())
}

/// Loses ends of tasks.
async fn lose(State(faults): State<Arc<Faults>>, request: Request, next: Next) -> Response {
    let is_end = request.uri().path().ends_with("/FinishTask");
    let takes = |left: usize| left.checked_sub(1);
    if is_end && faults.lose_finish.fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes).is_ok() {
        faults.lost.fetch_add(1, Ordering::SeqCst);
        let mut lost = Response::new(Body::empty());
        *lost.status_mut() = StatusCode::BAD_GATEWAY;
        return lost;
    }
    next.run(request).await
}
