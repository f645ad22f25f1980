use model::PrivacyRequestId;
use privacy::{ResolveDecision, ResolveError};
use serde_json::json;

use super::status;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::{Named, OnServer};
use crate::output::Output;
use crate::runtime;
use crate::service::{ServiceArgument, actor};
use crate::state;

/// Which write, and what became of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy resolve run_… 2 --took-effect
  tutela privacy resolve run_… 2 --did-not
  tutela privacy resolve pri_… 2 --took-effect --server https://tutela.example.com

For a write of which nobody knows whether it took effect: look it up in the application, then say so. One that
did not is sent again by the next `tutela privacy apply`, or by the server. Your name goes into the audit log.")]
#[command(group(clap::ArgGroup::new("what").required(true)))]
pub(crate) struct Resolve {
    #[command(flatten)]
    service: ServiceArgument,
    /// The run, as `tutela privacy plan` printed it; the number of the request with `--server`.
    run: Named,
    /// Number of the operation in the plan, from 1.
    operation: u64,
    /// The write took effect.
    #[arg(long, group = "what")]
    took_effect: bool,
    /// The write did not take effect.
    #[arg(long, group = "what")]
    did_not: bool,
}

/// Takes a person's word down and shows how far the run is now.
pub(crate) fn run(resolve: &Resolve, output: Output) -> Result<Exit, Failure> {
    let decision =
        if resolve.took_effect { ResolveDecision::TookEffect } else { ResolveDecision::DidNotTakeEffect };
    let order = resolve.operation;
    if let Some(address) = resolve.service.server.address()? {
        return on_server(&address, (resolve.run.request()?, order, decision), output);
    }
    let run = resolve.run.run()?;
    runtime::run_until_interrupted(async {
        let service = resolve.service.open(output).await?;
        service.resolve(run, order, decision, actor()).await.map_err(|error| match &error {
            ResolveError::NotKnownHere { .. } | ResolveError::NoOperation { .. } => {
                Failure::bad_input(&error)
            }
            ResolveError::NotUnknown { .. } => Failure::refused(&error),
            ResolveError::Store(error) => state::failure(error),
        })?;
        let status = service.status(run).await.map_err(|error| Failure::failed(&error))?;
        status::show(&status, output);
        Ok(Exit::Done)
    })
}

/// The same for a request of a server, which goes on with the last of them.
fn on_server(
    address: &ServerAddress,
    (id, order, decision): (&PrivacyRequestId, u64, ResolveDecision),
    output: Output,
) -> Result<Exit, Failure> {
    let found = match decision {
        ResolveDecision::TookEffect => "took_effect",
        ResolveDecision::DidNotTakeEffect => "did_not",
    };
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        server.standing(id).await?;
        server.act((id, "resolve"), &json!({"operation": order, "found": found})).await?;
        if let Some(found) = server.operations(id).await? {
            status::show(&found, output);
        }
        Ok(Exit::Done)
    })
}
