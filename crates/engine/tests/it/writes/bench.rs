//! A ledger of its own for each test, a scripted application, and processes that can crash.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use connector::writes::WriteRequest;
use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Person, Secrets, Settings};
use crypto::{KeyRing, MasterKey, Secret};
use egress::{Budgets, Door, DoorSettings, MemoryBudgets, Mode};
use engine::{
    Concurrency, HoldRequest, Limits, Source, TaskHold, WriteOrder, WritePayload, Writer, WriterParts,
};
use model::{ConnectionKey, Identities, Outcome, PrivacyRequestId, RandomIds, Row, RunId};
use serde_json::json;
use spec::{CheckOptions, SourceFile, check_connector};
use store::{
    Access, Actor, LedgerEntry, NewPlan, NewRun, NewTask, PlanDigest, RunKind, Store, StoreParts, StorePlace,
    TaskId,
};
use tempfile::TempDir;
use testkit::{FakeSaas, TestClock, TestDatabase};
use tokio::sync::Notify;

/// Which database keeps the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// The application's file: one way to delete for each way to find out what became of it.
const FILE: &str = r"
saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Made up
  version: 1.0.0
  connector_params: [{name: domain}]
  client_config: {protocol: http, host: <domain>}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: plain
      requests:
        read: {method: GET, path: /plain, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
        delete: {method: DELETE, path: /plain/1, gone: [404], ignore_errors: [409]}
    - name: repeatable
      requests:
        read: {method: GET, path: /repeatable, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
        delete: {method: DELETE, path: /repeatable/1, gone: [404], repeatable: true}
    - name: proven
      requests:
        read: {method: GET, path: /proven, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
        delete: {method: POST, path: /proven/erase, per: person, verify: proven}
    - name: jobs
      requests:
        read: {method: GET, path: /jobs/people, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
        delete:
          method: POST
          path: /jobs
          per: person
          track:
            id_path: data.id
            request: {method: GET, path: /jobs/<job_id>, gone: [404]}
            status_path: data.status
            states: {RUNNING: accepted, FINISHED: erased, FAILED: failed, NOT_SUPPORTED: unsupported}
            destinations: {path: data.parts, name_path: name, status_path: status, message_path: note}
            interval: 1m
            deadline: 24h
            same:
              request: {method: GET, path: /jobs, data_path: data}
              when: item.ids == sent.ids && item.at >= since
              id_path: id
";

/// A state database, an application, and all that a process needs to work with both.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) clock: TestClock,
    pub(crate) saas: FakeSaas,
    pub(crate) run: RunId,
    pub(crate) plan: PlanDigest,
    pub(crate) folder: TempDir,
    place: StorePlace,
    key: Secret<String>,
    file: Arc<spec::ConnectorFile>,
    workers: AtomicUsize,
    _database: Option<TestDatabase>,
}

impl Backend {
    /// `None` without a PostgreSQL server to test with, which is an error where tests must not be
    /// skipped. The plan has `operations` and is approved.
    pub(crate) async fn start(self, operations: u32) -> Option<Bench> {
        let folder = tempfile::tempdir().unwrap();
        let database = match self {
            Self::Sqlite => None,
            Self::Postgres => Some(TestDatabase::with_state().await?),
        };
        let place = match &database {
            None => StorePlace::File(folder.path().join("state.db")),
            Some(database) => StorePlace::Postgres(Secret::new(database.url())),
        };
        let checked = check_connector(&SourceFile::new("acme.yml", FILE), &CheckOptions::default());
        let file = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let (clock, key) = (TestClock::new(), MasterKey::random().to_base64());
        let store = open(&place, &key, &clock).await;
        let run = RunId::new(&RandomIds);
        let task = NewTask {
            id: TaskId::new(&RandomIds),
            kind: "apply".to_owned(),
            name: "apply".to_owned(),
            after: Vec::new(),
            due_at: None,
        };
        let new = NewRun {
            id: run.clone(),
            kind: RunKind::Erasure,
            policy: Some("erase_customer".to_owned()),
            subject: Secret::new(b"{}".to_vec()),
            deadline_at: None,
            actor: Actor::system(),
        };
        store.run_create(new, &[task]).await.unwrap();
        let plan = PlanDigest::of(run.as_str().as_bytes());
        let new = NewPlan {
            digest: plan.clone(),
            run: run.clone(),
            body: b"{}",
            operations,
            actor: Actor::system(),
        };
        store.plan_put(&new).await.unwrap();
        store.plan_approve(&plan, Actor::person("pat")).await.unwrap();
        let (saas, file, workers) = (FakeSaas::start().await, Arc::new(file), AtomicUsize::new(1));
        Some(Bench { store, clock, saas, run, plan, folder, place, key, file, workers, _database: database })
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

/// What one process has: its connection to the state, the task it holds, and its writer.
pub(crate) struct Process {
    pub(crate) store: Store,
    pub(crate) hold: TaskHold,
    pub(crate) writer: Writer,
}

impl Bench {
    /// The store as another process opens it.
    pub(crate) async fn again(&self) -> Store {
        open(&self.place, &self.key, &self.clock).await
    }

    /// A process that holds the task, on the bench's own store.
    pub(crate) async fn process(&self) -> Process {
        self.process_with(HashMap::new(), None).await
    }

    /// The next process, after the one before fell silent: its lease is over.
    pub(crate) async fn restarted(&self) -> Process {
        self.clock.advance(engine::LEASE);
        self.process().await
    }

    /// A process with more connections, or with budgets that tests have a hand on.
    pub(crate) async fn process_with(
        &self,
        sources: HashMap<ConnectionKey, Source>,
        budgets: Option<Arc<dyn Budgets>>,
    ) -> Process {
        let store = self.again().await;
        let hold = TaskHold::claim(&store, &self.request()).await.unwrap();
        self.process_of((store, hold), sources, budgets)
    }

    /// A process whose hold has this clock.
    pub(crate) async fn process_by(&self, wall: TestClock, budgets: Arc<dyn Budgets>) -> Process {
        let store = self.again().await;
        let hold = TaskHold::claim_by(&store, &self.request(), Arc::new(wall)).await.unwrap();
        self.process_of((store, hold), HashMap::new(), Some(budgets))
    }

    fn process_of(
        &self,
        (store, hold): (Store, TaskHold),
        mut sources: HashMap<ConnectionKey, Source>,
        budgets: Option<Arc<dyn Budgets>>,
    ) -> Process {
        sources.insert("acme".parse().unwrap(), Source::Connector(self.connector(budgets)));
        let writer = Writer::new(WriterParts {
            store: store.clone(),
            sources,
            person: Arc::new(person()),
            limits: Concurrency::new(Limits::default()),
            clock: Arc::new(self.clock.clone()),
        });
        Process { store, hold, writer }
    }

    /// Asks for the task as a worker of its own.
    pub(crate) fn request(&self) -> HoldRequest {
        HoldRequest {
            run: self.run.clone(),
            kind: "apply".to_owned(),
            name: "apply".to_owned(),
            worker: format!("worker-{}", self.workers.fetch_add(1, Ordering::Relaxed)),
            wait: None,
        }
    }

    pub(crate) fn connector(&self, budgets: Option<Arc<dyn Budgets>>) -> Connector {
        let clock: Arc<dyn model::Clock> = Arc::new(self.clock.clone());
        let budgets = budgets.unwrap_or_else(|| Arc::new(MemoryBudgets::new(Arc::clone(&clock))));
        let settings =
            DoorSettings { allow: vec!["127.0.0.1/32".parse().unwrap()], ..DoorSettings::default() };
        Connector::new(ConnectorParts {
            connection: Connection {
                key: "acme".parse().unwrap(),
                file: Arc::clone(&self.file),
                secrets: Arc::new(Secrets::new(vec![("domain".to_owned(), self.saas.host_port().into())])),
                references: HashMap::new(),
                recording_keep: HashMap::new(),
            },
            door: Door::new(settings, Mode::Live, budgets, Arc::clone(&clock)).unwrap(),
            tokens: Arc::new(MemoryTokens::new()),
            clock,
            ids: Arc::new(RandomIds),
            settings: Settings::default(),
        })
    }

    /// Operation `operation` of the plan: the write of `endpoint`.
    pub(crate) fn order(&self, operation: u32, endpoint: &str) -> WriteOrder {
        let request = &self.file.find_endpoint(endpoint).unwrap().delete[0];
        let target = request.target.as_ref().unwrap();
        let path = target.path.source();
        let write = WriteRequest {
            place: request.place.clone(),
            endpoint: endpoint.to_owned(),
            method: target.method.as_str().to_owned(),
            url: format!("http://{}{path}", self.saas.host_port()),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: (endpoint == "jobs").then(|| json!({"ids": ["usr_ana"]}).to_string()),
        };
        WriteOrder {
            plan: self.plan.clone(),
            operation,
            payload: WritePayload::Http { connection: "acme".parse().unwrap(), write },
            repeatable: request.repeatable,
            expected: Outcome::Erased,
        }
    }

    pub(crate) async fn ledger(&self) -> Vec<LedgerEntry> {
        self.store.ledger_list(&self.plan).await.unwrap()
    }

    /// Sent writes, as method and path.
    pub(crate) fn writes(&self) -> Vec<String> {
        let calls = self.saas.calls();
        let writes = calls.iter().filter(|call| call.method != "GET");
        writes.map(|call| format!("{} {}", call.method, call.path)).collect()
    }
}

pub(crate) fn person() -> Person {
    let mut identities = Identities::default();
    identities.insert("email", "ana@example.com".into()).unwrap();
    Person {
        identities,
        privacy_request_id: PrivacyRequestId::new(&RandomIds),
        privacy_request: Row::new(),
        custom_fields: Row::new(),
    }
}

/// Says when something came by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signal(Arc<Notify>);

impl Signal {
    pub(crate) fn give(&self) {
        self.0.notify_one();
    }

    /// Runs `work` until the signal comes; then it is dropped, as by a crash.
    pub(crate) async fn crash<T>(&self, work: impl Future<Output = T>) {
        tokio::select! {
            biased;
            () = self.0.notified() => {}
            _ = work => panic!("ended before it could crash"),
        }
    }
}
