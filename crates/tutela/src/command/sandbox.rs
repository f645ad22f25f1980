mod segment;

use crate::exit::Exit;
use crate::failure::Failure;

/// Start a simulated application.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// A simulated Segment: Public API, Profile API and Config API on one port.
    Segment(segment::Segment),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Segment(segment) => segment::run(segment),
    }
}
