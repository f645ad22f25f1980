//! A scripted application, a connector file for it, and runs of both.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Person, Secrets, Settings};
use egress::{Door, DoorSettings, MemoryBudgets, Mode};
use engine::{
    Cancellation, CollectionOutcome, Concurrency, Limits, Progress, RowKeeping, RunOutcome, RunPlan,
};
use graph::{Graph, Targets, merge};
use model::{Clock, CollectionAddress, Identities, PrivacyRequestId, RandomIds, Row, RunId};
use serde_json::Value;
use spec::{CheckOptions, SourceFile, check_connector, check_datasets};
use tempfile::TempDir;
use testkit::{FakeSaas, TestClock};

pub(crate) struct Stage {
    pub(crate) saas: FakeSaas,
    pub(crate) spool: TempDir,
    pub(crate) graph: Graph,
    pub(crate) limits: Limits,
    pub(crate) cancellation: Cancellation,
    pub(crate) clock: Arc<dyn Clock>,
    file: Arc<spec::ConnectorFile>,
}

impl Stage {
    /// `endpoints` are indented by four, `collections` of the dataset by six.
    pub(crate) async fn new(endpoints: &str, collections: &str) -> Self {
        let (file, graph) = checked(endpoints, collections);
        Self {
            saas: FakeSaas::start().await,
            spool: tempfile::tempdir().unwrap(),
            graph,
            limits: Limits::default(),
            cancellation: Cancellation::never(),
            clock: Arc::new(TestClock::new()),
            file: Arc::new(file),
        }
    }

    /// Puts another file and dataset in the place of those; the application stays.
    pub(crate) fn change(&mut self, endpoints: &str, collections: &str) {
        let (file, graph) = checked(endpoints, collections);
        (self.file, self.graph) = (Arc::new(file), graph);
    }

    pub(crate) fn plan(&self, identities: &[(&str, &str)]) -> RunPlan {
        let mut known = Identities::default();
        for (kind, value) in identities {
            known.insert(*kind, (*value).into()).unwrap();
        }
        RunPlan {
            run_id: RunId::new(&RandomIds),
            traversal: self.graph.traverse(&known, Targets::Everything).unwrap(),
            sources: HashMap::from([("acme".parse().unwrap(), self.connector().into())]),
            person: Person {
                identities: known,
                privacy_request_id: PrivacyRequestId::new(&RandomIds),
                privacy_request: Row::new(),
                custom_fields: Row::new(),
            },
            limits: Concurrency::new(self.limits),
            rows: RowKeeping::Spool(self.spool.path().to_owned()),
            waiting: engine::JobWait::Here,
            cancellation: self.cancellation.clone(),
        }
    }

    pub(crate) async fn run(&self) -> RunOutcome {
        self.run_with(&|_| {}).await
    }

    pub(crate) async fn run_with(&self, on_progress: &(dyn Fn(Progress) + Send + Sync)) -> RunOutcome {
        engine::run(self.plan(&[("email", "ana@example.com")]), on_progress).await.unwrap()
    }

    fn connector(&self) -> Connector {
        self.connector_behind(DoorSettings {
            allow: vec!["127.0.0.1/32".parse().unwrap()],
            ..DoorSettings::default()
        })
    }

    /// The same connector behind a door that lets nothing private through.
    pub(crate) fn connector_refused(&self) -> Connector {
        self.connector_behind(DoorSettings::default())
    }

    pub(crate) fn connector_behind(&self, settings: DoorSettings) -> Connector {
        let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&self.clock)));
        let door = Door::new(settings, Mode::Live, budgets, Arc::clone(&self.clock)).unwrap();
        Connector::new(ConnectorParts {
            connection: Connection {
                key: "acme".parse().unwrap(),
                file: Arc::clone(&self.file),
                secrets: Arc::new(Secrets::new(vec![("domain".to_owned(), self.saas.host_port().into())])),
                references: HashMap::new(),
                recording_keep: HashMap::new(),
            },
            door,
            tokens: Arc::new(MemoryTokens::new()),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            settings: Settings::default(),
        })
    }
}

pub(crate) fn outcome<'a>(run: &'a RunOutcome, collection: &str) -> &'a CollectionOutcome {
    &run.collections[&CollectionAddress::new("acme", collection)]
}

pub(crate) fn rows(run: &RunOutcome, collection: &str) -> Value {
    let pages: Result<Vec<_>, _> = outcome(run, collection).sealed.pages().collect();
    pages.unwrap().into_iter().flatten().map(Value::Object).collect()
}

fn checked(endpoints: &str, collections: &str) -> (spec::ConnectorFile, Graph) {
    let text = format!(
        "saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Made up
  version: 1.0.0
  connector_params: [{{name: domain}}]
  client_config: {{protocol: http, host: <domain>}}
  test_request: {{method: GET, path: /ping}}
  endpoints:
{endpoints}"
    );
    let checked = check_connector(&SourceFile::new("acme.yml", text), &CheckOptions::default());
    let file = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    let text = format!("dataset:\n  - fides_key: acme\n    name: Acme\n    collections:\n{collections}");
    let checked = check_datasets(&SourceFile::new("dataset.yml", text), &CheckOptions::default());
    let datasets = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    let data = merge(&file, datasets.first(), &HashMap::new()).unwrap();
    (file, Graph::build(&[data]).unwrap())
}
