use std::time::Duration;

use governance::change::{AccessChange, ResourceName};

use super::change::{self, ChangeArguments};
use super::timed::Timed;
use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Who gets what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance grant --connection segment --principal user:7 --entitlement group:3:member
  tutela governance grant --connection segment --principal user:7 --entitlement role:9:member --yes --format json
  tutela governance grant --connection segment --principal user:7 --entitlement role:9:member --for 2h

Ids stand in the file of a sync. The plan is shown first; `--yes` carries it out without asking. Ends with 0 if
it is done or was so already, 1 if it failed or nobody knows, 3 if it is done and not visible yet, 4 if it must
not be done.

With `--for` the command stays, and takes the access when its time is over. If it ends before that, the first `sync`,
`activity`, `grant`, `revoke`, `delete` or `create` on the project after that time takes it; `revoke --due` does nothing
else. Access that was there before and has no end stays as it is.

With --server the server plans and carries out what somebody here agrees to, and takes the access when its time is over:
the command does not stay.")]
pub(crate) struct Grant {
    #[command(flatten)]
    pub(super) arguments: ChangeArguments,
    /// Who gets it: kind and id.
    #[arg(long, value_name = "KIND:ID")]
    principal: ResourceName,
    /// Id of the entitlement.
    #[arg(long, value_name = "ID")]
    entitlement: String,
    /// How long: `90s`, `30m`, `2h`, `3d`.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
}

/// Plans and carries out.
pub(crate) fn run(grant: &Grant, output: Output) -> Result<Exit, Failure> {
    let change =
        AccessChange::Grant { entitlement: grant.entitlement.clone(), principal: grant.principal.clone() };
    let timed =
        grant.time.map(|time| Timed { entitlement: &grant.entitlement, principal: &grant.principal, time });
    if timed.as_ref().is_some_and(|timed| timed.time.is_zero()) {
        return Err(Failure::BadInput("`--for` needs a time that is not over at once".to_owned()));
    }
    change::run_for(&grant.arguments, (&change, timed.as_ref()), output)
}
