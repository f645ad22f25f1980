//! A made-up application and a connector for it, for tests.

use std::sync::Arc;

use egress::{Door, DoorSettings, MemoryBudgets, Mode, Routes};
use model::{Clock, RandomIds};
use serde_json::Value;
use spec::connector_file::ConnectorFile;
use spec::{CheckOptions, SourceFile};
use testkit::{FakeSaas, TestClock};

use crate::build::{Build, BuildError, Prepared};
use crate::fixture;
use crate::settings::Settings;
use crate::token::{MemoryTokens, TokenStore};
use crate::values::{Origin, ValueMap};
use crate::{Connector, ConnectorParts};

/// Hosts that lead to the fake application.
const HOSTS: [&str; 4] = ["api.acme.test", "profiles.acme.test", "auth.acme.test", "oauth2.googleapis.com"];

/// A connector file in pieces; each piece is YAML without indentation.
#[derive(Default, Clone, Copy)]
pub(crate) struct Pieces<'a> {
    /// The `authentication` object of the client config; empty = none.
    pub(crate) authentication: &'a str,
    /// The keys of the one read request, of endpoint `things`.
    pub(crate) read: &'a str,
    /// The keys of the test request; empty = `GET /ping`.
    pub(crate) test_request: &'a str,
    /// Further top-level keys.
    pub(crate) more: &'a str,
}

/// The checked file of these pieces.
pub(crate) fn file(pieces: Pieces<'_>) -> ConnectorFile {
    let or = |text: &'static str, piece: &str| {
        if piece.trim().is_empty() { text.to_owned() } else { piece.to_owned() }
    };
    let authentication = match pieces.authentication.trim() {
        "" => String::new(),
        text => format!("  authentication:\n{}", indented(text, 4)),
    };
    let text = format!(
        "saas_config:\n  fides_key: acme\n  name: Acme\n  type: acme\n  description: Made up\n  version: 1.0.0\n  \
         connector_params:\n    - {{name: domain}}\n    - {{name: token, sensitive: true}}\n  client_config:\n    \
         protocol: https\n    host: <domain>\n{}  test_request:\n{}  endpoints:\n    - name: things\n      requests:\n        \
         read:\n{}{}",
        indented(&authentication, 2),
        indented(&or("method: GET\npath: /ping", pieces.test_request), 4),
        indented(&or("method: GET\npath: /things", pieces.read), 10),
        indented(pieces.more, 2),
    );
    let checked = spec::check_connector(&SourceFile::new("acme.yml", text.clone()), &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:#?}\n{text}", checked.diagnostics))
}

fn indented(text: &str, by: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("{:by$}{line}\n", "")).collect();
    lines.concat()
}

/// Values of placeholders, all identities.
pub(crate) fn identities(values: &[(&str, Value)]) -> ValueMap {
    let mut map = ValueMap::new();
    for (name, value) in values {
        map.insert(*name, value.clone(), Origin::Identity);
    }
    map
}

/// The fake application, a connector that calls it, and its clock.
pub(crate) struct Acme {
    pub(crate) saas: FakeSaas,
    pub(crate) clock: TestClock,
    pub(crate) connector: Connector,
}

impl Acme {
    pub(crate) async fn start(pieces: Pieces<'_>, secrets: &[(&str, Value)]) -> Self {
        Self::with_tokens(pieces, secrets, Arc::new(MemoryTokens::new())).await
    }

    pub(crate) async fn with_tokens(
        pieces: Pieces<'_>,
        secrets: &[(&str, Value)],
        tokens: Arc<dyn TokenStore>,
    ) -> Self {
        let saas = FakeSaas::start().await;
        let clock = TestClock::new();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let settings = DoorSettings {
            allow: vec!["127.0.0.1/32".parse().unwrap()],
            routes: Routes::parse(HOSTS.map(|host| (host, saas.base_url()))).unwrap(),
            ..DoorSettings::default()
        };
        let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&shared)));
        let connector = Connector::new(ConnectorParts {
            connection: fixture::connection(file(pieces), secrets),
            door: Door::new(settings, Mode::Live, budgets, Arc::clone(&shared)).unwrap(),
            tokens,
            clock: shared,
            ids: Arc::new(RandomIds),
            settings: Settings::default(),
        });
        Self { saas, clock, connector }
    }

    /// The read request, filled from `values`.
    pub(crate) fn prepare(&self, values: &ValueMap) -> Result<Prepared, BuildError> {
        prepare(&self.connector, values)
    }
}

/// The first read request of `connector`, filled from `values`.
pub(crate) fn prepare(connector: &Connector, values: &ValueMap) -> Result<Prepared, BuildError> {
    let connection = connector.connection();
    let endpoint = &connection.file.endpoints[0];
    let request = &endpoint.read[0];
    Build { connection, endpoint: &endpoint.name, request, params: &request.param_values, values }.prepare()
}
