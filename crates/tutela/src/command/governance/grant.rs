use governance::change::{AccessChange, ResourceName};

use super::change::{self, ChangeArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Who gets what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance grant --connection segment --principal user:7 --entitlement group:3:member
  tutela governance grant --connection segment --principal user:7 --entitlement role:9:member --yes --format json

Ids stand in the file of a sync. The plan is shown first; `--yes` carries it out without asking. Ends with 0 if
it is done or was so already, 1 if it failed or nobody knows, 3 if it is done and not visible yet, 4 if it must
not be done.")]
pub(crate) struct Grant {
    #[command(flatten)]
    arguments: ChangeArguments,
    /// Who gets it: kind and id.
    #[arg(long, value_name = "KIND:ID")]
    principal: ResourceName,
    /// Id of the entitlement.
    #[arg(long, value_name = "ID")]
    entitlement: String,
}

/// Plans and carries out.
pub(crate) fn run(grant: &Grant, output: Output) -> Result<Exit, Failure> {
    let change =
        AccessChange::Grant { entitlement: grant.entitlement.clone(), principal: grant.principal.clone() };
    change::run(&grant.arguments, &change, output)
}
