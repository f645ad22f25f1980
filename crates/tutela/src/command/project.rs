mod diff;
mod pull;
mod push;

use clap::Subcommand;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What to do with a project and a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a push would change on a server.
    Diff(diff::Diff),
    /// Send connections and policies of a project file to a server.
    Push(push::Push),
    /// Write what a server has as a project file.
    Pull(pull::Pull),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Diff(diff) => diff::run(&diff, output),
        Command::Push(push) => push::run(&push, output),
        Command::Pull(pull) => pull::run(&pull, output),
    }
}
