use std::path::PathBuf;

use model::PrivacyRequestId;

use super::verify;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::runtime;

/// Of which request of which server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy certificate pri_… --server https://tutela.example.com --out ./certificates
  tutela certificate verify ./certificates/pri_….certificate.json --key server.pub

Fetches the certificate that counts, as the server keeps it, without looking again; `tutela privacy verify`
has it looked again first. Ends with 0 only if everything is proven, else with 3.")]
pub(crate) struct Fetch {
    /// Number of the request.
    request: PrivacyRequestId,
    #[command(flatten)]
    server: ServerAddress,
    /// Folder for the certificate.
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    out: PathBuf,
}

/// Fetches it and shows what it proves.
pub(crate) fn run(fetch: &Fetch, output: Output) -> Result<Exit, Failure> {
    files::check_folder("--out", &fetch.out)?;
    runtime::run_until_interrupted(async {
        let (server, id) = (OnServer::open(&fetch.server, output).await?, &fetch.request);
        server.standing(id).await?;
        let verified = verify::fetch(&server, id, Vec::new()).await?;
        let file = verify::write(&fetch.out, id.as_str(), &verified)?;
        verify::show(&verified, &file, output);
        Ok(if verified.is_proven() { Exit::Done } else { Exit::Incomplete })
    })
}
