mod verify;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Work on certificates of erasures and rectifications.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check a certificate with public keys alone: no network, no database.
    Verify(verify::Verify),
}

pub(crate) use self::verify::{draw, verify, word};

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Verify(verify) => verify::run(&verify, output),
    }
}
