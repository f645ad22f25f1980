//! What the commands that change access share: the plan is shown, somebody agrees, and the end is told.

use std::io::{IsTerminal as _, stdin};
use std::sync::Arc;

use engine::Concurrency;
use governance::change::{
    AccessChange, AccessChanges, AccessPlan, Action, Approval, ChangeError, ChangeErrorKind, ChangeParts,
    ChangeReport, ChangeResult,
};
use model::{Clock, RandomIds, SystemClock};
use serde_json::json;
use spec::connector_file::Service;
use store::Actor;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::project::{Opening, ProjectArgument, ProjectFile, limits};
use crate::runtime;
use crate::service::worker;
use crate::state::StateArgument;

/// Which connection, and whether somebody is asked.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArguments {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    /// Key of the connection in the project.
    #[arg(long, value_name = "KEY")]
    connection: String,
    /// Carry it out without asking.
    #[arg(long)]
    yes: bool,
}

/// Plans the change, shows the plan, and carries it out if somebody agrees.
pub(super) fn run(
    arguments: &ChangeArguments,
    change: &AccessChange,
    output: Output,
) -> Result<Exit, Failure> {
    let file = ProjectFile::load(&arguments.project.project, output)?;
    let state = arguments.state.settings(&arguments.project.project)?;
    let instance = file.instance_for(&arguments.connection, Service::Governance, output)?;
    let member = file.member_for(&arguments.connection, Service::Governance, output)?;
    runtime::run(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (open, worker) = (state.open(Arc::clone(&clock)).await?, worker());
        let members = std::slice::from_ref(&member);
        let opening = Opening::shared((&file, &state), (&open.store, &worker), members, Arc::clone(&clock))?;
        let parts = ChangeParts {
            connector: opening.calls.connector(instance.connection.clone()),
            store: open.store.clone(),
            limits: Concurrency::new(limits(&file.project.reading)),
            clock,
            ids: Arc::new(RandomIds),
            worker,
        };
        let changes = AccessChanges::new(parts).map_err(|error| failure(&error))?;
        carry_out(&changes, (arguments, change), output).await
    })
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
        output::text(&shown(&plan));
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

/// Asks the person at the terminal.
fn agreed(output: Output) -> Result<(), Failure> {
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

fn failure(error: &ChangeError) -> Failure {
    match error.kind() {
        ChangeErrorKind::BadInput => Failure::bad_input(error),
        ChangeErrorKind::Refused => Failure::refused(error),
        ChangeErrorKind::Failed => Failure::failed(error),
    }
}

/// The plan for a person.
fn shown(plan: &AccessPlan) -> String {
    let contents = plan.contents();
    let change = &contents.change;
    let name = |name: &Option<String>, id: String| match name {
        Some(name) if *name != id => format!("{name} ({id})"),
        Some(_) | None => id,
    };
    let entitlement =
        change.entitlement.clone().map(|id| name(&change.entitlement_name, id)).unwrap_or_default();
    let resource = name(&change.resource_name, change.resource.to_string());
    let principal =
        change.principal.as_ref().map(|id| name(&change.principal_name, id.to_string())).unwrap_or_default();
    let mut lines = vec![match change.action {
        Action::Grant => format!("give   {entitlement}\nto     {principal}"),
        Action::Revoke => format!("take   {entitlement}\nfrom   {principal}"),
        Action::Delete => format!("remove {resource}"),
        Action::Create => {
            let params = change.params.iter().map(|(name, value)| format!(" {name}={value}"));
            format!("make   {}{}", change.resource.kind, params.collect::<String>())
        }
    }];
    let request = &contents.request;
    lines.push(format!("sends  {} {}", request.method, request.url));
    lines.extend(request.body.as_ref().map(|body| format!("       {body}")));
    for besides in &contents.besides {
        let whose = match (&besides.principal, &besides.holders_of) {
            (Some(principal), _) => principal.to_string(),
            (None, Some(of)) => format!("everybody who holds {of}"),
            (None, None) => "others".to_owned(),
        };
        lines.push(format!("takes besides {} from {whose}", besides.entitlement));
    }
    for through in &contents.still_through {
        lines.push(format!("still reachable through {} ({})", through.display_name, through.name));
    }
    lines.push(format!("plan   {}", plan.digest()));
    lines.join("\n")
}

/// Tells how it ended; without a report nothing had to be done.
fn told(
    connection: &str,
    (plan, report): (Option<&AccessPlan>, Option<&ChangeReport>),
    output: Output,
) -> Exit {
    let result = report.map_or(ChangeResult::Already, |report| report.result);
    match output.format() {
        Format::Json => output::json(&json!({
            "connection": connection,
            "result": result.as_str(),
            "plan": plan.map(AccessPlan::to_value),
            "report": report,
        })),
        Format::Table => {
            let text = match result {
                ChangeResult::Already => "it is so already; nothing was sent".to_owned(),
                ChangeResult::Confirmed => "done, and confirmed by reading".to_owned(),
                ChangeResult::StillReachable => {
                    let through = report.map(|report| report.through.as_slice()).unwrap_or_default();
                    let names: Vec<&str> = through.iter().map(|one| one.display_name.as_str()).collect();
                    format!("done; still reachable through {}", names.join(", "))
                }
                ChangeResult::DoneButNotVisible => "done, and not visible yet".to_owned(),
                ChangeResult::Failed => "failed".to_owned(),
                ChangeResult::Unknown => "unknown".to_owned(),
            };
            output::text(&text);
            if let Some(report) = report
                && let Some(note) = &report.note
            {
                let detail =
                    report.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
                output::complain(&format!("{note}{detail}"));
            }
        }
    }
    match result {
        ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable => Exit::Done,
        ChangeResult::DoneButNotVisible => Exit::Incomplete,
        ChangeResult::Failed | ChangeResult::Unknown => Exit::Failed,
    }
}
