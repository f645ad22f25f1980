//! The same by a server.

use jiff::Timestamp;
use model::{IdSource as _, PrivacyRequestId, RandomIds};
use serde::Deserialize;
use serde_json::json;

use super::{Line, Replay, show};
use crate::client::ServerAddress;
use crate::command::privacy::plan::server::{Waited, wait};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::on_server::{OnServer, announce};
use crate::output::{self, Output};
use crate::runtime;

/// What a server made of its journal.
#[derive(Debug, Deserialize)]
struct Made {
    replayed: Vec<Entry>,
    cut_lines: u64,
}

/// One entry of it.
#[derive(Debug, Deserialize)]
struct Entry {
    erased_by: String,
    erased_at: Timestamp,
    policy: String,
    request: Option<String>,
    problem: Option<String>,
}

impl Entry {
    fn id(&self) -> Option<PrivacyRequestId> {
        self.request.as_ref().and_then(|id| id.parse().ok())
    }
}

/// Has requests made and planned, and writes their plans. Ctrl-C leaves the requests there.
pub(super) fn run(replay: &Replay, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    runtime::run(async {
        let server = OnServer::open(address, output).await?;
        let made = ask(&server, replay.since).await?;
        files::make_own_folder(&replay.out).map_err(|error| Failure::unwritable(&replay.out, &error))?;
        let ids: Vec<Option<PrivacyRequestId>> = made.replayed.iter().map(Entry::id).collect();
        ids.iter().flatten().for_each(announce);
        let (mut lines, mut is_over) = (Vec::with_capacity(made.replayed.len()), false);
        for (entry, id) in made.replayed.iter().zip(&ids) {
            let mut line = Line::of(&entry.erased_by, entry.erased_at, &entry.policy);
            line.request = id.as_ref().map(ToString::to_string);
            match id {
                None => {
                    line.problem =
                        Some(entry.problem.clone().unwrap_or_else(|| "it does not say why".to_owned()));
                }
                Some(id) if is_over => line.problem = Some(later(&server, id)),
                Some(id) => is_over = plan(&server, (id, &mut line), replay).await?,
            }
            lines.push(line);
        }
        let exit = show(&lines, made.cut_lines, output);
        if lines.iter().any(|line| line.plan.is_some()) {
            output::complain(&format!(
                "\nRead each plan. If it is right, carry out exactly this and nothing else:\n  tutela privacy apply \
                 PLAN --approve DIGEST --request pri_… {}",
                server.flag()
            ));
        }
        Ok(exit)
    })
}

/// Waits for one plan and writes it; says whether nobody wants to wait any more.
async fn plan(
    server: &OnServer,
    (id, line): (&PrivacyRequestId, &mut Line),
    replay: &Replay,
) -> Result<bool, Failure> {
    match wait(server, id).await {
        Ok(Waited::Planned(plan)) => line.planned(&plan, replay)?,
        // Nothing of what was erased is back.
        Ok(Waited::Not { exit: Exit::Done, .. }) => {}
        Ok(Waited::Not { status, text, .. }) => {
            line.problem = Some(text);
            return Ok(status == "interrupted");
        }
        Err(Failure::BadInput(text) | Failure::Failed(text) | Failure::Refused(text)) => {
            line.problem = Some(text);
        }
        Err(shown @ Failure::Shown(_)) => return Err(shown),
    }
    Ok(false)
}

fn later(server: &OnServer, id: &PrivacyRequestId) -> String {
    format!("nobody waited for its plan: tutela privacy plan --run {id} {}", server.flag())
}

/// Has the requests made. Sent again under the same key if the answer gets lost: nothing is made twice.
async fn ask(server: &OnServer, since: Timestamp) -> Result<Made, Failure> {
    let key = RandomIds.next_uuid().to_string();
    let body = json!({"since": since.to_string()});
    let reply = server.until_answered("privacy-request/replay", (&key, &body)).await?;
    serde_json::from_value(reply).map_err(|_| {
        Failure::Failed(format!(
            "what the server at {} made of its journal has a form that this program does not know",
            server.client().address()
        ))
    })
}
