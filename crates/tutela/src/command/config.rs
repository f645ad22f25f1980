mod show;

use clap::Subcommand;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show every setting of the server, its value, and where it comes from.
    Show(show::Show),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Show(show) => show::run(&show, output),
    }
}
