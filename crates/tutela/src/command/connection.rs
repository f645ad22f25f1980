mod list;
mod test;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Work on the connections of a project file.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the connections of a project file.
    List(list::List),
    /// Try a connection: its test request, then one harmless call for each thing it is used for.
    Test(test::Test),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::List(list) => list::run(&list, output),
        Command::Test(test) => test::run(&test, output),
    }
}
