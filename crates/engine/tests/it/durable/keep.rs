//! A state database of its own for each test, and runs in it that break off.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crypto::{KeyRing, MasterKey, Secret};
use engine::{Progress, RowKeeping, RunError, RunOutcome, RunPlan, StoredRows};
use futures::FutureExt as _;
use jiff::Timestamp;
use model::{IdSource, RandomIds, RunId};
use serde_json::{Value, json};
use store::{Access, Actor, NewRun, RunKind, Store, StoreParts, StorePlace};
use tempfile::TempDir;
use testkit::{TestClock, TestDatabase};

use crate::stage::Stage;
use crate::writes::bench::Backend;

/// Longer than a lease.
const SILENCE: Duration = Duration::from_secs(4);

pub(crate) struct Keep {
    pub(crate) store: Store,
    pub(crate) clock: TestClock,
    pub(crate) folder: TempDir,
    place: StorePlace,
    key: Secret<String>,
    _database: Option<TestDatabase>,
}

impl Keep {
    /// `None` without a PostgreSQL server to test with.
    pub(crate) async fn start(backend: Backend) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let database = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(TestDatabase::with_state().await?),
        };
        let place = match &database {
            None => StorePlace::File(folder.path().join("state.db")),
            Some(database) => StorePlace::Postgres(Secret::new(database.url())),
        };
        let (clock, key) = (TestClock::new(), MasterKey::random().to_base64());
        let store = open(&place, &key, &clock).await;
        Some(Self { store, clock, folder, place, key, _database: database })
    }

    /// The same state, as another process has it.
    pub(crate) async fn again(&self) -> Store {
        open(&self.place, &self.key, &self.clock).await
    }

    /// A run without tasks.
    pub(crate) async fn run(&self, deadline_at: Option<Timestamp>) -> RunId {
        let id = RunId::new(&RandomIds);
        let new = NewRun {
            id: id.clone(),
            kind: RunKind::Access,
            policy: None,
            subject: Secret::new(b"{}".to_vec()),
            deadline_at,
            actor: Actor::system(),
        };
        self.store.run_create(new, &[]).await.unwrap();
        id
    }

    /// Reading of a run by a worker of its own.
    pub(crate) fn plan(&self, stage: &Stage, run: &RunId) -> RunPlan {
        Self::plan_with(stage, run, self.store.clone())
    }

    /// The same on a store that was opened another time.
    pub(crate) fn plan_with(stage: &Stage, run: &RunId, store: Store) -> RunPlan {
        let rows = StoredRows {
            store,
            worker: format!("worker_{}", RandomIds.next_uuid()),
            stage: "read".to_owned(),
            begun: engine::RunBegun::Before,
        };
        RunPlan {
            run_id: run.clone(),
            rows: RowKeeping::Store(rows),
            ..stage.plan(&[("email", "ana@example.com")])
        }
    }

    /// Runs until `pages` pages came, then vanishes as a process does that is killed: nothing is given
    /// back, and leases end by themselves. `None` if it vanished.
    pub(crate) async fn until(&self, plan: RunPlan, pages: usize) -> Option<Result<RunOutcome, RunError>> {
        let seen = AtomicUsize::new(0);
        let on_progress = |event| {
            if matches!(event, Progress::Page { .. }) && seen.fetch_add(1, Ordering::SeqCst) + 1 == pages {
                // At this very page, however many wait behind it; without a word on standard error.
                std::panic::resume_unwind(Box::new("vanished"));
            }
        };
        let ended = AssertUnwindSafe(engine::run(plan, &on_progress)).catch_unwind().await;
        self.clock.advance(SILENCE);
        ended.ok()
    }

    /// What one unbroken run in memory of this process's own gives.
    pub(crate) async fn unbroken(stage: &Stage) -> Value {
        told(stage.run().await).await
    }
}

async fn open(place: &StorePlace, key: &Secret<String>, clock: &TestClock) -> Store {
    let parts = StoreParts {
        place: place.clone(),
        keys: KeyRing::new(MasterKey::from_base64(key.expose()).unwrap()),
        clock: Arc::new(clock.clone()),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    };
    Store::open(parts).await.unwrap()
}

/// Everything about an outcome that must not depend on where a run broke off: all but what it cost.
pub(crate) async fn told(outcome: RunOutcome) -> Value {
    let told = tokio::task::spawn_blocking(move || {
        let collections = outcome.collections.iter().map(|(address, collection)| {
            let pages: Result<Vec<_>, _> = collection.sealed.pages().collect();
            let rows: Vec<Value> = pages.unwrap().into_iter().flatten().map(Value::Object).collect();
            let told = json!({
                "status": collection.status,
                "completeness": format!("{:?}", collection.completeness),
                "note": collection.note,
                "count": [collection.rows, collection.pages, collection.foreign_rows, collection.sealed.len()],
                "rows": rows,
            });
            (address.to_string(), told)
        });
        Value::Object(collections.collect())
    });
    told.await.unwrap()
}
