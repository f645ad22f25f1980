//! What the commands that change access share: the plan is shown, somebody agrees, and the end is told.

mod server;
mod told;

use std::io::{IsTerminal as _, stdin};
use std::sync::Arc;

use ::baton::foreign::ForeignConnector;
use engine::Concurrency;
use governance::change::{
    AccessChange, AccessChanges, AccessPlan, Approval, ChangeError, ChangeErrorKind, ChangePlace,
    ChangeReport, ChangeResult,
};
use governance::source::Way;
use model::{Clock, RandomIds, SystemClock};
use serde_json::json;
use spec::connector_file::Service;
use store::{Actor, Store};

use super::due::Ends;
use super::timed::{self, Timed};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{Member, Opening, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::worker;
use crate::state::{StateArgument, StateSettings};

pub(super) use self::told::{Told, shown};

/// Which connection, and whether somebody is asked.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArguments {
    #[command(flatten)]
    pub(super) project: ProjectArgument,
    #[command(flatten)]
    pub(super) state: StateArgument,
    #[command(flatten)]
    pub(super) server: ServerOption,
    /// Key of the connection in the project or on the server.
    #[arg(long, value_name = "KEY")]
    pub(super) connection: String,
    /// Carry it out without asking.
    #[arg(long)]
    pub(super) yes: bool,
}

impl ChangeArguments {
    /// The project that it is about, and where its state is; none if it is about a server.
    pub(super) fn place(&self) -> Result<Option<(&ProjectArgument, &StateArgument)>, Failure> {
        Ok(self.server.address()?.is_none().then_some((&self.project, &self.state)))
    }
}

/// Plans the change, shows the plan, and carries it out if somebody agrees.
pub(super) fn run(
    arguments: &ChangeArguments,
    change: &AccessChange,
    output: Output,
) -> Result<Exit, Failure> {
    run_for(arguments, (change, None), output)
}

/// The same; with a time, the access is taken again after it.
pub(super) fn run_for(
    arguments: &ChangeArguments,
    (change, timed): (&AccessChange, Option<&Timed<'_>>),
    output: Output,
) -> Result<Exit, Failure> {
    if let Some(address) = arguments.server.address()? {
        return server::run((arguments, &address), (change, timed), output);
    }
    let file = ProjectFile::load(&arguments.project.project, output)?;
    let state = arguments.state.settings(&arguments.project.project)?;
    let reached = Reached::of(&file, &arguments.connection, output)?;
    runtime::run(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (open, worker) = (state.open(Arc::clone(&clock)).await?, worker());
        let way = reached.way((&file, &state), (&open.store, &worker), &clock)?;
        let place = ChangePlace { store: open.store.clone(), clock, ids: Arc::new(RandomIds), worker };
        let changes = AccessChanges::of(way, place).map_err(|error| failure(&error))?;
        let Some(timed) = timed else { return carry_out(&changes, (arguments, change), output).await };
        let plan = changes.plan(change).await.map_err(|error| failure(&error))?;
        let ends = Ends { file: Arc::new(file), settings: state, store: open.store, output };
        timed::carry_out(&changes, (arguments, plan.as_ref()), (timed, ends)).await
    })
}

/// What a connection of the project is changed by.
enum Reached {
    Member(Box<Member>),
    Foreign(Box<ForeignConnector>),
}

impl Reached {
    fn of(file: &ProjectFile, key: &str, output: Output) -> Result<Self, Failure> {
        if let Some(foreign) = file.foreign(key, output)? {
            return Ok(Self::Foreign(Box::new(foreign)));
        }
        Ok(Self::Member(Box::new(file.member_for(key, Service::Governance, output)?)))
    }

    fn way(
        self,
        project: (&ProjectFile, &StateSettings),
        store: (&Store, &str),
        clock: &Arc<dyn Clock>,
    ) -> Result<Way, Failure> {
        let member = match self {
            Self::Foreign(foreign) => return Ok(Way::Source(Arc::new(*foreign))),
            Self::Member(member) => member,
        };
        let members = std::slice::from_ref(&*member);
        let opening = Opening::shared(project, store, members, Arc::clone(clock))?;
        let connector = opening.calls.connector(member.instance()?.connection.clone());
        Ok(Way::File { connector, limits: Concurrency::new(limits(&project.0.project.reading)) })
    }
}

async fn carry_out(
    changes: &AccessChanges,
    (arguments, change): (&ChangeArguments, &AccessChange),
    output: Output,
) -> Result<Exit, Failure> {
    let plan = changes.plan(change).await.map_err(|error| failure(&error))?;
    let Some(plan) = plan else {
        return Ok(told(&arguments.connection, (None, None), output));
    };
    if output.format() == Format::Table {
        output::text(&shown(plan.contents(), plan.digest().as_str()));
    }
    let approval = if arguments.yes {
        Approval::Given
    } else {
        agreed(output)?;
        Approval::Plan(&plan)
    };
    let report = changes.apply(change, approval, &Actor::system()).await.map_err(|error| failure(&error))?;
    Ok(told(&arguments.connection, (Some(&plan), Some(&report)), output))
}

/// Tells how it ended; without a report nothing had to be done.
pub(super) fn told(
    connection: &str,
    (plan, report): (Option<&AccessPlan>, Option<&ChangeReport>),
    output: Output,
) -> Exit {
    let told = Told {
        connection,
        result: report.map_or(ChangeResult::Already, |report| report.result),
        plan: json!(plan.map(AccessPlan::to_value)),
        report: json!(report),
    };
    told.print(output)
}

/// Asks the person at the terminal.
pub(super) fn agreed(output: Output) -> Result<(), Failure> {
    if output.format() == Format::Json || !stdin().is_terminal() {
        return Err(Failure::BadInput(
            "nobody can be asked, since input is no terminal or data was asked for; `--yes` carries it out"
                .to_owned(),
        ));
    }
    output::complain("carry this out? [y/N]");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| Failure::failed(&error))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::Refused("nobody agreed; nothing was sent".to_owned()))
}

/// A failure, by the kind of error.
pub(super) fn failure(error: &ChangeError) -> Failure {
    match error.kind() {
        ChangeErrorKind::BadInput => Failure::bad_input(error),
        ChangeErrorKind::Refused => Failure::refused(error),
        ChangeErrorKind::Failed => Failure::failed(error),
    }
}
