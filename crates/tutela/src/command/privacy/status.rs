use model::{PrivacyRequestId, visible};
use privacy::{RunStatus, StatusError};
use serde_json::json;

use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::command::certificate::word;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::{Named, OnServer, Stands};
use crate::output::{self, Output};
use crate::runtime;
use crate::service::ServiceArgument;
use crate::state;
use crate::table::table;

/// Of which run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy status run_…
  tutela privacy status run_… --format json
  tutela privacy status pri_… --server https://tutela.example.com

Asks the applications that still work on it, once, and shows every operation and destination. Ends with 0
if that could be told. A server asks them by itself when it is time; with --server nobody is asked.")]
pub(crate) struct Status {
    #[command(flatten)]
    service: ServiceArgument,
    /// The run, as `tutela privacy plan` printed it; the number of the request with `--server`.
    run: Named,
}

/// Shows how far a run is.
pub(crate) fn run(arguments: &Status, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = arguments.service.server.address()? {
        return on_server(&address, arguments.run.request()?, output);
    }
    let run = arguments.run.run()?;
    runtime::run_until_interrupted(async {
        let service = arguments.service.open(output).await?;
        let status = service.status(run).await.map_err(|error| match &error {
            StatusError::NotKnownHere { .. } => Failure::bad_input(&error),
            StatusError::Store(error) => state::failure(error),
        })?;
        show(&status, output);
        Ok(Exit::Done)
    })
}

/// The same for a request of a server; one without a plan has nothing but its status.
fn on_server(address: &ServerAddress, id: &PrivacyRequestId, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let standing = server.standing(id).await?;
        let found = server.operations(id).await?;
        match (output.format(), &found) {
            (Format::Json, None) => output::json(&json!({"request": id, "status": standing.status})),
            (Format::Json, Some(_)) => {}
            (Format::Table, _) => output::text(&format!("request {id}: {}", standing.words())),
        }
        if let Some(found) = &found {
            show(found, output);
        }
        if matches!(standing.stands(), Stands::Person | Stands::Plan | Stands::UnknownWrite) {
            output::complain(&server.waits((id, &standing)));
        }
        Ok(Exit::Done)
    })
}

/// Shows every operation and destination.
pub(crate) fn show(status: &RunStatus, output: Output) {
    match output.format() {
        Format::Json => output::json(status),
        Format::Table => {
            let outcome = status.outcome.as_ref().map_or_else(|| "not applied yet".to_owned(), word);
            let outcome = if status.operations.is_empty() { "nothing to do".to_owned() } else { outcome };
            output::text(&format!("{}: {outcome}", status.run));
            let mut rows = Vec::new();
            for operation in &status.operations {
                let collections: Vec<String> =
                    operation.collections.iter().map(ToString::to_string).collect();
                rows.push([
                    operation.order.to_string(),
                    operation.connection.clone(),
                    collections.join("\n"),
                    operation.outcome.as_ref().map_or_else(|| word(&operation.state), word),
                    operation.detail.clone().unwrap_or_default(),
                ]);
                for destination in &operation.destinations {
                    rows.push([
                        String::new(),
                        String::new(),
                        format!("→ {}", visible(&destination.name)),
                        visible(&destination.status).into_owned(),
                        visible(destination.message.as_deref().unwrap_or_default()).into_owned(),
                    ]);
                }
            }
            if !rows.is_empty() {
                output::text(&table(["#", "connection", "where", "outcome", "detail"], rows, &[0]));
            }
            for one in &status.not_covered {
                output::text(&visible(&format!("not covered: {}: {}", one.collection, one.explanation)));
            }
            output::text(&format!("looked again: {}", word(&status.verification.state)));
            for problem in &status.problems {
                output::complain(&visible(&format!("warning: {problem}")));
            }
        }
    }
}
