mod check;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Work on the policies of a project file, or of a server.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check policies and show which collections each rule reaches.
    Check(check::Check),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Check(check) => check::run(&check, output),
    }
}
