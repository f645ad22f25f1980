mod export;
mod list;
mod server;
mod verify;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) use self::server::public_keys;

/// Look at the audit log of an installation: offline, or through its server.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show who did what, when: the newest entries.
    List(list::List),
    /// Check that no entry was changed, removed or put in since it was signed.
    Verify(verify::Verify),
    /// Write the whole log with its signed checkpoints, for keeping elsewhere.
    Export(export::Export),
}

/// Runs one of them.
pub(crate) fn run(command: Command, output: Output) -> Result<Exit, Failure> {
    match command {
        Command::List(list) => list::run(&list, output),
        Command::Verify(verify) => verify::run(&verify, output),
        Command::Export(export) => export::run(&export, output),
    }
}
