use std::sync::Arc;

use model::SystemClock;
use serde_json::{Value, json};

use super::server;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::ProjectArgument;
use crate::runtime;
use crate::state::{self, StateArgument};
use crate::table::table;

/// How many entries, of which log.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela audit list
  tutela audit list --last 500 --format json
  tutela audit list --server https://tutela.example.com

Entries hold ids, counts and keyed hashes, no personal data. `tutela audit verify` checks them.")]
pub(crate) struct List {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
    /// How many of the newest entries.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    last: u32,
}

/// Shows the newest entries, the oldest of them first.
pub(crate) fn run(list: &List, output: Output) -> Result<Exit, Failure> {
    let entries = match list.server.address()? {
        Some(address) => {
            runtime::run_until_interrupted(server::newest(&address, u64::from(list.last), output))?
        }
        None => own(list)?,
    };
    show(&entries, output);
    Ok(Exit::Done)
}

fn own(list: &List) -> Result<Vec<(u64, Value)>, Failure> {
    let settings = list.state.settings(&list.project.project)?;
    runtime::run(async {
        let store = settings.look(Arc::new(SystemClock)).await?.store;
        let size = store.audit_size().await.map_err(|error| state::failure(&error))?;
        let from = size.saturating_sub(u64::from(list.last));
        let entries = store.audit_list(from, list.last).await.map_err(|error| state::failure(&error))?;
        let read = |entry: store::AuditEntry| {
            let damaged = |_| Failure::Failed(format!("entry {} of the audit log is damaged", entry.number));
            Ok((entry.number, serde_json::from_str(&entry.body).map_err(damaged)?))
        };
        entries.into_iter().map(read).collect()
    })
}

fn show(entries: &[(u64, Value)], output: Output) {
    match output.format() {
        Format::Json => {
            let entry = |(number, entry): &(u64, Value)| json!({"number": number, "entry": entry});
            output::json(&json!({ "entries": entries.iter().map(entry).collect::<Vec<_>>() }));
        }
        Format::Table if entries.is_empty() => output::text("the audit log has no entries yet"),
        Format::Table => {
            let rows = entries.iter().map(|(number, entry)| {
                let text =
                    |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                [number.to_string(), text("at"), text("actor"), text("action"), text("object")]
            });
            output::text(&table(["number", "at", "who", "did", "to"], rows, &[0]));
        }
    }
}
