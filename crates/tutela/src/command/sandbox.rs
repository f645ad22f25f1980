mod directory;
mod segment;

use crate::exit::Exit;
use crate::failure::Failure;

/// Start a simulated application.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// A simulated Segment: Public API, Profile API and Config API on one port.
    Segment(segment::Segment),
    /// A simulated GitHub organisation: people, nested teams, repositories.
    #[command(name = "github")]
    GitHub(directory::Directory),
    /// A simulated PagerDuty account: people and teams.
    #[command(name = "pagerduty")]
    PagerDuty(directory::Directory),
}

/// Runs one of them.
pub(crate) fn run(command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Segment(segment) => segment::run(segment),
        Command::GitHub(options) => directory::run(sandbox::directories::Directory::GitHub, options),
        Command::PagerDuty(options) => directory::run(sandbox::directories::Directory::PagerDuty, options),
    }
}
