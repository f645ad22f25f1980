//! An application, a database of the company's own, a state database, and processes that work with
//! all three.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Secrets, Settings};
use crypto::{KeyRing, MasterKey, Secret};
use datastore::{Boundary, Database, DatabaseKind, DatabaseSettings, ReadLimits};
use egress::{Door, DoorSettings, MemoryBudgets, Mode};
use engine::{Cancellation, Concurrency, JobWait, Limits, Source};
use graph::{Graph, GraphDataset, MaskingMode, merge};
use model::{Clock, Identities, RandomIds, RunId};
use privacy::plan::Plan;
use privacy::{
    ApplyError, ApplyOptions, ConnectionFacts, LeftOut, LogSigning, PlanRequest, PrivacyService,
    RaisedLimits, RunStatus, ServiceParts, Verified, VerifyError, VerifyOptions,
};
use serde_json::Value;
use spec::{CheckOptions, PlanLimits, Policy, SourceFile, check_connector, check_datasets, check_project};
use sqlx::AnyPool;
use store::{Access, Actor, ErasureJournal, Store, StoreParts, StorePlace};
use tempfile::TempDir;
use testkit::{TestClock, TestDatabase};

use super::crm::{self, CrmServer};

/// Which database keeps the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

pub(crate) const TOKEN: &str = "canary-token-1";

const SHOP: &str = "
dataset:
  - fides_key: shop
    name: Shop
    collections:
      - name: customers
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
          - {name: visits, data_categories: [system.operations], fides_meta: {data_type: integer}}
      - name: orders
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - name: customer_id
            data_categories: [system.operations]
            fides_meta: {data_type: integer, references: [{dataset: shop, field: customers.id, direction: from}]}
          - {name: address, data_categories: [user.contact], fides_meta: {data_type: string}}
";

const TABLES: [&str; 4] = [
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, name TEXT, visits INTEGER)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, address TEXT)",
    "INSERT INTO customers VALUES (7, 'ana@example.com', 'Ana', 3), (8, 'ben@example.com', 'Ben', 1)",
    "INSERT INTO orders VALUES (71, 7, '1 Road'), (72, 7, '2 Road'), (81, 8, '3 Road')",
];

/// Everything that outlives a process.
pub(crate) struct Bench {
    pub(crate) crm: CrmServer,
    pub(crate) clock: TestClock,
    pub(crate) folder: TempDir,
    pub(crate) policies: Vec<Policy>,
    pub(crate) limits: PlanLimits,
    pub(crate) token: String,
    /// Stands for the text of the connector file.
    pub(crate) sha256: String,
    /// Which requests the application serves; none: all.
    pub(crate) actions: Option<Vec<String>>,
    pub(crate) shop: AnyPool,
    file: Arc<spec::ConnectorFile>,
    place: StorePlace,
    key: Secret<String>,
    workers: AtomicUsize,
    _database: Option<TestDatabase>,
}

impl Backend {
    /// `None` without a PostgreSQL server to test with, which is an error where tests must not be
    /// skipped.
    pub(crate) async fn start(self) -> Option<Bench> {
        self.start_with(crm::FILE).await
    }

    /// The same with another connector file.
    pub(crate) async fn start_with(self, file: &str) -> Option<Bench> {
        sqlx::any::install_default_drivers();
        let folder = tempfile::tempdir().unwrap();
        let database = match self {
            Self::Sqlite => None,
            Self::Postgres => Some(TestDatabase::with_state().await?),
        };
        let place = match &database {
            None => StorePlace::File(folder.path().join("state.db")),
            Some(database) => StorePlace::Postgres(Secret::new(database.url())),
        };
        let checked = check_connector(&SourceFile::new("crm.yml", file), &CheckOptions::default());
        let file = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let path = folder.path().join("shop.db");
        let shop = AnyPool::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
        for statement in TABLES {
            sqlx::query(statement).execute(&shop).await.unwrap();
        }
        Some(Bench {
            crm: CrmServer::start().await,
            clock: TestClock::new(),
            policies: policies("null_rewrite"),
            limits: PlanLimits::default(),
            token: TOKEN.to_owned(),
            sha256: "file-1".to_owned(),
            actions: None,
            shop,
            file: Arc::new(file),
            key: MasterKey::random().to_base64(),
            workers: AtomicUsize::new(1),
            folder,
            place,
            _database: database,
        })
    }
}

/// One policy that erases everything about a person, with this strategy.
pub(crate) fn policies(strategy: &str) -> Vec<Policy> {
    let text = format!(
        "
policies:
  - key: erase_customer
    rules:
      - {{key: erase, action_type: erasure, targets: [{{data_category: user}}], masking_strategy: {{strategy: {strategy}, configuration: {{}}}}}}
  - key: correct_customer
    rules:
      - {{key: correct, action_type: rectification, targets: [{{data_category: user}}]}}
connections: []
"
    );
    let checked = check_project(&SourceFile::new("tutela.yml", text));
    checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics)).policies
}

impl Bench {
    pub(crate) fn keys(&self) -> KeyRing {
        KeyRing::new(MasterKey::from_base64(self.key.expose()).unwrap())
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(StoreParts {
            place: self.place.clone(),
            keys: self.keys(),
            clock: Arc::new(self.clock.clone()),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        })
        .await
        .unwrap()
    }

    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn journal(&self) -> ErasureJournal {
        ErasureJournal::new(self.folder.path().join("erasures.journal"))
    }

