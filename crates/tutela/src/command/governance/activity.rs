mod keep;
mod server;

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::Concurrency;
use governance::activity::{
    AccountUse, ActivityError, ActivityEvent, ActivityLog, ActivityOutcome, ActivityReport, ActivitySpan,
    LastUse,
};
use jiff::Timestamp;
use model::{Clock, SystemClock};
use serde::Serialize;
use serde_json::json;
use spec::connector_file::Service;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::moment::moment;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{Opening, Part, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::worker;
use crate::state::StateArgument;
use crate::table::table;

/// Whose events, and from when to when.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela governance activity --connection segment --since 2026-03-01
  tutela governance activity --connection segment --since 2026-03-01T00:00:00Z --until 2026-03-08 --format json
  tutela governance activity --connection segment --since 2026-01-01 --last-use
  tutela governance activity --connection segment --keep

Events are written one by one as they come. As data, each is a line `{\"event\": …}`, and the last line is
`{\"activity\": …}`: from when on was read, how it ended, and why something is missing.

Ends with 0, with 3 if something is missing (the application has forgotten it, a page failed, an event is not
understood), with 1 if nothing could be read.")]
pub(crate) struct Activity {
    #[command(flatten)]
    pub(super) project: ProjectArgument,
    #[command(flatten)]
    pub(super) state: StateArgument,
    #[command(flatten)]
    pub(super) server: ServerOption,
    /// Key of the connection in the project or on the server.
    #[arg(long, value_name = "KEY")]
    connection: String,
    /// From when on: a date, or a time with its offset. With `--keep`, where the last reading ended.
    #[arg(long, value_name = "TIME", value_parser = moment, required_unless_present = "keep")]
    since: Option<Timestamp>,
    /// Up to when; the present if it is left out.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "keep")]
    until: Option<Timestamp>,
    /// Show when each account was last seen, and what it last did something to, in place of the events.
    #[arg(long, conflicts_with = "keep")]
    last_use: bool,
    /// Keep beside the inventory when each account was last seen, and what it last did something to, so that `unused`
    /// and `accounts --unused-for` can tell what was not used.
    #[arg(long)]
    keep: bool,
}

impl Activity {
    /// From when on. It is there unless events are kept.
    fn beginning(&self) -> Timestamp {
        self.since.unwrap_or(Timestamp::MIN)
    }
}

/// Reads, and writes what comes.
pub(crate) fn run(activity: &Activity, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = activity.server.address()? {
        if activity.keep {
            return Err(Failure::BadInput(
                "a server (`--server`, TUTELA_SERVER) keeps events of use with each sync by itself; leave out `--keep`"
                    .to_owned(),
            ));
        }
        return server::run(activity, &address, output);
    }
    let file = ProjectFile::load(&activity.project.project, output)?;
    let state = activity.state.settings(&activity.project.project)?;
    let member = file.member_for(&activity.connection, Service::Governance, output)?;
    let Part::Connector(instance) = &member.part else {
        return Err(Failure::BadInput(format!(
            "`{}` is a database, which keeps no list of what was done; name a connection of an application",
            member.entry.key
        )));
    };
    runtime::run_until_interrupted(async {
        let store = state.open(Arc::new(SystemClock)).await?.store;
        let (clock, worker): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), worker());
        let members = std::slice::from_ref(&member);
        let opening = Opening::shared((&file, &state), (&store, &worker), members, Arc::clone(&clock))?;
        let connector = opening.calls.connector(instance.connection.clone());
        let bound = Concurrency::new(limits(&file.project.reading));
        let log = ActivityLog::new(connector, bound, clock).map_err(|error| failure(&error))?;
        if activity.keep {
            return keep::run(&log, (&store, activity.since), output).await;
        }
        let span = ActivitySpan { since: activity.beginning(), until: activity.until };
        let mut told = Told { last_use: activity.last_use, last: LastUse::default(), output };
        let report = log
            .read(span, &mut |event| {
                told.event(&event);
                ControlFlow::Continue(())
            })
            .await
            .map_err(|error| failure(&error))?;
        Ok(told.end(&report))
    })
}

/// What came so far, and how it is told, wherever it is read.
struct Told {
    last_use: bool,
    last: LastUse,
    output: Output,
}

impl Told {
    /// One more.
    fn event(&mut self, event: &ActivityEvent) {
        if self.last_use {
            self.last.note(event);
        } else {
            show_event(event, self.output);
        }
    }

    /// That was all; how the command ends.
    fn end(&self, report: &ActivityReport) -> Exit {
        if self.last_use {
            show_last_use(report, &self.last, self.output);
        } else if self.output.format() == Format::Json {
            output::json_line(&json!({ "activity": report }));
        }
        if let (Some(reason), Format::Table) = (&report.reason, self.output.format()) {
            output::complain(&model::visible(&format!("incomplete: {reason}")));
        }
        match report.outcome {
            ActivityOutcome::Complete => Exit::Done,
            ActivityOutcome::Incomplete => Exit::Incomplete,
        }
    }
}

fn failure(error: &ActivityError) -> Failure {
    match error {
        ActivityError::NoActivity { .. }
        | ActivityError::NotHere { .. }
        | ActivityError::EndBeforeBeginning
        | ActivityError::Expression(_) => Failure::bad_input(error),
        ActivityError::Read(_) => Failure::failed(error),
    }
}

fn show_event(event: &ActivityEvent, output: Output) {
    match output.format() {
        Format::Json => output::json_line(&json!({ "event": event })),
        Format::Table => {
            let actor = event.actor.as_ref().map(|actor| {
                let name = actor.email.as_ref().or(actor.id.as_ref());
                name.map_or_else(String::new, |name| format!("{} {name}", actor.kind))
            });
            let resource = event.resource.as_ref().map(|resource| {
                let name = resource.display_name.as_ref().unwrap_or(&resource.id);
                format!("{} {name}", resource.kind)
            });
            let parts = [actor.unwrap_or_default(), event.action.clone(), resource.unwrap_or_default()];
            // Whoever made the event chose these words; no terminal is to obey them.
            output::text(&model::visible(&format!("{}  {}", event.time, parts.join("  "))));
        }
    }
}

/// What a program gets of the last use.
#[derive(Debug, Serialize)]
struct Uses<'a> {
    activity: &'a ActivityReport,
    /// Whether not everything that accounts did something to is there.
    resources_cut: bool,
    last_use: Vec<AccountUse>,
}

fn show_last_use(report: &ActivityReport, last: &LastUse, output: Output) {
    let accounts = last.accounts();
    match output.format() {
        Format::Json => {
            output::json(&Uses { activity: report, resources_cut: last.is_cut(), last_use: accounts });
        }
        Format::Table => {
            let rows = accounts.into_iter().map(|used| {
                let account = used.account.map(|name| name.to_string()).or(used.email).unwrap_or_default();
                [
                    model::visible(&account).into_owned(),
                    used.last_used.to_string(),
                    used.resources.len().to_string(),
                ]
            });
            output::text(&table(["Account", "Last use", "Resources"], rows, &[2]));
        }
    }
}
