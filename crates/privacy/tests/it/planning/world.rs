//! An application, a shop database and everything between them and a plan.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Secrets, Settings};
use crypto::{KeyRing, MasterKey};
use datastore::{Boundary, Database, DatabaseKind, DatabaseSettings, ReadLimits};
use egress::{Door, DoorSettings, MemoryBudgets, Mode, Routes};
use engine::{Cancellation, Concurrency, Limits, Source};
use graph::{Graph, GraphDataset, MaskingMode, merge};
use model::{Clock, Identities, RandomIds};
use privacy::plan::Plan;
use privacy::{
    ConnectionFacts, LogSigning, PlanRequest, PlanningError, PrivacyService, RaisedLimits, ServiceParts,
};
use serde_json::{Value, json};
use spec::dataset_file::{MaskingStrategy, Namespace};
use spec::{
    Access, ActionType, CheckOptions, DomainValidation, PlanLimits, Policy, Rule, SourceFile,
    check_connector, check_datasets,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use store::{Actor, ErasureJournal, Store, StoreParts, StorePlace};
use tempfile::TempDir;
use testkit::{FakeSaas, TestClock};

/// What a service is made of, before it is made.
pub(crate) struct World {
    pub(crate) saas: FakeSaas,
    folder: TempDir,
    clock: Arc<dyn Clock>,
    datasets: Vec<GraphDataset>,
    sources: HashMap<model::ConnectionKey, Source>,
    connections: Vec<ConnectionFacts>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) limits: PlanLimits,
    pub(crate) identities: Identities,
}

