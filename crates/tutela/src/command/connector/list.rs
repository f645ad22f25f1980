use serde::Serialize;
use serde_json::json;
use spec::connector_file::ConnectorFile;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::summary::{actions, hosts};
use crate::table::table;

/// Nothing to set.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector list
  tutela connector list --format json")]
pub(crate) struct List {}

/// One connector of the library.
#[derive(Debug, Serialize)]
struct Entry {
    name: &'static str,
    title: String,
    version: String,
    actions: Vec<&'static str>,
    hosts: Vec<String>,
    description: String,
}

/// Lists the library.
pub(crate) fn run(_list: &List, output: Output) -> Result<Exit, Failure> {
    let mut entries = Vec::new();
    for found in spec::library::library() {
        let checked = spec::check_connector(&found.connector, &spec::CheckOptions::default());
        let file = checked.value.ok_or_else(|| broken(found.name))?;
        entries.push(entry(found.name, file));
    }
    match output.format() {
        Format::Json => output::json(&json!({ "connectors": entries })),
        Format::Table => {
            let rows = entries.into_iter().map(|entry| {
                [
                    entry.name.to_owned(),
                    entry.title,
                    entry.version,
                    entry.actions.join(", "),
                    entry.hosts.join("\n"),
                ]
            });
            output::text(&table(["name", "application", "version", "actions", "hosts"], rows, &[]));
        }
    }
    Ok(Exit::Done)
}

fn entry(name: &'static str, file: ConnectorFile) -> Entry {
    Entry {
        name,
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
