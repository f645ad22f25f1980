use model::PrivacyRequestId;
use serde_json::json;

use super::approve;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::runtime;

/// Which request of which server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy cancel pri_… --server https://tutela.example.com
  tutela privacy cancel pri_… --reason 'asked twice' --server https://tutela.example.com

Stops it for good. What was sent to applications stays sent. Ends with 4 if it is over already.")]
pub(crate) struct Cancel {
    /// Number of the request.
    request: PrivacyRequestId,
    #[command(flatten)]
    server: ServerAddress,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Stops a request.
pub(crate) fn run(cancel: &Cancel, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let (server, id) = (OnServer::open(&cancel.server, output).await?, &cancel.request);
        server.standing(id).await?;
        let reason = cancel.reason.as_ref().map_or_else(|| json!({}), |reason| json!({"reason": reason}));
        server.administrate((id, "cancel"), reason).await?;
        approve::show(&server, id).await
    })
}
