use super::file::{Opened, failure};
use super::protojson;
use crate::exit::Exit;
use crate::failure::Failure;

/// What changed between two runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  tutela c1z diff -f sync.c1z

Always JSON: what was created, deleted and modified, of resources, entitlements and grants.")]
pub(crate) struct Diff {}

impl Diff {
    pub(super) fn run(opened: &Opened) -> Result<Exit, Failure> {
        let difference = c1z::difference(opened.reader()).map_err(|error| failure(&error))?;
        protojson::print(&difference)?;
        Ok(Exit::Done)
    }
}
