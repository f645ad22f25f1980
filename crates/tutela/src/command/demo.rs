use std::path::{Path, PathBuf};

use sandbox::segment::{Description, SegmentOptions, SegmentSandbox};

use crate::command::privacy;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime;

/// What the demo does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela demo --once
  tutela demo --out ./tutela-demo

Starts the Segment simulator, writes a project for it, asks for ana@example.com and shows the package.
Without --once the simulator stays, to try other commands on it, until Ctrl-C.")]
pub(crate) struct Demo {
    /// Leave when the data request is done.
    #[arg(long)]
    once: bool,
    /// Folder for project and package; made if it is not there.
    #[arg(long, default_value = "tutela-demo")]
    out: PathBuf,
}

/// Whom the demo asks about.
const IDENTITY: &str = "email=ana@example.com";

/// Runs simulator and request in one process.
pub(crate) fn run(demo: &Demo, output: Output) -> Result<Exit, Failure> {
    runtime::run(async {
        let sandbox = SegmentSandbox::start(SegmentOptions::default())
            .await
            .map_err(|error| Failure::Failed(format!("the simulator found no free port: {error}")))?;
        let project = write_project(&demo.out, sandbox.description())?;
        output::complain(&format!("a simulated Segment runs at {}", sandbox.url()));
        output::complain(&format!("project: {}", project.display()));
        let package = demo.out.join("package");
        let exit = privacy::access_one(&project, &[IDENTITY.to_owned()], &package, output).await?;
        if !demo.once {
            output::complain(&hint(&project, &package));
            runtime::interrupted().await;
        }
        sandbox.shutdown();
        Ok(exit)
    })
}

/// Writes the project file; its secrets open the simulator only.
fn write_project(folder: &Path, sandbox: &Description) -> Result<PathBuf, Failure> {
    let path = folder.join("tutela.yml");
    let text = include_str!("demo/tutela.yml")
        .replace("SPACE", &sandbox.space)
        .replace("TOKEN", &sandbox.tokens.access_token)
        .replace("ACCESS_SECRET", &sandbox.tokens.access_secret)
        .replace("URL", &sandbox.url);
    std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    std::fs::write(&path, text).map_err(|error| Failure::unwritable(&path, &error))?;
    Ok(path)
}

fn hint(project: &Path, package: &Path) -> String {
    let project = project.display();
    format!(
        "\nThe simulator runs until Ctrl-C. Open {}/index.html, or try in another terminal:\n  \
         tutela connection test segment --project {project}\n  \
         tutela privacy access --project {project} --identity email=person-7@example.com --out ./package",
        package.display()
    )
}
