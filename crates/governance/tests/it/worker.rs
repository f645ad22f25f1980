//! Syncs that come by themselves, and access that ends at its time, against the simulated Segment.

mod activity;
mod ends;
mod kinds_off;
mod syncs;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::Connector;
use engine::{Concurrency, Limits};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use governance::inventory::ShrinkGuard;
use governance::source::Way;
use governance::worker::{Connected, Known, KnownState, OpenError, Opened, Worker, WorkerParts};
use model::{ConnectionKey, RandomIds};
use sandbox::segment::SegmentOptions;
use store::{
    Access, Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, ConnectionSync,
    NewConnection, Store, StoreError, StoreParts, StorePlace,
};
use tempfile::TempDir;
use testkit::TestClock;

use crate::workspace::Workspace;

/// How long a silent process keeps what it took.
const LEASE: Duration = Duration::from_secs(10);

/// A workspace whose connection stands in a store with a clock that the test sets.
struct World {
    workspace: Workspace,
    clock: TestClock,
    line: Arc<Line>,
    /// Of the whole installation.
    guard: ShrinkGuard,
    key: crypto::Secret<String>,
    folder: TempDir,
}

/// The way to the workspace, as it is now.
#[derive(Debug)]
struct Line(Mutex<Result<(Connector, String), String>>);

impl Line {
    fn set(&self, line: Result<(Connector, String), String>) {
        *self.0.lock().unwrap() = line;
    }
}

impl Connected for Line {
    fn known(&self) -> BoxFuture<'_, Result<Vec<Known>, StoreError>> {
        let state = match &*self.0.lock().unwrap() {
            Ok((_, basis)) => KnownState::Ready { basis: basis.clone() },
            Err(reason) => KnownState::Lacking { reason: reason.clone() },
        };
        ready(Ok(vec![Known { connection: segment(), state }])).boxed()
    }

    fn open<'a>(&'a self, _: &'a ConnectionKey) -> BoxFuture<'a, Result<Opened, OpenError>> {
        let line = self.0.lock().unwrap().clone();
        let opened = match line {
            Ok((connector, basis)) => {
                let limits = Concurrency::new(Limits::default());
                Ok(Opened { way: Way::File { connector, limits }, basis })
            }
            Err(reason) => Err(OpenError::Lacking { reason }),
        };
        ready(opened).boxed()
    }
}

fn segment() -> ConnectionKey {
    "segment".parse().unwrap()
}

async fn open(folder: &TempDir, key: &crypto::Secret<String>, clock: &TestClock) -> Store {
    let master = crypto::MasterKey::from_base64(key.expose()).unwrap();
    Store::open(StoreParts {
        place: StorePlace::File(folder.path().join("state.db")),
        keys: crypto::KeyRing::new(master),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    })
    .await
    .unwrap()
}

impl World {
    async fn start(options: SegmentOptions) -> Self {
        let mut workspace = Workspace::start(options).await;
        let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::new());
        let key = crypto::MasterKey::random().to_base64();
        workspace.store = open(&folder, &key, &clock).await;
        let new = NewConnection {
            name: None,
            description: None,
            connection_type: "saas".to_owned(),
            access: ConnectionAccess::Write,
            disabled: false,
            system_key: None,
        };
        let steps = vec![ConnectionStep::Create(new)];
        let change = ConnectionChange { key: &segment(), actor: Actor::system(), steps };
        assert_eq!(workspace.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
        let line = Arc::new(Line(Mutex::new(Ok((workspace.connector.clone(), "1".to_owned())))));
        Self { workspace, clock, line, guard: ShrinkGuard::On, key, folder }
    }

    fn store(&self) -> &Store {
        &self.workspace.store
    }

    /// A worker of this process.
    fn worker(&self) -> Worker {
        self.worker_of(self.store().clone(), "w")
    }

    /// A worker of another process.
    async fn other(&self, name: &str) -> Worker {
        self.worker_of(open(&self.folder, &self.key, &self.clock).await, name)
    }

    fn worker_of(&self, store: Store, name: &str) -> Worker {
        Worker::new(WorkerParts {
            store,
            connected: self.line.clone(),
            name: name.to_owned(),
            slots: 2,
            guard: self.guard,
            clock: Arc::new(self.clock.clone()),
            ids: Arc::new(RandomIds),
        })
    }

    async fn status(&self) -> ConnectionSync {
        self.store().connection_sync_find(&segment()).await.unwrap().unwrap()
    }

    /// Says that something about connections changed, as a change over the API does.
    async fn touch(&self) {
        let steps = vec![ConnectionStep::RemoveSecrets(vec!["none".to_owned()])];
        let change = ConnectionChange { key: &segment(), actor: Actor::system(), steps };
        assert_eq!(self.store().connection_change(change).await.unwrap(), ConnectionChanged::Done);
    }
}
