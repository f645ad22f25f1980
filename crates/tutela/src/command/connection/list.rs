use serde::Serialize;
use serde_json::json;
use spec::{Access, BatonConnector, ConnectionEntry, DatabaseKind};

use super::server;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{DescribedPart, ProjectArgument, ProjectFile};
use crate::summary::hosts;
use crate::table::table;

/// Of which project.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connection list
  tutela connection list --project ./shop/tutela.yml --format json
  tutela connection list --server https://tutela.example.com")]
pub(crate) struct List {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Debug, Serialize)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) connector: String,
    pub(super) application: String,
    /// Whether only updates that mask may erase.
    pub(super) masking_strict: bool,
    pub(super) access: &'static str,
    /// Hosts of applications; where a database is, is among its secrets.
    pub(super) hosts: Vec<String>,
    /// Names only; values are nobody's business here.
    pub(super) secrets: Vec<String>,
}

/// Lists the connections; secrets are not looked up.
pub(crate) fn run(list: &List, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = list.server.address()? {
        return server::list(&address, output);
    }
    let file = ProjectFile::load(&list.project.project, output)?;
    let mut found = file.findings();
    let mut entries = Vec::new();
    for (position, entry) in file.project.connections.iter().enumerate() {
        if let Some(baton) = &entry.baton {
            entries.push(foreign(&file, entry, baton));
        }
        if let Some(described) = file.describe(position, entry, &mut found)? {
            entries.push(Entry {
                key: entry.key.to_string(),
                connector: entry.connector.clone(),
                application: match &described.part {
                    DescribedPart::Connector(file, _) => file.name.clone(),
                    DescribedPart::Database(kind, _) => database(*kind).to_owned(),
                },
                masking_strict: file.project.is_masking_strict(entry),
                access: match entry.access {
                    Access::Read => "read",
                    Access::Write => "write",
                },
                hosts: match &described.part {
                    DescribedPart::Connector(file, _) => hosts(file),
                    DescribedPart::Database(..) => Vec::new(),
                },
                secrets: entry.secrets.iter().map(|(name, _)| name.clone()).collect(),
            });
        }
    }
    found.show_errors(output)?;
    show(entries, output);
    Ok(Exit::Done)
}

/// A Baton connector of somebody else: what application it reads, only its file says.
fn foreign(file: &ProjectFile, entry: &ConnectionEntry, baton: &BatonConnector) -> Entry {
    Entry {
        key: entry.key.to_string(),
        connector: match baton {
            BatonConnector::Program { program, .. } => program.clone(),
            BatonConnector::File { file } => file.clone(),
        },
        application: match baton {
            BatonConnector::Program { .. } => "Baton program".to_owned(),
            BatonConnector::File { .. } => "Baton file".to_owned(),
        },
        masking_strict: file.project.is_masking_strict(entry),
        access: "read",
        hosts: Vec::new(),
        secrets: entry.secrets.iter().map(|(name, _)| name.clone()).collect(),
    }
}

/// Shows connections.
pub(super) fn show(entries: Vec<Entry>, output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({ "connections": entries })),
        Format::Table => {
            let rows = entries.into_iter().map(|entry| {
                [
                    entry.key,
                    entry.connector,
                    entry.application,
                    entry.access.to_owned(),
                    entry.hosts.join("\n"),
                ]
            });
            output::text(&table(["key", "connector", "application", "access", "hosts"], rows, &[]));
        }
    }
}

/// What a database is called.
fn database(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Postgres => "PostgreSQL",
        DatabaseKind::MySql => "MySQL or MariaDB",
        DatabaseKind::Sqlite => "SQLite",
    }
}
