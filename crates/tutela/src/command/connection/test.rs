use std::sync::Arc;

use connector::{Connector, ProbeStatus, TestOutcome};
use datastore::{Database, DatabaseError};
use graph::covers;
use model::{Clock, CollectionAddress, SystemClock};
use serde::Serialize;
use serde_json::json;
use spec::dataset_file::{Dataset, Field};

use super::server;
use crate::arguments::Format;
use crate::capability::{Capability, Need, capabilities};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{Opening, Part, ProjectArgument, ProjectFile};
use crate::runtime;
use crate::state::StateArgument;
use crate::table::table;

/// Which connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connection test segment
  tutela connection test segment --project ./shop/tutela.yml --format json
  tutela connection test segment --server https://tutela.example.com

Sends the test request of the connector, then one GET for each thing the connection is used for, asking
for nobody. A database is connected to, and each table of its dataset is looked at. A server sends
the test request alone. Ends with 1 if anything that is needed does not work.")]
pub(crate) struct Test {
    /// Key of the connection in the project.
    connection: String,
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
}

/// One line of the result.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    what: String,
    result: Verdict,
    /// The permission, in the application's words.
    permission: Option<String>,
    pub(super) detail: String,
}

impl Line {
    /// What a server says of its test.
    pub(super) fn of_server(passed: bool, detail: &str) -> Self {
        let result = if passed { Verdict::Works } else { Verdict::Failed };
        Self { what: "test request".to_owned(), result, permission: None, detail: detail.to_owned() }
    }

    /// Whether nothing that is needed is missing.
    pub(super) fn is_fine(&self) -> bool {
        self.result.is_fine()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Works,
    Missing,
    /// Missing, and this connection does not use it.
    NotNeeded,
    Unclear,
    Failed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Missing => "missing",
            Self::NotNeeded => "missing, not needed",
            Self::Unclear => "unclear",
            Self::Failed => "failed",
        }
    }

    fn is_fine(self) -> bool {
        match self {
            Self::Works | Self::NotNeeded => true,
            Self::Missing | Self::Unclear | Self::Failed => false,
        }
    }
}

/// Sends the test request and the probes.
pub(crate) fn run(test: &Test, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = test.server.address()? {
        return server::test(&test.connection, &address, output);
    }
    let file = ProjectFile::load(&test.project.project, output)?;
    let member = file.member(&test.connection, output)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let state = test.state.settings(&test.project.project)?;
    let lines = runtime::run_until_interrupted(async {
        let opening = Opening::of_kept((&file, &state), std::slice::from_ref(&member), clock).await?;
        match &member.part {
            Part::Connector(instance) => {
                let connector = opening.calls.connector(instance.connection.clone());
                let mut lines = vec![test_request(&connector).await];
                for capability in capabilities(&instance.connection, member.entry.access) {
                    lines.push(probe(&connector, &capability).await);
                }
                Ok(lines)
            }
            Part::Database(kind, dataset) => {
                let database = opening.database(&member, *kind, dataset)?;
                Ok(tables(&database, dataset).await)
            }
        }
    })?;
    let passed = lines.iter().all(Line::is_fine);
    show(&lines, passed, output);
    Ok(if passed { Exit::Done } else { Exit::Failed })
}

/// Connects, then reads nothing out of each table that the dataset names.
async fn tables(database: &Database, dataset: &Dataset) -> Vec<Line> {
    let mut lines = vec![line("connect", database.test().await)];
    if lines.iter().all(|line| line.result.is_fine()) {
        for collection in dataset.collections.iter().filter(|collection| !collection.skip_processing) {
            let address = CollectionAddress::new(&dataset.fides_key, &collection.name);
            let columns: Vec<&str> = collection
                .fields
                .iter()
                .filter(|field| is_read(field))
                .map(|field| field.name.as_str())
                .collect();
            let looked = database.look(&address, &columns).await;
            lines.push(line(&format!("read {}", collection.name), looked));
        }
    }
    lines
}

/// Whether a run may read the column: a key, an identity, an end of a reference, or personal data.
fn is_read(field: &Field) -> bool {
    field.primary_key
        || field.identity.is_some()
        || !field.references.is_empty()
        || !field.fields.is_empty()
        || field.data_categories.iter().any(|category| !covers("system", category))
}

fn line(what: &str, done: Result<(), DatabaseError>) -> Line {
    let (result, detail) = match done {
        Ok(()) => (Verdict::Works, String::new()),
        Err(error) => (Verdict::Failed, error.to_string()),
    };
    Line { what: what.to_owned(), result, permission: None, detail }
}

pub(super) async fn test_request(connector: &Connector) -> Line {
    let (result, detail) = match connector.test().await {
        Ok(TestOutcome::Passed) => (Verdict::Works, String::new()),
        Ok(TestOutcome::Failed(error)) | Err(error) => (Verdict::Failed, error.to_string()),
    };
    Line { what: "test request".to_owned(), result, permission: None, detail }
}

async fn probe(connector: &Connector, capability: &Capability) -> Line {
    let answer = connector.probe(&capability.endpoint, &capability.request).await;
    let permission = &capability.permission;
    let (result, detail) = match (answer.status, capability.need) {
        (ProbeStatus::Allowed, _) => (Verdict::Works, String::new()),
        (ProbeStatus::Denied(status), Need::Used) => {
            (Verdict::Missing, format!("answered {status}: give the credentials the permission {permission}"))
        }
        (ProbeStatus::Denied(status), Need::Erasure) => (
            Verdict::NotNeeded,
            format!(
                "answered {status}: the permission {permission} is needed once the connection has `access: write`"
            ),
        ),
        (ProbeStatus::Denied(status), Need::Inventory) => (
            Verdict::NotNeeded,
            format!("answered {status}: the permission {permission} is needed to list who has access"),
        ),
        (ProbeStatus::Unclear(error), _) => (Verdict::Unclear, error.to_string()),
        (ProbeStatus::NotProbed, _) => {
            (Verdict::Works, "not tried: only GET requests are sent to nobody".to_owned())
        }
    };
    Line { what: capability.what.clone(), result, permission: Some(permission.clone()), detail }
}

pub(super) fn show(lines: &[Line], passed: bool, output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({ "passed": passed, "checks": lines })),
        Format::Table => {
            let rows = lines.iter().map(|line| {
                let permission = line.permission.clone().unwrap_or_default();
                [line.what.clone(), line.result.word().to_owned(), permission, line.detail.clone()]
            });
            output::text(&table(["what", "result", "permission", "detail"], rows, &[]));
        }
    }
}
