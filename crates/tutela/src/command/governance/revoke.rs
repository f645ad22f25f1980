use governance::change::{AccessChange, ResourceName};

use super::change::{self, ChangeArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Who loses what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance revoke --connection segment --principal user:7 --entitlement group:3:member
  tutela governance revoke --connection segment --grant group:3:member:user:7 --yes

Ids stand in the file of a sync. The plan is shown first, with what goes besides and through whom the access is
still there afterwards; `--yes` carries it out without asking. Ends with 0 if it is done or was so already, 1 if
it failed or nobody knows, 3 if it is done and not visible yet, 4 if it must not be done.")]
pub(crate) struct Revoke {
    #[command(flatten)]
    arguments: ChangeArguments,
    /// Who loses it: kind and id.
    #[arg(long, value_name = "KIND:ID", required_unless_present = "grant", requires = "entitlement")]
    principal: Option<ResourceName>,
    /// Id of the entitlement.
    #[arg(long, value_name = "ID", required_unless_present = "grant", requires = "principal")]
    entitlement: Option<String>,
    /// Id of the grant, in place of both.
    #[arg(long, value_name = "ID", conflicts_with_all = ["principal", "entitlement"])]
    grant: Option<String>,
}

/// Plans and carries out.
pub(crate) fn run(revoke: &Revoke, output: Output) -> Result<Exit, Failure> {
    let change = match (&revoke.grant, &revoke.entitlement, &revoke.principal) {
        (Some(grant), _, _) => AccessChange::RevokeGrant { grant: grant.clone() },
        (None, Some(entitlement), Some(principal)) => {
            AccessChange::Revoke { entitlement: entitlement.clone(), principal: principal.clone() }
        }
        (None, _, _) => {
            return Err(Failure::BadInput("say `--entitlement` and `--principal`, or `--grant`".to_owned()));
        }
    };
    change::run(&revoke.arguments, &change, output)
}
