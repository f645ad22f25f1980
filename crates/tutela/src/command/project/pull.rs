use std::path::PathBuf;

use serde_json::json;

use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::remote::{self, Declared};
use crate::runtime;

/// From which server, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela project pull --server https://tutela.example.com --out ./shop

Secrets are not written: the project file takes each from the environment, as in `${SHOP_API_KEY}`.")]
pub(crate) struct Pull {
    #[command(flatten)]
    server: ServerAddress,
    /// Empty or new folder to write to.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Writes the project.
pub(crate) fn run(pull: &Pull, output: Output) -> Result<Exit, Failure> {
    let pulled = runtime::run_until_interrupted(async {
        let client = pull.server.connect().await?;
        let declared = Declared::of_server(&client).await?;
        remote::write(&client, &declared, &pull.out).await
    })?;
    match output.format() {
        Format::Json => output::json(&json!({ "files": pulled.files, "notes": pulled.notes })),
        Format::Table => {
            pulled.files.iter().for_each(|file| output::text(&pull.out.join(file).display().to_string()));
            pulled.notes.iter().for_each(|note| output::complain(&format!("note: {note}")));
        }
    }
    Ok(Exit::Done)
}
