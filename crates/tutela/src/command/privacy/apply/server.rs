//! The same by a server.

use std::time::Duration;

use engine::Canceller;
use model::PrivacyRequestId;
use privacy::plan::Plan;
use serde_json::json;
use tokio::time::Instant;

use super::{Apply, exit};
use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::command::privacy::status;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::{Followed, OnServer, Standing, Stands, Until};
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;

/// Approves the plan, unless it was approved before, and waits until it is carried out.
pub(super) fn run(
    (apply, plan): (&Apply, &Plan),
    address: &ServerAddress,
    output: Output,
) -> Result<Exit, Failure> {
    let id = apply.request.as_ref().ok_or_else(|| {
        Failure::BadInput(
            "a server wants to know which request the plan is for: give its number, `--request pri_…`, as \
             `tutela privacy plan` printed it"
                .to_owned(),
        )
    })?;
    runtime::run(async {
        let server = OnServer::open(address, output).await?;
        let before = server.standing(id).await?;
        approve(&server, (id, &before), plan).await?;
        let Some(standing) = wait(&server, id, apply.wait).await? else {
            if output.format() == Format::Json {
                output::json(&json!({"request": id, "status": "interrupted"}));
            }
            return Ok(Exit::Incomplete);
        };
        show(&server, (id, &standing), output).await
    })
}

async fn approve(
    server: &OnServer,
    (id, before): (&PrivacyRequestId, &Standing),
    plan: &Plan,
) -> Result<(), Failure> {
    let digest = plan.digest().to_string();
    match (&before.plan, before.stands()) {
        (Some(theirs), _) if *theirs != digest => Err(Failure::Refused(format!(
            "request {id} has another plan by now, with the digest {theirs}; read that one: tutela privacy plan \
             --run {id} {}",
            server.flag()
        ))),
        (Some(_), Stands::Plan) => {
            server.act((id, "approve"), &json!({"digest": digest})).await?;
            Ok(())
        }
        // Approved before; what went wrong since is tried again, as it would be here.
        (Some(_), Stands::Wrong) => {
            server.act((id, "retry"), &json!(null)).await?;
            Ok(())
        }
        (Some(_), _) => Ok(()),
        (None, _) => Err(Failure::Refused(format!("{}; it has no plan", server.waits((id, before))))),
    }
}

/// Waits until there is nothing to wait for: at once for jobs of applications, unless they are to be
/// followed. `None` if a person does not want to wait.
async fn wait(
    server: &OnServer,
    id: &PrivacyRequestId,
    wait: Option<Duration>,
) -> Result<Option<Standing>, Failure> {
    let progress = ProgressLine::of_person(server.output());
    let (canceller, cancellation) = Canceller::new();
    let until = Until {
        is_there: &|stands| match stands {
            Stands::UnderWay => false,
            Stands::Jobs => wait.is_none(),
            Stands::Quiet
            | Stands::Plan
            | Stands::UnknownWrite
            | Stands::Person
            | Stands::ByHand
            | Stands::Wrong
            | Stands::Complete
            | Stands::Ended => true,
        },
        deadline: wait.and_then(|wait| Instant::now().checked_add(wait)),
        cancellation,
    };
    let work = server.follow(id, until, &progress);
    let followed = runtime::cancelled_when_interrupted(&canceller, work).await;
    progress.finish();
    match followed? {
        Followed::There(standing) | Followed::TimeUp(standing) => Ok(Some(standing)),
        Followed::Interrupted => {
            output::complain(&format!(
                "interrupted; request {id} goes on on the server; look at it: {}",
                server.look_later(id)
            ));
            Ok(None)
        }
    }
}

/// Shows what became of each operation, and ends as the command does without a server.
async fn show(
    server: &OnServer,
    (id, standing): (&PrivacyRequestId, &Standing),
    output: Output,
) -> Result<Exit, Failure> {
    let wrong = match standing.stands() {
        Stands::Wrong => Some(server.why((id, standing)).await?),
        Stands::Ended => Some(Failure::Refused(format!("request {id} is {}", standing.words()))),
        Stands::UnderWay
        | Stands::Jobs
        | Stands::Quiet
        | Stands::Plan
        | Stands::UnknownWrite
        | Stands::Person
        | Stands::ByHand
        | Stands::Complete => None,
    };
    let attention = standing.attention.as_deref().unwrap_or_default();
    match (server.operations(id).await?, wrong) {
        // Writes went wrong: which ones is what matters.
        (Some(found), Some(_)) if attention == "write_failed" => {
            status::show(&found, output);
            Ok(exit(&found, (id.as_str(), &format!(" {}", server.flag())), output))
        }
        (_, Some(failure)) => Err(failure),
        (Some(found), None) => {
            status::show(&found, output);
            Ok(exit(&found, (id.as_str(), &format!(" {}", server.flag())), output))
        }
        (None, None) => Err(Failure::Failed(server.waits((id, standing)))),
    }
}
