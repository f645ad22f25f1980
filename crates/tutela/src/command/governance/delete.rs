use governance::change::{AccessChange, ResourceName};

use super::change::{self, ChangeArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// What is removed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance delete --connection segment --resource user:7
  tutela governance delete --connection segment --resource invite:ana@example.com --yes

The plan is shown first, with all that goes with it; exit codes as of `grant`.")]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(super) arguments: ChangeArguments,
    /// What: kind and id.
    #[arg(long, value_name = "KIND:ID")]
    resource: ResourceName,
}

/// Plans and carries out.
pub(crate) fn run(delete: &Delete, output: Output) -> Result<Exit, Failure> {
    let change = AccessChange::Delete { resource: delete.resource.clone() };
    change::run(&delete.arguments, &change, output)
}
