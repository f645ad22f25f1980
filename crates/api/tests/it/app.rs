//! A whole interface over a store of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use api::{ApiParts, ApiSettings, RootClient, Scope};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use baton::control::{ControlPlane, ControlPlaneParts, ControlPlaneSettings};
use connections::{Connections, ConnectionsParts, Outgoing};
use crypto::{KeyRing, MasterKey, Secret};
use datastore::Boundary;
use egress::{Door, DoorSettings, MemoryBudgets, Mode};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use messages::{MessageSecrets, Messages, MessagesParts};
use model::{Clock, IdSource, PrivacyRequestId, RandomIds};
use privacy::storage_book::PackageSettings;
use serde_json::Value;
use store::{
    Access, Actor, Intake, NewAccessToken, NewClient, NewPrivacyRequest, PrivacyRequestStatus, Store,
    StoreParts, StorePlace, TokenFor,
};
use tempfile::TempDir;
use testkit::TestClock;
use tower::ServiceExt as _;

/// The id of the root client of tests.
pub(crate) const ROOT_ID: &str = "root-client";
/// Its secret.
pub(crate) const ROOT_SECRET: &str = "canary-root-secret";

/// A running interface, and the caller that calls it: with all scopes unless told otherwise.
#[derive(Clone)]
pub(crate) struct App {
    shared: Arc<Shared>,
    token: Option<String>,
}

struct Shared {
    router: Router,
    store: Store,
    clock: TestClock,
    settings: ApiSettings,
    folder: Arc<TempDir>,
}

impl App {
    /// With the default settings and a root client; loopback may be called.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings that `change` changes.
    pub(crate) async fn start_with(change: impl FnOnce(&mut ApiSettings)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let clock = TestClock::new();
        let store = open(&folder, &clock).await;
        let root = RootClient { id: ROOT_ID.to_owned(), secret: Secret::new(ROOT_SECRET.to_owned()) };
        let mut settings = ApiSettings { root_client: Some(root), ..ApiSettings::default() };
        change(&mut settings);
        let mut app = Self { shared: Arc::new(Shared::new(store, clock, settings, folder)), token: None };
        app.token = Some(app.token(Scope::ALL).await);
        app
    }

    /// The same interface, started anew with settings that `change` changes, over the same store.
    pub(crate) fn restarted(&self, change: impl FnOnce(&mut ApiSettings)) -> Self {
        let Shared { store, clock, settings, folder, .. } = &*self.shared;
        let mut settings = settings.clone();
        change(&mut settings);
        let shared = Shared::new(store.clone(), clock.clone(), settings, Arc::clone(folder));
        Self { shared: Arc::new(shared), token: self.token.clone() }
    }

    /// A token of a fresh client that may do this.
    pub(crate) async fn token(&self, scopes: &[Scope]) -> String {
        let scopes: Vec<String> = scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        let actor = Actor::system();
        let new = NewClient { name: None, description: None, scopes: scopes.clone(), actor: actor.clone() };
        let (client, _) = self.shared.store.client_create(new).await.unwrap();
        let holder = TokenFor::Client { id: &client.id, secret_hash: &client.secret_hash };
        let life = self.shared.settings.token_life;
        let new = NewAccessToken { holder, scopes: &scopes, life, actor };
        let issued = self.shared.store.access_token_issue(new).await.unwrap().unwrap();
        issued.token.text().expose().clone()
    }

