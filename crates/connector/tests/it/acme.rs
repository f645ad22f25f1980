//! A connection to a made-up application on loopback, and reading it to the end.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{
    CallStats, Connection, Connector, ConnectorParts, Inputs, MemoryTokens, Person, ReadError, Reading,
};
use connector::{Secrets, Settings};
use egress::{Door, DoorSettings, MemoryBudgets, Mode, Routes};
use model::{Clock, Completeness, Identities, PrivacyRequestId, RandomIds, Row};
use serde_json::{Value, json};
use spec::{CheckOptions, SourceFile};
use testkit::{FakeSaas, TestClock};

/// The application `https://api.acme.test`, which answers from loopback.
pub(crate) struct Acme {
    pub(crate) saas: FakeSaas,
    pub(crate) clock: TestClock,
    pub(crate) connector: Connector,
}

/// How a connection differs from the usual one.
pub(crate) struct Setup<'a> {
    pub(crate) secrets: Vec<(&'a str, Value)>,
    pub(crate) settings: Settings,
    pub(crate) max_response_bytes: u64,
    /// Text of `acme.star`, beside the file.
    pub(crate) script: &'a str,
    /// What the connector takes for the time, in place of the usual clock.
    pub(crate) clock: Option<Arc<dyn Clock>>,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            settings: Settings::default(),
            max_response_bytes: 1 << 20,
            script: "",
            clock: None,
        }
    }
}

/// What came of a reading, all units joined in order.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
    pub(crate) completeness: Completeness,
    pub(crate) stats: CallStats,
    pub(crate) messages: Vec<String>,
    pub(crate) errors: Vec<ReadError>,
}

impl Acme {
    pub(crate) async fn start(file: &str) -> Self {
        Self::start_with(file, Setup::default()).await
    }

    pub(crate) async fn start_with(file: &str, setup: Setup<'_>) -> Self {
        let saas = FakeSaas::start().await;
        let clock = TestClock::new();
        let script = SourceFile::new("acme.star", setup.script);
        let source = SourceFile::new("acme.yml", file).with_scripts(vec![script]);
        let checked = spec::check_connector(&source, &CheckOptions::default());
        let file = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let mut secrets =
            vec![("domain".to_owned(), json!("api.acme.test")), ("token".to_owned(), json!("T"))];
        secrets.extend(setup.secrets.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let connection = Connection {
            key: "acme".parse().unwrap(),
            file: Arc::new(file),
            secrets: Arc::new(Secrets::new(secrets)),
            references: HashMap::new(),
            recording_keep: HashMap::new(),
        };
        let settings =
            DoorSettings { max_response_bytes: setup.max_response_bytes, ..DoorSettings::default() };
        let clock_of_connector = setup.clock.unwrap_or_else(|| Arc::new(clock.clone()));
        let connector =
            connector(connection, ("api.acme.test", &saas), clock_of_connector, (settings, setup.settings));
        Self { saas, clock, connector }
    }

    /// The same connection with a door in this mode.
    pub(crate) fn connector_in(&self, mode: Mode) -> Connector {
        let connection = self.connector.connection().clone();
        let clock = Arc::new(self.clock.clone());
        let settings = (DoorSettings::default(), Settings::default());
        connector_in(mode, (connection, ("api.acme.test", &self.saas)), clock, settings)
    }

    /// Reads `endpoint` for `ana@example.com` with these inputs.
    pub(crate) async fn read(&self, endpoint: &str, inputs: &[(&str, Value)]) -> Outcome {
        let reading = self.connector.read(endpoint, &ana(), flat(inputs)).unwrap();
        read_all(&reading).await
    }

    /// Path and query of every call so far.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.saas.targets()
    }
}

impl Outcome {
    pub(crate) fn json(&self) -> Value {
        json!(self.rows)
    }

    /// The reason, as the report spells it; `complete` if there is none.
    pub(crate) fn reason(&self) -> String {
        match &self.completeness {
            Completeness::Complete => "complete".to_owned(),
            Completeness::Incomplete { reason, .. } => json!(reason).as_str().unwrap().to_owned(),
        }
    }
}

/// A connector whose `host` leads to `saas`.
pub(crate) fn connector(
    connection: Connection,
    leads: (&str, &FakeSaas),
    clock: Arc<dyn Clock>,
    (door, settings): (DoorSettings, Settings),
) -> Connector {
    connector_in(Mode::Live, (connection, leads), clock, (door, settings))
}

/// The same with a door in this mode.
pub(crate) fn connector_in(
    mode: Mode,
    (connection, (host, saas)): (Connection, (&str, &FakeSaas)),
    clock: Arc<dyn Clock>,
    (door, settings): (DoorSettings, Settings),
) -> Connector {
    let door = DoorSettings {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        routes: Routes::parse([(host, saas.base_url())]).unwrap(),
        ..door
    };
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
    Connector::new(ConnectorParts {
        connection,
        door: Door::new(door, mode, budgets, Arc::clone(&clock)).unwrap(),
        tokens: Arc::new(MemoryTokens::new()),
        clock,
        ids: Arc::new(RandomIds),
        settings,
    })
}

/// A connector file with these endpoints, which are indented by four.
pub(crate) fn file(endpoints: &str) -> String {
    format!(
        "saas_config:\n  fides_key: acme\n  name: Acme\n  type: acme\n  description: Made up\n  version: 1.0.0\n  \
         connector_params:\n    - name: domain\n    - name: token\n  client_config:\n    protocol: https\n    host: \
         <domain>\n    authentication: {{strategy: bearer, configuration: {{token: <token>}}}}\n  test_request:\n    \
         method: GET\n    path: /ping\n  endpoints:\n{endpoints}"
    )
}

/// One endpoint `things` with one read request of these keys, which stand at the left margin.
pub(crate) fn things(keys: &str) -> String {
    let keys: Vec<String> = keys.lines().map(|line| format!("          {line}")).collect();
    let keys = keys.join("\n");
    file(&format!("    - name: things\n      requests:\n        read:\n          method: GET\n{keys}\n"))
}

pub(crate) fn ana() -> Person {
    person(&[("email", "ana@example.com")])
}

pub(crate) fn person(identities: &[(&str, &str)]) -> Person {
    let mut known = Identities::default();
    for (kind, value) in identities {
        known.insert(*kind, (*value).into()).unwrap();
    }
    Person {
        identities: known,
        privacy_request_id: PrivacyRequestId::new(&RandomIds),
        privacy_request: Row::from_iter([("location".to_owned(), json!("FR"))]),
        custom_fields: Row::new(),
    }
}

pub(crate) fn flat(values: &[(&str, Value)]) -> Inputs {
    let list = |(name, list): &(&str, Value)| ((*name).to_owned(), list.as_array().unwrap().clone());
    Inputs { flat: values.iter().map(list).collect(), ..Inputs::default() }
}

/// Reads all units in order; an error ends its unit only.
pub(crate) async fn read_all(reading: &Reading) -> Outcome {
    let mut outcome = Outcome {
        rows: Vec::new(),
        completeness: Completeness::Complete,
        stats: CallStats::default(),
        messages: Vec::new(),
        errors: Vec::new(),
    };
    for unit in 0..reading.units() {
        let mut reader = reading.open(unit);
        loop {
            match reader.next_page().await {
                Ok(Some(page)) => {
                    outcome.rows.extend(page.rows);
                    outcome.messages.extend(page.messages);
                }
                Ok(None) => break,
                Err(error) => outcome.errors.push(error),
            }
        }
        outcome.completeness = outcome.completeness.and(reader.completeness());
        outcome.stats += reader.stats();
    }
    outcome
}
