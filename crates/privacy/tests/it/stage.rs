//! A run to make packages of.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Person, Secrets, Settings};
use egress::{Door, DoorSettings, MemoryBudgets, Mode};
use engine::{Cancellation, Concurrency, Limits, RowKeeping, RunOutcome, RunPlan};
use graph::{Graph, Targets, merge};
use model::{Clock, Identities, PrivacyRequestId, RandomIds, Row, RunId};
use serde_json::json;
use spec::{CheckOptions, SourceFile, check_connector, check_datasets};
use tempfile::TempDir;
use testkit::{Answer, FakeSaas, TestClock};

const CONNECTOR: &str = "
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
    - name: people
      requests:
        read: {method: GET, path: /people, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
    - name: orders
      requests:
        read:
          method: GET
          path: /orders/<pid>
          param_values:
            - name: pid
              references: [{dataset: acme, field: people.id, direction: from}]
    - name: calls
      requests:
        read: {method: GET, path: /calls, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: phone_number}]}
";

const DATASET: &str = "
dataset:
  - fides_key: acme
    name: Acme
    collections:
      - name: people
        fields:
          - {name: id, data_categories: [user.unique_id]}
          - {name: name, data_categories: [user.name]}
          - name: contact
            fields: [{name: email, data_categories: [user.contact.email]}, {name: rank, data_categories: [system.operations]}]
      - name: orders
        fields: [{name: total, data_categories: [user.financial]}]
      - name: calls
        fields: [{name: id}]
";

/// One collection of many pages.
const LARGE_CONNECTOR: &str = "
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
    - name: events
      requests:
        read:
          method: GET
          path: /events
          query_params: [{name: e, value: <e>}, {name: page, value: 1}]
          data_path: rows
          param_values: [{name: e, identity: email}]
          pagination: {strategy: offset, configuration: {incremental_param: page, increment_by: 1, limit: 100000}}
";

const LARGE_DATASET: &str = "
dataset:
  - fides_key: acme
    name: Acme
    collections:
      - name: events
        fields: [{name: id, data_categories: [user.unique_id]}]
";

pub(crate) struct Stage {
    pub(crate) saas: FakeSaas,
    pub(crate) out: TempDir,
    pub(crate) graph: Graph,
    pub(crate) identities: Identities,
    spool: TempDir,
    file: Arc<spec::ConnectorFile>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::of(CONNECTOR, DATASET).await
    }

    /// The same, with names of its dataset that are hidden from people.
    pub(crate) async fn redacted() -> Self {
        let people = "- name: people\n";
        let hidden = DATASET
            .replace(people, &format!("{people}        fides_meta: {{redact: name}}\n"))
            .replace("[user.contact.email]}", "[user.contact.email], fides_meta: {redact: name}}");
        Self::of(CONNECTOR, &hidden).await
    }

    /// A stage whose one collection has `pages` pages of `rows` rows, each of some 1,000 bytes.
    pub(crate) async fn large(pages: usize, rows: usize) -> Self {
        let stage = Self::of(LARGE_CONNECTOR, LARGE_DATASET).await;
        stage.saas.on("GET", "/events").with(move |call| {
            let page: usize =
                call.parameters().find("page").and_then(|page| page.parse().ok()).unwrap_or_default();
            let first = page.saturating_sub(1) * rows;
            let end = if page > pages { first } else { first + rows };
            // Text that does not pack well: a package of it has many parts.
            let mut seed = page as u64;
            let mut noise = || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("{seed:016x}")
            };
            let row = |id| json!({"id": id, "note": (0..60).map(|_| noise()).collect::<String>()});
            Answer::json(200, &json!({"rows": (first..end).map(row).collect::<Vec<_>>()}))
        });
        stage
    }

    async fn of(connector: &str, dataset: &str) -> Self {
        let file = check_connector(&SourceFile::new("acme.yml", connector), &CheckOptions::default());
        let file = file.value.unwrap_or_else(|| panic!("{:#?}", file.diagnostics));
        let datasets = check_datasets(&SourceFile::new("dataset.yml", dataset), &CheckOptions::default());
        let data = merge(&file, datasets.value.unwrap().first(), &HashMap::new()).unwrap();
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        Self {
            saas: FakeSaas::start().await,
            out: tempfile::tempdir().unwrap(),
            graph: Graph::build(&[data]).unwrap(),
            identities,
            spool: tempfile::tempdir().unwrap(),
            file: Arc::new(file),
        }
    }

    pub(crate) async fn run(&self) -> RunOutcome {
        let clock: Arc<dyn Clock> = Arc::new(TestClock::new());
        let settings =
            DoorSettings { allow: vec!["127.0.0.1/32".parse().unwrap()], ..DoorSettings::default() };
        let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
        let connector = Connector::new(ConnectorParts {
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
        });
        let plan = RunPlan {
            run_id: RunId::new(&RandomIds),
            traversal: self.graph.traverse(&self.identities, Targets::Everything).unwrap(),
            sources: HashMap::from([("acme".parse().unwrap(), connector.into())]),
            person: Person {
                identities: self.identities.clone(),
                privacy_request_id: PrivacyRequestId::new(&RandomIds),
                privacy_request: Row::new(),
                custom_fields: Row::new(),
            },
            limits: Concurrency::new(Limits::default()),
            rows: RowKeeping::Spool(self.spool.path().to_owned()),
            waiting: engine::JobWait::Here,
            cancellation: Cancellation::never(),
        };
        engine::run(plan, &|_| {}).await.unwrap()
    }
}
