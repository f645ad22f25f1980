//! A store of its own for each test.

use std::sync::Arc;
use std::time::Duration;

use crypto::{KeyRing, MasterKey, Secret};
use model::{RandomIds, RunId};
use sqlx::AnyPool;
use store::{
    Access, Actor, ClaimedTask, NewPlan, NewRun, NewTask, PlanDigest, RunKind, Store, StoreError, StoreParts,
    StorePlace, TaskId,
};
use tempfile::TempDir;
use testkit::{TestClock, TestDatabase};

pub(crate) const LEASE: Duration = Duration::from_secs(5);
pub(crate) const CANARY: &str = "canary-ana@example.com";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A fresh database and all that is needed to open it again.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) clock: TestClock,
    pub(crate) place: StorePlace,
    pub(crate) key: Secret<String>,
    pub(crate) folder: TempDir,
    _database: Option<TestDatabase>,
}

impl Backend {
    /// `None` without a PostgreSQL server to test with, which is an error where tests must not be skipped.
    pub(crate) async fn start(self) -> Option<Bench> {
        let folder = tempfile::tempdir().unwrap();
        let database = match self {
            Backend::Sqlite => None,
            Backend::Postgres => Some(TestDatabase::with_state().await?),
        };
        let place = match &database {
            None => StorePlace::File(folder.path().join("state of tutela.db")),
            Some(database) => StorePlace::Postgres(Secret::new(database.url())),
        };
        let (clock, key) = (TestClock::new(), MasterKey::random().to_base64());
        let store = open(&place, ring(&key), &clock).await.unwrap();
        Some(Bench { store, clock, place, key, folder, _database: database })
    }
}

pub(crate) fn ring(key: &Secret<String>) -> KeyRing {
    KeyRing::new(MasterKey::from_base64(key.expose()).unwrap())
}

pub(crate) async fn open(place: &StorePlace, keys: KeyRing, clock: &TestClock) -> Result<Store, StoreError> {
    Store::open(parts(place, keys, clock)).await
}

pub(crate) fn parts(place: &StorePlace, keys: KeyRing, clock: &TestClock) -> StoreParts {
    StoreParts {
        place: place.clone(),
        keys,
        clock: Arc::new(clock.clone()),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    }
}

impl Bench {
    /// A second process on the same database.
    pub(crate) async fn again(&self) -> Store {
        open(&self.place, ring(&self.key), &self.clock).await.unwrap()
    }

    /// A run with independent tasks of these names.
    pub(crate) async fn run(&self, names: &[&str]) -> RunId {
        let run = RunId::new(&RandomIds);
        let tasks: Vec<_> = names.iter().map(|name| task(name, &[])).collect();
        self.store.run_create(new_run(&run), &tasks).await.unwrap();
        run
    }

    /// A run with a claimed task and an approved plan of `operations`.
    pub(crate) async fn applying(&self, operations: u32) -> (ClaimedTask, PlanDigest) {
        let run = self.run(&["apply"]).await;
        let digest = PlanDigest::of(run.as_str().as_bytes());
        let body = format!("{{\"subject\":\"{CANARY}\"}}");
        let plan = NewPlan {
            digest: digest.clone(),
            run,
            body: body.as_bytes(),
            operations,
            actor: Actor::system(),
        };
        self.store.plan_put(&plan).await.unwrap();
        self.store.plan_approve(&digest, Actor::person("pat")).await.unwrap();
        (self.claim().await, digest)
    }

    pub(crate) async fn claim(&self) -> ClaimedTask {
        self.store.task_claim("worker-1", LEASE).await.unwrap().expect("a task is due")
    }

    /// Statements of the test's own, past the store.
    pub(crate) async fn sql(&self) -> AnyPool {
        let url = match &self.place {
            StorePlace::File(path) => format!("sqlite://{}", path.display().to_string().replace(' ', "%20")),
            StorePlace::Postgres(url) => url.expose().clone(),
        };
        AnyPool::connect(&url).await.unwrap()
    }
}

pub(crate) fn new_run(id: &RunId) -> NewRun {
    NewRun {
        id: id.clone(),
        kind: RunKind::Erasure,
        policy: Some("erase_customer".to_owned()),
        subject: Secret::new(format!("{{\"email\":\"{CANARY}\"}}").into_bytes()),
        deadline_at: None,
        actor: Actor::person("pat"),
    }
}

pub(crate) fn task(name: &str, after: &[&TaskId]) -> NewTask {
    NewTask {
        id: TaskId::new(&RandomIds),
        kind: "read".to_owned(),
        name: name.to_owned(),
        after: after.iter().map(|id| (*id).clone()).collect(),
        due_at: None,
    }
}
