use serde_json::json;

use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::project::{ProjectArgument, ProjectFile};
use crate::remote::{Declared, Difference};
use crate::runtime;

/// Which project and which server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela project diff --server https://tutela.example.com
  tutela project diff --project ./shop/tutela.yml --server https://tutela.example.com --format json

Exit code 3 says that there are differences. Secrets and storage destinations are not compared.")]
pub(crate) struct Diff {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    server: ServerAddress,
}

/// Shows the difference.
pub(crate) fn run(diff: &Diff, output: Output) -> Result<Exit, Failure> {
    let file = ProjectFile::load(&diff.project.project, output)?;
    let project = Declared::of_project(&file, output)?;
    let (there, difference) = runtime::run_until_interrupted(async {
        let client = diff.server.connect().await?;
        let there = Declared::of_server(&client).await?;
        let difference = Difference::of(&there, &project);
        Ok((there, difference))
    })?;
    show(&difference, (&project, &there), output);
    Ok(if difference.is_empty() { Exit::Done } else { Exit::Incomplete })
}

/// Prints a difference, and what is not compared.
pub(super) fn show(difference: &Difference, (project, there): (&Declared, &Declared), output: Output) {
    let notes: Vec<&String> = project.notes.iter().chain(&there.notes).collect();
    match output.format() {
        Format::Json => {
            output::json(&json!({ "differences": difference.to_json(), "notes": notes }));
        }
        Format::Table => {
            let lines = difference.lines();
            if lines.is_empty() {
                output::text("no differences");
            }
            for line in &lines {
                output::text(line);
            }
            for note in &notes {
                output::complain(&format!("note: {note}"));
            }
        }
    }
}
