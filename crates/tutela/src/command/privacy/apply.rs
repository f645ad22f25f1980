mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::Canceller;
use model::{Outcome, PrivacyRequestId};
use privacy::plan::{Plan, PlanDigest, PlanError};
use privacy::{ApplyError, ApplyOptions, PrivacyService, RunStatus, Verdict};

use super::status;
use crate::arguments::Format;
use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;
use crate::service::{ServiceArgument, actor, forget_expired};

/// Which plan, and by whose word.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy apply plan.json --approve sha256:…
  tutela privacy apply --project shop/tutela.yml plan.json --approve sha256:… --wait 2h
  tutela privacy apply plan.json --approve sha256:… --request pri_… --server https://tutela.example.com

Reads everything again first: if a value that a write uses, or a file, policy, secret or limit changed, it
shows what and sends nothing. Sends exactly what stands in the plan, each write once. The same command again
goes on where the last one stopped. Ends with 0 if all is done, with 3 while something is accepted, failed,
unknown or not possible, with 1 if nothing took effect because all of it failed, with 4 if nothing may be
sent.

With --server the plan that waits there is approved and the server carries it out; Ctrl-C leaves it at work.
The same command again waits for it.")]
pub(crate) struct Apply {
    #[command(flatten)]
    service: ServiceArgument,
    /// Plan file that `tutela privacy plan` wrote.
    plan: PathBuf,
    /// Digest of the plan that you read.
    #[arg(long, value_name = "DIGEST")]
    approve: String,
    /// With `--server`: number of the request that the plan was made for, `pri_…`.
    #[arg(long, value_name = "REQUEST")]
    request: Option<PrivacyRequestId>,
    /// How long to follow jobs that applications go on with, as in `2h`; without it they are asked once.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
}

/// Carries out a plan.
pub(crate) fn run(apply: &Apply, output: Output) -> Result<Exit, Failure> {
    let plan = read(&apply.plan)?;
    let approved: PlanDigest = apply.approve.trim().parse().map_err(|_| {
        Failure::Refused(format!(
            "what `--approve` says is no digest; the plan's is {}, if that is what you read",
            plan.digest()
        ))
    })?;
    plan.check_approval(&approved).map_err(|error| Failure::refused(&error))?;
    if let Some(address) = apply.service.server.address()? {
        return server::run((apply, &plan), &address, output);
    }
    if let Some(request) = &apply.request {
        return Err(Failure::BadInput(format!(
            "{request} is a request of a server; name the server with `--server`"
        )));
    }
    runtime::run(async {
        let service = apply.service.open(output).await?;
        let applied = carry_out(&service, &plan, apply.wait, output).await;
        forget_expired(&service).await;
        let status = match applied? {
            Applied::Status(status) => status,
            Applied::Stopped => return Ok(Exit::Incomplete),
        };
        status::show(&status, output);
        Ok(exit(&status, (&status.run.to_string(), ""), output))
    })
}

/// How a plan was carried out.
pub(crate) enum Applied {
    /// As far as it goes now.
    Status(Box<RunStatus>),
    /// A person stopped it on the way.
    Stopped,
}

/// Carries out a plan that was approved; Ctrl-C lets the write that is under way end and stops.
pub(crate) async fn carry_out(
    service: &PrivacyService,
    plan: &Plan,
    wait: Option<Duration>,
    output: Output,
) -> Result<Applied, Failure> {
    let (canceller, cancellation) = Canceller::new();
    let progress = ProgressLine::of_person(output);
    let options = ApplyOptions { wait, cancellation, ..ApplyOptions::new(actor()) };
    let on_progress = |event| progress.note_apply(&event);
    let work = Box::pin(service.apply(plan, plan.digest(), options, &on_progress));
    let applied = runtime::cancelled_when_interrupted(&canceller, work).await;
    progress.finish();
    match applied {
        Ok(status) => Ok(Applied::Status(Box::new(status))),
        Err(error @ ApplyError::Stopped { .. }) => {
            output::complain(&error.to_string());
            Ok(Applied::Stopped)
        }
        Err(error) if error.is_refusal() => Err(Failure::refused(&error)),
        Err(ApplyError::Reading(error)) => Err(super::plan::failure(&error)),
        Err(error) => Err(Failure::failed(&error)),
    }
}

/// Reads a plan file. One that was changed is refused like a wrong digest; nothing of it is shown.
fn read(path: &Path) -> Result<Plan, Failure> {
    let source = files::read_plan(path)?;
    Plan::parse(source.text()).map_err(|error| {
        let text = format!("{}: {error}", path.display());
        match error {
            PlanError::NotJson { .. } | PlanError::NotAPlan => Failure::BadInput(text),
            PlanError::OtherVersion
            | PlanError::NoDigest
            | PlanError::Changed { .. }
            | PlanError::Shape { .. }
            | PlanError::Order { .. }
            | PlanError::UnknownConnection { .. }
            | PlanError::NotApproved { .. } => Failure::Refused(text),
        }
    })
}

/// How the command ends, and what to do next: by commands that take this name, with these flags.
fn exit(status: &RunStatus, (name, flags): (&str, &str), output: Output) -> Exit {
    let exit = match status.verdict() {
        Verdict::Good => Exit::Done,
        Verdict::Incomplete => Exit::Incomplete,
        Verdict::Failed => Exit::Failed,
    };
    if output.format() == Format::Table {
        let unknown = status.operations.iter().find(|operation| operation.outcome == Some(Outcome::Unknown));
        if status.has_open_jobs() {
            output::complain(&format!(
                "\nAn application goes on by itself. Look again later, or follow it with `--wait`:\n  \
                 tutela privacy status {name}{flags}"
            ));
        } else if let Some(operation) = unknown {
            output::complain(&format!(
                "\nNobody knows whether operation {} took effect. Look it up in the application, then:\n  \
                 tutela privacy resolve {name} {} --took-effect{flags}   (or --did-not)",
                operation.order, operation.order
            ));
        } else if exit == Exit::Done {
            output::complain(&format!("\nSee whether it is true:\n  tutela privacy verify {name}{flags}"));
        }
    }
    exit
}
