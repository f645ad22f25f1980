//! A simulated workspace with a connection to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Secrets, Settings};
use egress::{Door, DoorSettings, MemoryBudgets, Mode, Routes};
use engine::{Cancellation, Concurrency, Limits};
use governance::{Sync, SyncError, SyncPart, SyncParts, SyncReport, SyncRequest};
use model::SystemClock;
use sandbox::segment::{SegmentOptions, SegmentSandbox};
use serde_json::{Value, json};
use spec::{CheckOptions, SourceFile};
use store::{Access, Actor, Store, StoreParts, StorePlace};
use tempfile::TempDir;
use testkit::TestClock;

use crate::rows::Rows;

pub(crate) const HOST: &str = "api.segmentapis.com";
pub(crate) const FILE: &str = include_str!("../../../../connectors/segment/connector.yml");

pub(crate) struct Workspace {
    pub(crate) sandbox: SegmentSandbox,
    pub(crate) connector: Connector,
    pub(crate) store: Store,
    /// Held: it goes when it is dropped.
    _folder: TempDir,
}

impl Workspace {
    pub(crate) async fn start(options: SegmentOptions) -> Self {
        Self::with_file(options, FILE).await
    }

    /// The same with another connector file: for planted defects.
    pub(crate) async fn with_file(options: SegmentOptions, file: &str) -> Self {
        let sandbox = SegmentSandbox::start(options).await.unwrap();
        let token = sandbox.description().tokens.access_token.clone();
        let connector = connector(file, &sandbox.url(), &token);
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        Self { sandbox, connector, store, _folder: folder }
    }

    /// The same workspace by another token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        let connector = connector(FILE, &self.sandbox.url(), token);
        Self { connector, ..self }
    }

    /// Calls that the simulation has answered or met with a fault.
    pub(crate) fn calls(&self) -> u64 {
        self.sandbox.state()["calls"].as_u64().unwrap()
    }

    pub(crate) async fn begin(&self) -> Result<Sync, SyncError> {
        self.begin_with(Cancellation::never()).await
    }

    /// The same once whoever had it before has given it up.
    pub(crate) async fn begin_soon(&self) -> Sync {
        let parts = self.parts(Cancellation::never(), Limits::default());
        Sync::begin(parts, &request(Some(Duration::from_secs(20)))).await.unwrap()
    }

    /// The same with so many calls at once.
    pub(crate) async fn begin_limited(&self, limits: Limits) -> Sync {
        Sync::begin(self.parts(Cancellation::never(), limits), &request(None)).await.unwrap()
    }

    pub(crate) async fn begin_with(&self, cancellation: Cancellation) -> Result<Sync, SyncError> {
        Sync::begin(self.parts(cancellation, Limits::default()), &request(None)).await
    }

    /// Begins or goes on with a sync of a part, once whoever had it before has given it up.
    pub(crate) async fn begin_part(&self, part: SyncPart, cancellation: Cancellation) -> Sync {
        let parts = self.parts(cancellation, Limits::default());
        Sync::begin_part(parts, &request(Some(Duration::from_secs(20))), part).await.unwrap()
    }

    /// The same from its beginning to its end.
    pub(crate) async fn sync_part(&self, part: SyncPart) -> (SyncReport, Option<Rows>) {
        sync_part(self.parts(Cancellation::never(), Limits::default()), part).await
    }

    fn parts(&self, cancellation: Cancellation, limits: Limits) -> SyncParts {
        parts(&self.connector, &self.store, (cancellation, limits))
    }

    /// A sync from its beginning to its end: its report, and its rows if there are any.
    pub(crate) async fn sync(&self) -> (SyncReport, Option<Rows>) {
        self.sync_with(Limits::default()).await
    }

    pub(crate) async fn sync_with(&self, limits: Limits) -> (SyncReport, Option<Rows>) {
        sync(self.parts(Cancellation::never(), limits)).await
    }
}

/// A sync from its beginning to its end: its report, and its rows if there are any.
pub(crate) async fn sync(parts: SyncParts) -> (SyncReport, Option<Rows>) {
    sync_part(parts, SyncPart::default()).await
}

/// The same of a part.
pub(crate) async fn sync_part(parts: SyncParts, part: SyncPart) -> (SyncReport, Option<Rows>) {
    let sync = Sync::begin_part(parts, &request(None), part).await.unwrap();
    let read = sync.read(&|_| {}).await.unwrap();
    if let Some((report, error)) = read.unfinished() {
        read.close(&report, Some(&error)).await.unwrap();
        return (report, None);
    }
    let (rows, report) = read.assemble(Rows::default()).await.unwrap();
    read.close(&report, None).await.unwrap();
    (report, Some(rows))
}

pub(crate) fn parts(
    connector: &Connector,
    store: &Store,
    (cancellation, limits): (Cancellation, Limits),
) -> SyncParts {
    SyncParts {
        connector: connector.clone(),
        store: store.clone(),
        limits: Concurrency::new(limits),
        clock: Arc::new(SystemClock),
        cancellation,
    }
}

fn request(wait: Option<Duration>) -> SyncRequest {
    SyncRequest { basis: "1".to_owned(), worker: "test".to_owned(), wait, actor: Actor::system() }
}

fn connector(file: &str, url: &str, token: &str) -> Connector {
    let secrets = vec![("domain".to_owned(), json!(HOST)), ("access_token".to_owned(), json!(token))];
    connect("segment", file, (HOST, url), secrets)
}

/// A connection of a connector file to a simulation that answers for `host`.
pub(crate) fn connect(
    key: &str,
    file: &str,
    (host, url): (&str, &str),
    secrets: Vec<(String, Value)>,
) -> Connector {
    let options = CheckOptions { instance_key: Some(key.parse().unwrap()), ..CheckOptions::default() };
    let text = file.replace("<instance_fides_key>", key);
    let checked = spec::check_connector(&SourceFile::new(format!("{key}.yml"), text), &options);
    let settings = DoorSettings {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        routes: Routes::parse([(host, url.to_owned())]).unwrap(),
        ..DoorSettings::default()
    };
    // Waits between attempts cost no time; the sandbox keeps its own.
    let clock = Arc::new(TestClock::new());
    Connector::new(ConnectorParts {
        connection: Connection {
            key: key.parse().unwrap(),
            file: Arc::new(checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))),
            secrets: Arc::new(Secrets::new(secrets)),
            references: HashMap::new(),
            recording_keep: HashMap::new(),
        },
        door: Door::new(settings, Mode::Live, Arc::new(MemoryBudgets::new(clock.clone())), clock.clone())
            .unwrap(),
        tokens: Arc::new(MemoryTokens::new()),
        clock,
        ids: Arc::new(model::RandomIds),
        settings: Settings { attempts: 12, ..Settings::default() },
    })
}

pub(crate) async fn store(folder: &std::path::Path) -> Store {
    Store::open(StoreParts {
        place: StorePlace::File(folder.join("state.db")),
        keys: crypto::KeyRing::new(crypto::MasterKey::random()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(model::RandomIds),
        access: Access::Write,
        max_bytes: None,
    })
    .await
    .unwrap()
}
