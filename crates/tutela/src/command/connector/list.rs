use serde::Serialize;
use serde_json::json;
use spec::connector_file::ConnectorFile;

use super::server;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::summary::{actions, hosts};
use crate::table::table;

/// Of which library.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector list
  tutela connector list --format json
  tutela connector list --server https://tutela.example.com

With --server the connectors that the server offers: those that come with it, and those that somebody brought.")]
pub(crate) struct List {
    #[command(flatten)]
    server: ServerOption,
}

/// One connector of a library.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    name: String,
    title: String,
    version: String,
    actions: Vec<&'static str>,
    hosts: Vec<String>,
    description: String,
}

/// Lists a library.
pub(crate) fn run(list: &List, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = list.server.address()? {
        return server::list(&address, output);
    }
    let mut entries = Vec::new();
    for found in spec::library::library() {
        let checked = spec::check_connector(&found.connector, &spec::CheckOptions::default());
        let file = checked.value.ok_or_else(|| broken(found.name))?;
        entries.push(entry(found.name, file));
    }
    show(entries, output);
    Ok(Exit::Done)
}

/// Shows connectors.
pub(super) fn show(entries: Vec<Entry>, output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({ "connectors": entries })),
        Format::Table => {
            let rows = entries.into_iter().map(|entry| {
                [entry.name, entry.title, entry.version, entry.actions.join(", "), entry.hosts.join("\n")]
            });
            output::text(&table(["name", "application", "version", "actions", "hosts"], rows, &[]));
        }
    }
}

pub(super) fn entry(name: &str, file: ConnectorFile) -> Entry {
    Entry {
        name: name.to_owned(),
        actions: actions(&file),
        hosts: hosts(&file),
        title: file.name,
        version: file.version,
        description: file.description,
    }
}

/// Cannot happen to a released program: a test checks the library.
fn broken(name: &str) -> Failure {
    Failure::Failed(format!("the built-in connector `{name}` is not valid; please report it"))
}
