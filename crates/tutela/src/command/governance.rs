mod sync;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Look at who has access to an application.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Read accounts, groups, roles, resources and who holds what, into a `.c1z` file.
    Sync(sync::Sync),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Sync(sync) => sync::run(&sync, output),
    }
}