    /// The token that it is called with.
    pub(crate) fn own_token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The same interface, called with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), token: Some(token.to_owned()) }
    }

    /// The same interface, called by a client that may do only this.
    pub(crate) async fn with_scopes(&self, scopes: &[Scope]) -> Self {
        self.with_token(&self.token(scopes).await)
    }

    /// The same interface, called without a token.
    pub(crate) fn without_token(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), token: None }
    }

    /// Calls with `GET`.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let reply = self.call(Method::GET, path, "application/json", Vec::new()).await;
        (reply.status, reply.json())
    }

    /// Calls with a JSON body.
    pub(crate) async fn send(&self, method: Method, path: &str, json: Value) -> (StatusCode, Value) {
        let reply = self.call(method, path, "application/json", json.to_string().into_bytes()).await;
        (reply.status, reply.json())
    }

    /// Calls with any body, and returns all of the reply.
    #[expect(clippy::too_many_arguments, reason = "each is a part of the call, named by its type or place")]
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: impl Into<Vec<u8>>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, media);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        self.call_raw(request.body(Body::from(body.into())).unwrap()).await
    }

    /// Calls with exactly this request, from 192.0.2.1 unless it says otherwise.
    pub(crate) async fn call_raw(&self, mut request: Request<Body>) -> Reply {
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 50_000))));
        }
        let response = self.shared.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body: bytes }
    }

    pub(crate) fn router(&self) -> Router {
        self.shared.router.clone()
    }

    /// Enters a request about nobody, without any of the checks of making one.
    pub(crate) async fn enter_request(
        &self,
        (policy, intake): (&str, Intake),
        status: PrivacyRequestStatus,
    ) -> PrivacyRequestId {
        let id = PrivacyRequestId::new(&RandomIds);
        let new = NewPrivacyRequest {
            id: id.clone(),
            policy: policy.to_owned(),
            status,
            step: None,
            intake,
            source: None,
            external_id: None,
            location: None,
            property_id: None,
            requested_at: self.store().clock().now(),
            due_at: None,
            identity_verified_at: None,
            reviewed: None,
            submitted_by: None,
            planned_by: None,
            duplicate_group: None,
            attention: None,
            work_at: None,
            identities: Secret::new(b"{}".to_vec()),
            custom_fields: None,
            encryption_key: None,
            corrections: None,
            raised_limits: None,
            lookups: Vec::new(),
            codes: Vec::new(),
            logs: Vec::new(),
            messages: Vec::new(),
            actor: Actor::system(),
        };
        self.store().privacy_request_create(new).await.unwrap();
        id
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.shared.folder.path().join("data")
    }

    pub(crate) fn clock(&self) -> &TestClock {
        &self.shared.clock
    }
}

impl Shared {
    fn new(store: Store, clock: TestClock, settings: ApiSettings, folder: Arc<TempDir>) -> Self {
        let shared_clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let ids: Arc<dyn IdSource> = Arc::new(RandomIds);
        let router = api::router(ApiParts {
            store: store.clone(),
            connections: connections(&store, &shared_clock, &folder),
            messages: messages(&store, &shared_clock, &settings),
            packages: packages(&folder),
            services: None,
            access: None,
            control: Some(control(&store, &folder)),
            clock: shared_clock,
            ids,
            settings: settings.clone(),
        });
        Self { router, store, clock, settings, folder }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Work for connectors that run elsewhere.
fn control(store: &Store, folder: &TempDir) -> ControlPlane {
    let host = "tutela.example.test".parse().unwrap();
    let settings = ControlPlaneSettings::new(Some(host), folder.path().join("uploads"));
    ControlPlane::new(ControlPlaneParts { store: store.clone(), settings, ids: Arc::new(RandomIds) })
}

async fn open(folder: &TempDir, clock: &TestClock) -> Store {
    let parts = StoreParts {
        place: StorePlace::File(folder.path().join("state.db")),
        keys: KeyRing::new(MasterKey::random()),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    };
    Store::open(parts).await.unwrap()
}

/// Loopback may be called, and packages lie in a folder of the test.
fn packages(folder: &TempDir) -> PackageSettings {
    let egress = DoorSettings { allow: vec!["127.0.0.1".parse().unwrap()], ..DoorSettings::default() };
    PackageSettings::open(egress, folder.path().join("data")).unwrap()
}

/// Messages leave as the settings say; loopback may be called.
fn messages(store: &Store, clock: &Arc<dyn Clock>, settings: &ApiSettings) -> Messages {
    let egress = DoorSettings { allow: vec!["127.0.0.1".parse().unwrap()], ..DoorSettings::default() };
    let parts = MessagesParts {
        store: store.clone(),
        configured: settings.configured.clone(),
        secrets: MessageSecrets::default(),
        egress,
        clock: Arc::clone(clock),
    };
    Messages::new(parts).unwrap()
}

fn connections(store: &Store, clock: &Arc<dyn Clock>, folder: &TempDir) -> Connections {
    let allow = vec!["127.0.0.1".parse().unwrap()];
    let settings = DoorSettings { allow: allow.clone(), ..DoorSettings::default() };
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(clock)));
    let door = Door::new(settings, Mode::Live, budgets, Arc::clone(clock)).unwrap();
    let folders = vec![folder.path().join("databases")];
    let boundary = Boundary { allow, folders, base: folder.path().to_path_buf(), ..Boundary::default() };
    Connections::new(ConnectionsParts {
        store: store.clone(),
        clock: Arc::clone(clock),
        ids: Arc::new(RandomIds),
        outgoing: Outgoing { door, calls: connector::Settings::default(), boundary },
    })
}
