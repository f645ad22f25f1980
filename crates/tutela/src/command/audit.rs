mod export;
mod verify;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Look at the audit log of an installation, offline.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Check that no entry was changed, removed or put in since it was signed.
    Verify(verify::Verify),
    /// Write the whole log with its signed checkpoints, for keeping elsewhere.
    Export(export::Export),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::Verify(verify) => verify::run(&verify, output),
        Command::Export(export) => export::run(&export),
    }
}
