use std::io::{IsTerminal as _, stdin};

use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::project::{ProjectArgument, ProjectFile};
use crate::remote::{Declared, Difference, SentSecrets};
use crate::runtime;

/// Which project and which server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela project push --server https://tutela.example.com
  tutela project push --project ./shop/tutela.yml --server https://tutela.example.com --yes --secrets

The difference is shown first. What only the server has stays. Plans made with policies of a project wait for
a person's approval.")]
pub(crate) struct Push {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    server: ServerAddress,
    /// Send without asking.
    #[arg(long)]
    yes: bool,
    /// Send the secrets of all connections, not only of new ones.
    #[arg(long)]
    secrets: bool,
}

/// Shows the difference, and sends it.
pub(crate) fn run(push: &Push, output: Output) -> Result<Exit, Failure> {
    let file = ProjectFile::load(&push.project.project, output)?;
    let project = Declared::of_project(&file, output)?;
    let secrets = if push.secrets { SentSecrets::All } else { SentSecrets::OfNew };
    runtime::run_until_interrupted(async {
        let client = push.server.connect().await?;
        let there = Declared::of_server(&client).await?;
        let difference = Difference::of(&there, &project);
        super::diff::show(&difference, (&project, &there), output);
        if difference.is_empty() && !push.secrets {
            return Ok(Exit::Done);
        }
        if !push.yes && !agreed()? {
            return Err(Failure::Refused("nothing was sent".to_owned()));
        }
        difference.push(&client, (&file, &project), secrets).await?;
        let left = Difference::of(&Declared::of_server(&client).await?, &project);
        if !left.is_empty() {
            return Err(Failure::Failed(format!(
                "everything was sent, and the server still differs: {}",
                left.lines().join("; ")
            )));
        }
        if output.format() == Format::Table {
            output::text("pushed");
        }
        Ok(Exit::Done)
    })
}

/// Asks the person at the terminal.
fn agreed() -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::BadInput(
            "nobody can be asked, since input is no terminal; `--yes` sends it all the same".to_owned(),
        ));
    }
    output::complain("send this? [y/N]");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| Failure::failed(&error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
