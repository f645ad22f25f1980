//! The same by a server.

use engine::Canceller;
use model::PrivacyRequestId;
use privacy::plan::Plan;
use serde_json::{Value, json};

use super::{PlanArguments, show, write};
use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::command::privacy::identity;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::{
    Asked, Followed, Needs, OnServer, Standing, Stands, Until, announce, check_identities, no_server,
};
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;

/// Has a plan made, shows it and writes it.
pub(super) fn run(
    arguments: &PlanArguments,
    address: &ServerAddress,
    output: Output,
) -> Result<Exit, Failure> {
    let again = arguments.run.as_ref().map(|run| run.request()).transpose()?;
    let (corrections, raised) = (arguments.corrections()?, arguments.raised.limits()?);
    if again.is_some() && !raised.is_empty() {
        return Err(no_server(
            "a request keeps the limits that it was made with; make another, without `--run`",
        ));
    }
    let needs = if corrections.is_empty() { Needs::Plan } else { Needs::Correction };
    let identities = identity::parse_all(&arguments.identities)?;
    check_identities(&identities)?;
    runtime::run(async {
        let server = OnServer::open(address, output).await?;
        let id = match (again, &arguments.policy) {
            (Some(id), _) => id.clone(),
            (None, policy) => {
                let policy = policy.as_deref().unwrap_or_default();
                server.policy(policy, needs).await?;
                let corrections = &corrections;
                server.make(&Asked { policy, identities: &identities, needs, corrections, raised }).await?
            }
        };
        announce(&id);
        match wait(&server, &id).await? {
            Waited::Planned(plan) => {
                if let Some(file) = &arguments.out {
                    write(file, &plan)?;
                }
                let flags = format!(" --request {id} {}", server.flag());
                Ok(show(&plan, (arguments.out.as_deref(), &flags), output))
            }
            Waited::Not { status, text, exit } => {
                match output.format() {
                    Format::Json => output::json(&json!({"request": id, "status": status})),
                    Format::Table => output::text(&format!("request {id}: {status}")),
                }
                output::complain(&text);
                Ok(exit)
            }
        }
    })
}

/// What waiting for a plan came to.
pub(in crate::command::privacy) enum Waited {
    /// The plan.
    Planned(Box<Plan>),
    /// None, and why; or nothing was to be done.
    Not {
        /// The request's status.
        status: String,
        /// For a person.
        text: String,
        /// How a command ends that waited for it alone.
        exit: Exit,
    },
}

/// Waits for the plan; Ctrl-C ends the wait and not the request.
pub(in crate::command::privacy) async fn wait(
    server: &OnServer,
    id: &PrivacyRequestId,
) -> Result<Waited, Failure> {
    let again = || format!("wait for the plan again: tutela privacy plan --run {id} {}", server.flag());
    let progress = ProgressLine::of_person(server.output());
    let (canceller, cancellation) = Canceller::new();
    let until = Until { is_there: &|stands| stands != Stands::UnderWay, deadline: None, cancellation };
    let work = server.follow(id, until, &progress);
    let followed = runtime::cancelled_when_interrupted(&canceller, work).await;
    progress.finish();
    let standing = match followed? {
        Followed::There(standing) | Followed::TimeUp(standing) => standing,
        Followed::Interrupted => {
            let text = format!(
                "interrupted; request {id} goes on on the server, and nothing is written for it \
                                until its plan is approved; {}",
                again()
            );
            return Ok(Waited::Not { status: "interrupted".to_owned(), text, exit: Exit::Incomplete });
        }
    };
    match standing.stands() {
        Stands::Plan | Stands::Jobs | Stands::Quiet | Stands::UnknownWrite | Stands::ByHand => {
            let plan = server.client().get(&format!("privacy-request/{id}/plan")).await?;
            read(&plan).map(|plan| Waited::Planned(Box::new(plan)))
        }
        Stands::Complete => finished(server, (id, &standing)).await,
        Stands::Wrong => Err(server.why((id, &standing)).await?),
        Stands::Ended => Err(Failure::Refused(format!("request {id} is {}", standing.words()))),
        Stands::Person | Stands::UnderWay => {
            let text = format!("{}\n{}", server.waits((id, &standing)), again());
            Ok(Waited::Not { status: standing.status.clone(), text, exit: Exit::Incomplete })
        }
    }
}

/// A request that is over: its plan, as long as it is kept. Without one there was nothing to do.
async fn finished(
    server: &OnServer,
    (id, standing): (&PrivacyRequestId, &Standing),
) -> Result<Waited, Failure> {
    let path = format!("privacy-request/{id}/plan");
    let answer = server.client().call((http::Method::GET, &path), None).await?;
    if answer.status.is_success() {
        return read(&answer.body).map(|plan| Waited::Planned(Box::new(plan)));
    }
    let text =
        format!("request {id} is over, and there is no plan any more: nothing is left to be done for it");
    Ok(Waited::Not { status: standing.status.clone(), text, exit: Exit::Done })
}

/// The plan as the server gives it. One that was changed on the way does not have its digest.
fn read(reply: &Value) -> Result<Plan, Failure> {
    let text = reply.get("plan").map(Value::to_string).unwrap_or_default();
    Plan::parse(&text).map_err(|error| Failure::Failed(format!("the server's plan cannot be used: {error}")))
}
