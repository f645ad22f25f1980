mod access;
pub(crate) mod identity;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Work on requests of people about their data.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Fetch everything that the connections hold about one person, or about many.
    Access(access::Access),
}

pub(crate) use self::access::access_one;

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Access(access) => access::run(&access, output),
    }
}