/// An application to add.
pub(crate) struct App<'a> {
    pub(crate) key: &'a str,
    pub(crate) connector: &'a str,
    pub(crate) dataset: &'a str,
    /// Text of `acme.star`.
    pub(crate) script: &'a str,
    pub(crate) secrets: Vec<(&'a str, Value)>,
    pub(crate) mode: MaskingMode,
    pub(crate) access: Access,
    /// Host that is led to the application; else `domain` is its address.
    pub(crate) routes: Vec<(&'a str, String)>,
    pub(crate) references: HashMap<String, spec::reference::FieldReference>,
}

impl Default for App<'_> {
    fn default() -> Self {
        Self {
            key: "acme",
            connector: "",
            dataset: "",
            script: "",
            secrets: Vec::new(),
            mode: MaskingMode::Any,
            access: Access::Write,
            routes: Vec::new(),
            references: HashMap::new(),
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        Self {
            saas: FakeSaas::start().await,
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(TestClock::new()),
            datasets: Vec::new(),
            sources: HashMap::new(),
            connections: Vec::new(),
            policies: vec![policy("user", &json!({"strategy": "null_rewrite", "configuration": {}}))],
            limits: PlanLimits::default(),
            identities,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Adds an application that `saas` plays.
    pub(crate) fn app(mut self, app: App<'_>) -> Self {
        let options = CheckOptions {
            instance_key: Some(app.key.parse().unwrap()),
            domain_validation: DomainValidation::Disabled,
        };
        let script = SourceFile::new("acme.star", app.script);
        let source = SourceFile::new("connector.yml", app.connector).with_scripts(vec![script]);
        let file = check_connector(&source, &options);
        let file = Arc::new(file.value.unwrap_or_else(|| panic!("{:#?}", file.diagnostics)));
        let datasets = check_datasets(&SourceFile::new("dataset.yml", app.dataset), &options);
        let dataset = datasets.value.unwrap_or_else(|| panic!("{:#?}", datasets.diagnostics));
        self.datasets.push(merge(&file, dataset.first(), &app.references).unwrap());
        let mut secrets: Vec<(String, Value)> =
            app.secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        if app.routes.is_empty() {
            secrets.push(("domain".to_owned(), self.saas.host_port().into()));
        }
        let secrets = Secrets::new(secrets);
        let settings = DoorSettings {
            allow: vec!["127.0.0.1/32".parse().unwrap()],
            routes: Routes::parse(app.routes.iter().map(|(host, origin)| (*host, origin.as_str()))).unwrap(),
            ..DoorSettings::default()
        };
        let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&self.clock)));
        let connector = Connector::new(ConnectorParts {
            connection: Connection {
                key: app.key.parse().unwrap(),
                file: Arc::clone(&file),
                secrets: Arc::new(secrets.clone()),
                references: app.references,
                recording_keep: HashMap::new(),
            },
            door: Door::new(settings, Mode::Live, budgets, Arc::clone(&self.clock)).unwrap(),
            tokens: Arc::new(MemoryTokens::new()),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            settings: Settings { attempts: 1, ..Settings::default() },
        });
        self.connections.push(ConnectionFacts {
            key: app.key.parse().unwrap(),
            connector: file.connector_type.as_str().to_owned(),
            version: file.version.clone(),
            sha256: crypto::hex(&crypto::sha256(app.connector.as_bytes())),
            secrets,
            access: app.access,
            mode: app.mode,
            file: Some(file),
            enabled_actions: None,
        });
        self.sources.insert(app.key.parse().unwrap(), connector.into());
        self
    }

    /// Adds a SQLite database made by `sql`, with the collections of `dataset`.
    pub(crate) async fn database(self, sql: &str, dataset: &str) -> Self {
        self.database_with(sql, dataset, Access::Write).await
    }

    pub(crate) async fn database_with(mut self, sql: &str, dataset: &str, access: Access) -> Self {
        std::fs::write(self.shop(), "").unwrap();
        self.sql(sql).await;
        let text = format!("dataset:\n- fides_key: shop\n  name: Shop\n  collections:\n{dataset}");
        let checked = check_datasets(&SourceFile::new("shop.yml", &text), &CheckOptions::default());
        let datasets = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        self.datasets.push(GraphDataset::from_dataset(datasets.first().unwrap()));
        let secrets = vec![("url".to_owned(), json!("sqlite:shop.db"))];
        let settings = DatabaseSettings {
            connection: "shop".parse().unwrap(),
            kind: DatabaseKind::Sqlite,
            secrets: secrets.clone(),
            access,
            namespace: Namespace::default(),
            boundary: Boundary {
                base: self.path().to_owned(),
                folders: vec![self.path().to_owned()],
                ..Boundary::default()
            },
            limits: ReadLimits::default(),
        };
        let database = Database::new(&settings, Arc::clone(&self.clock)).unwrap();
        self.connections.push(ConnectionFacts {
            key: "shop".parse().unwrap(),
            connector: "sqlite".to_owned(),
            version: String::new(),
            sha256: crypto::hex(&crypto::sha256(text.as_bytes())),
            secrets: Secrets::new(secrets),
            access,
            mode: MaskingMode::Strict,
            file: None,
            enabled_actions: None,
        });
        self.sources.insert("shop".parse().unwrap(), database.into());
        self
    }

    fn shop(&self) -> PathBuf {
        self.path().join("shop.db")
    }

    /// Runs statements in the shop database as somebody else.
    pub(crate) async fn sql(&self, sql: &str) {
        let url = format!("sqlite:{}", self.shop().display());
        let mut admin = sqlx::SqliteConnection::connect(&url).await.unwrap();
        admin.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    }

    pub(crate) fn with_policy(mut self, policy: Policy) -> Self {
        self.policies = vec![policy];
        self
    }

    /// The service over all of it, with a fresh state.
    pub(crate) async fn service(&self) -> PrivacyService {
        let key = MasterKey::random();
        let again = MasterKey::from_base64(key.to_base64().expose()).unwrap();
        let state = self.path().join(format!("state-{}.db", model::RunId::new(&RandomIds)));
        let store = Store::open(StoreParts {
            place: StorePlace::File(state),
            keys: KeyRing::new(key),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            access: store::Access::Write,
            max_bytes: None,
        });
        PrivacyService::new(ServiceParts {
            store: store.await.unwrap(),
            graph: Graph::build(&self.datasets).unwrap().into(),
            sources: self.sources.clone(),
            connections: self.connections.clone(),
            left_out: Vec::new(),
            policies: self.policies.clone(),
            limits: self.limits,
            concurrency: Concurrency::new(Limits::default()),
            waiting: engine::JobWait::Here,
            signing: LogSigning::WithEachCommand,
            verify_after: Duration::ZERO,
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            worker: "test".to_owned(),
            journal: ErasureJournal::new(self.path().join("erasures.journal")),
            folder: self.path().join("data"),
            keys: KeyRing::new(again).into(),
        })
    }

    pub(crate) fn request(&self) -> PlanRequest {
        PlanRequest {
            policy: "erase".to_owned(),
            identities: self.identities.clone(),
            rectify: Vec::new(),
            raised: RaisedLimits::default(),
            actor: Actor::person("pat"),
        }
    }

    pub(crate) async fn plan(&self) -> Result<Plan, PlanningError> {
        self.plan_of(self.request()).await
    }

    pub(crate) async fn plan_of(&self, request: PlanRequest) -> Result<Plan, PlanningError> {
        self.service().await.plan(request, Cancellation::never(), &|_| {}).await
    }

    /// Method and path of every call that is no read.
    pub(crate) fn writes(&self) -> Vec<String> {
        let calls = self.saas.calls().into_iter();
        calls
            .filter(|call| call.method.as_str() != "GET")
            .map(|call| format!("{} {}", call.method, call.path))
            .collect()
    }
}

/// A policy called `erase` that erases `target`.
pub(crate) fn policy(target: &str, strategy: &Value) -> Policy {
    Policy {
        key: "erase".into(),
        rules: vec![Rule {
            key: "rule".into(),
            action: ActionType::Erasure,
            targets: vec![target.into()],
            masking_strategy: Some(MaskingStrategy {
                strategy: strategy["strategy"].as_str().unwrap().to_owned(),
                configuration: strategy["configuration"].clone(),
            }),
            storage_destination: None,
        }],
    }
}

/// The same for corrections.
pub(crate) fn correcting(target: &str) -> Policy {
    Policy {
        key: "erase".into(),
        rules: vec![Rule {
            key: "right".into(),
            action: ActionType::Rectification,
            targets: vec![target.into()],
            masking_strategy: None,
            storage_destination: None,
        }],
    }
}
