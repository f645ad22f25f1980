use model::PrivacyRequestId;
use privacy::plan::PlanDigest;
use serde_json::json;

use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::{self, Output};
use crate::runtime;

/// Which request of which server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy approve pri_… --server https://tutela.example.com
  tutela privacy approve pri_… --digest sha256:… --server https://tutela.example.com

Without --digest: the request is one that may be carried out. With it: exactly this plan may, and the server
begins; `tutela privacy status` tells how far it is. Where the server wants two people, who asked for a plan
may not approve it (exit code 4).")]
pub(crate) struct Approve {
    /// Number of the request.
    request: PrivacyRequestId,
    #[command(flatten)]
    server: ServerAddress,
    /// Digest of the plan that you read.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
}

/// Lets a request be carried out, or a plan.
pub(crate) fn run(approve: &Approve, output: Output) -> Result<Exit, Failure> {
    let digest = approve.digest.as_deref().map(|text| text.trim().parse::<PlanDigest>()).transpose();
    let digest = digest.map_err(|_| {
        Failure::Refused(
            "what `--digest` says is no digest; `tutela privacy plan` prints the plan's".to_owned(),
        )
    })?;
    runtime::run_until_interrupted(async {
        let (server, id) = (OnServer::open(&approve.server, output).await?, &approve.request);
        server.standing(id).await?;
        match digest {
            Some(digest) => {
                server.act((id, "approve"), &json!({"digest": digest.to_string()})).await?;
            }
            None => server.administrate((id, "approve"), json!({})).await?,
        }
        show(&server, id).await
    })
}

/// Shows how far the request is now.
pub(super) async fn show(server: &OnServer, id: &PrivacyRequestId) -> Result<Exit, Failure> {
    let standing = server.standing(id).await?;
    match server.output().format() {
        Format::Json => output::json(&json!({"request": id, "status": standing.status})),
        Format::Table => output::text(&format!("request {id}: {}", standing.words())),
    }
    Ok(Exit::Done)
}