    /// A process of its own: nothing in memory is shared with another.
    pub(crate) async fn process(&self) -> PrivacyService {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let datasets = check_datasets(&SourceFile::new("crm.yml", crm::DATASET), &CheckOptions::default());
        let datasets = datasets.value.unwrap_or_else(|| panic!("{:#?}", datasets.diagnostics));
        let crm = merge(&self.file, datasets.first(), &HashMap::new()).unwrap();
        let datasets = check_datasets(&SourceFile::new("shop.yml", SHOP), &CheckOptions::default());
        let datasets = datasets.value.unwrap_or_else(|| panic!("{:#?}", datasets.diagnostics));
        let shop = GraphDataset::from_dataset(datasets.first().unwrap());
        let secrets = vec![
            ("domain".to_owned(), Value::from(self.crm.saas.host_port())),
            ("token".to_owned(), Value::from(self.token.as_str())),
        ];
        let database = DatabaseSettings {
            connection: "shop".parse().unwrap(),
            kind: DatabaseKind::Sqlite,
            secrets: vec![("url".into(), Value::from("sqlite:shop.db"))],
            access: spec::Access::Write,
            namespace: spec::dataset_file::Namespace::default(),
            boundary: Boundary {
                folders: vec![self.data_folder()],
                base: self.data_folder(),
                ..Boundary::default()
            },
            limits: ReadLimits::default(),
        };
        let database = Database::new(&database, Arc::clone(&clock)).unwrap();
        let sources: HashMap<_, Source> = HashMap::from([
            ("crm".parse().unwrap(), self.connector(&clock, secrets.clone()).into()),
            ("shop".parse().unwrap(), database.into()),
        ]);
        let number = self.workers.fetch_add(1, Ordering::Relaxed);
        PrivacyService::new(ServiceParts {
            store: self.store().await,
            graph: Graph::build(&[crm, shop]).unwrap().into(),
            sources,
            connections: vec![
                ConnectionFacts {
                    key: "crm".parse().unwrap(),
                    connector: "crm".to_owned(),
                    version: "1.0.0".to_owned(),
                    sha256: self.sha256.clone(),
                    secrets: Secrets::new(secrets),
                    access: spec::Access::Write,
                    mode: MaskingMode::Any,
                    file: Some(Arc::clone(&self.file)),
                    enabled_actions: self.actions.clone(),
                },
                ConnectionFacts {
                    key: "shop".parse().unwrap(),
                    connector: "sqlite".to_owned(),
                    version: String::new(),
                    sha256: "shop".to_owned(),
                    secrets: Secrets::new(vec![("url".to_owned(), "sqlite:shop.db".into())]),
                    access: spec::Access::Write,
                    mode: MaskingMode::Any,
                    file: None,
                    enabled_actions: None,
                },
            ],
            left_out: vec![LeftOut {
                connection: "warehouse".to_owned(),
                reason: "it has no dataset".to_owned(),
            }],
            policies: self.policies.clone(),
            limits: self.limits,
            concurrency: Concurrency::new(Limits::default()),
            waiting: JobWait::SetAside,
            signing: LogSigning::WithEachCommand,
            verify_after: Duration::ZERO,
            clock,
            ids: Arc::new(RandomIds),
            worker: format!("process-{number}"),
            folder: self.data_folder(),
            journal: self.journal(),
            keys: self.keys().into(),
        })
    }

    fn connector(&self, clock: &Arc<dyn Clock>, secrets: Vec<(String, Value)>) -> Connector {
        let settings =
            DoorSettings { allow: vec!["127.0.0.1/32".parse().unwrap()], ..DoorSettings::default() };
        let budgets = Arc::new(MemoryBudgets::new(Arc::clone(clock)));
        Connector::new(ConnectorParts {
            connection: Connection {
                key: "crm".parse().unwrap(),
                file: Arc::clone(&self.file),
                secrets: Arc::new(Secrets::new(secrets)),
                references: HashMap::new(),
                recording_keep: HashMap::new(),
            },
            door: Door::new(settings, Mode::Live, budgets, Arc::clone(clock)).unwrap(),
            tokens: Arc::new(MemoryTokens::new()),
            clock: Arc::clone(clock),
            ids: Arc::new(RandomIds),
            settings: Settings::default(),
        })
    }

    /// A plan that erases Ana.
    pub(crate) async fn plan(&self) -> Plan {
        plan(&self.process().await).await
    }

    /// What a table of the shop holds, as text.
    pub(crate) async fn shop_rows(&self, query: &'static str) -> Vec<Option<String>> {
        let rows: Vec<(Option<String>,)> = sqlx::query_as(query).fetch_all(&self.shop).await.unwrap();
        rows.into_iter().map(|row| row.0).collect()
    }
}

pub(crate) async fn plan(service: &PrivacyService) -> Plan {
    plan_with(service, "erase_customer", vec![]).await
}

/// A plan about Ana.
pub(crate) async fn plan_with(service: &PrivacyService, policy: &str, rectify: Vec<(String, Value)>) -> Plan {
    let mut identities = Identities::default();
    identities.insert("email", "ana@example.com".into()).unwrap();
    let request = PlanRequest {
        policy: policy.to_owned(),
        identities,
        rectify,
        raised: RaisedLimits::default(),
        actor: actor(),
    };
    service.plan(request, Cancellation::never(), &|_| {}).await.unwrap()
}

pub(crate) fn actor() -> Actor {
    Actor::person("pat")
}

/// Does not wait for others: no clock of a test would let their leases end.
pub(crate) fn options() -> ApplyOptions {
    ApplyOptions { hold_wait: Duration::ZERO, ..ApplyOptions::new(actor()) }
}

pub(crate) async fn apply(service: &PrivacyService, plan: &Plan) -> Result<RunStatus, ApplyError> {
    service.apply(plan, plan.digest(), options(), &|_| {}).await
}

pub(crate) async fn verify(service: &PrivacyService, run: &RunId) -> Result<Verified, VerifyError> {
    service.verify(run, VerifyOptions::new(actor()), &|_| {}).await
}
