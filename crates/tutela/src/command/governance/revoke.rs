use std::sync::Arc;

use governance::change::{AccessChange, ResourceName};
use governance::worker::EndOutcome;
use model::SystemClock;
use serde_json::json;

use super::change::{self, ChangeArguments};
use super::due::{self, Ends};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{ProjectArgument, ProjectFile};
use crate::runtime;
use crate::state::StateArgument;

/// Who loses what.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance revoke --connection segment --principal user:7 --entitlement group:3:member
  tutela governance revoke --connection segment --grant group:3:member:user:7 --yes
  tutela governance revoke --due

Ids stand in the file of a sync. The plan is shown first, with what goes besides and through whom the access is
still there afterwards; `--yes` carries it out without asking. Ends with 0 if it is done or was so already, 1 if
it failed or nobody knows, 3 if it is done and not visible yet, 4 if it must not be done.

`--due` takes what was given for a time that is over, in all connections of the project, and nothing else; it ends
with 1 if something of that could not be taken.")]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(super) project: ProjectArgument,
    #[command(flatten)]
    pub(super) state: StateArgument,
    #[command(flatten)]
    pub(super) server: ServerOption,
    /// Key of the connection in the project or on the server.
    #[arg(long, value_name = "KEY", required_unless_present = "due")]
    connection: Option<String>,
    /// Carry it out without asking.
    #[arg(long)]
    yes: bool,
    /// Take what was given for a time that is over.
    #[arg(long, conflicts_with_all = ["connection", "principal", "entitlement", "grant"])]
    due: bool,
    /// Who loses it: kind and id.
    #[arg(long, value_name = "KIND:ID", required_unless_present_any = ["grant", "due"], requires = "entitlement")]
    principal: Option<ResourceName>,
    /// Id of the entitlement.
    #[arg(long, value_name = "ID", required_unless_present_any = ["grant", "due"], requires = "principal")]
    entitlement: Option<String>,
    /// Id of the grant, in place of both.
    #[arg(long, value_name = "ID", conflicts_with_all = ["principal", "entitlement"])]
    grant: Option<String>,
}

impl Revoke {
    /// Whether it does what is due, and nothing else.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }
}

/// Plans and carries out.
pub(crate) fn run(revoke: &Revoke, output: Output) -> Result<Exit, Failure> {
    let Some(connection) = &revoke.connection else { return run_due(revoke, output) };
    let change = match (&revoke.grant, &revoke.entitlement, &revoke.principal) {
        (Some(grant), _, _) => AccessChange::RevokeGrant { grant: grant.clone() },
        (None, Some(entitlement), Some(principal)) => {
            AccessChange::Revoke { entitlement: entitlement.clone(), principal: principal.clone() }
        }
        (None, _, _) => {
            return Err(Failure::BadInput("say `--entitlement` and `--principal`, or `--grant`".to_owned()));
        }
    };
    let arguments = ChangeArguments {
        project: revoke.project.clone(),
        state: revoke.state.clone(),
        server: revoke.server.clone(),
        connection: connection.clone(),
        yes: revoke.yes,
    };
    change::run(&arguments, &change, output)
}

/// Takes what is due.
fn run_due(revoke: &Revoke, output: Output) -> Result<Exit, Failure> {
    revoke.server.refuse("it takes what is due by itself; leave `--due` out, or name a project")?;
    let file = ProjectFile::load(&revoke.project.project, output)?;
    let settings = revoke.state.settings(&revoke.project.project)?;
    runtime::run(async {
        let store = settings.open(Arc::new(SystemClock)).await?.store;
        let reports = due::end_due(Ends { file: Arc::new(file), settings, store, output }).await?;
        match output.format() {
            Format::Json => {
                let ends: Vec<_> = reports.iter().map(due::shown).collect();
                output::json(&json!({ "ends": ends }));
            }
            Format::Table if reports.is_empty() => output::text("nothing is due"),
            Format::Table => reports.iter().for_each(due::tell),
        }
        let stays = reports.iter().any(|report| matches!(report.outcome, EndOutcome::Stays { .. }));
        Ok(if stays { Exit::Failed } else { Exit::Done })
    })
}
