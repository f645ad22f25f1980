mod authorize;
mod list;
mod server;
mod test;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Work on the connections of a project file, or of a server.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Let a person agree at the application's site that a connection may be used.
    Authorize(authorize::Authorize),
    /// List the connections of a project file.
    List(list::List),
    /// Try a connection: its test request, then one harmless call for each thing it is used for.
    Test(test::Test),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Authorize(authorize) => authorize::run(&authorize, output),
        Command::List(list) => list::run(&list, output),
        Command::Test(test) => test::run(&test, output),
    }
}
