//! The same by a server: it is asked for a sync, and its end is waited for.

use std::time::Duration;

use governance::{SyncOutcome, SyncReport};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Sync;
use super::told::{InventoryReply, Told};
use crate::arguments::Format;
use crate::client::{Answer, ServerAddress, connection_path, said};
use crate::command::governance::answer::rows;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::{OnServer, no_server};
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;

/// How long the server is to wait with its answer if nothing happens.
const WAIT_S: u64 = 25;
/// How long a server may say nothing until whoever waits is told.
const PATIENCE: Duration = Duration::from_mins(5);
/// Until a server that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(2);

/// How far a connection's syncs are.
#[derive(Debug, Deserialize)]
struct End {
    is_over: bool,
    sync: Standing,
    newest: Option<Newest>,
    inventory: Option<Inventory>,
}

#[derive(Debug, Deserialize)]
struct Inventory {
    incomplete: bool,
    #[serde(flatten)]
    kept: InventoryReply,
}

#[derive(Debug, Deserialize)]
struct Standing {
    label: String,
    lacks: Option<String>,
    last_error: Option<String>,
    paused_reason: Option<String>,
    paused_category: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Newest {
    report: Option<SyncReport>,
}

/// Asks, and waits.
pub(super) fn run(sync: &Sync, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    if sync.file.is_some() {
        return Err(no_server(
            "its inventory can be asked by `tutela governance … --server`; a file is written from a project",
        ));
    }
    runtime::run(async {
        let server = OnServer::open(address, output).await?;
        let place = Place { server: &server, sync };
        let answer = server.client().call((Method::POST, &place.path("")), Some(&json!(null))).await?;
        place.done(answer)?;
        let line = ProgressLine::of_person(output);
        let ended = tokio::select! {
            ended = place.wait(&line) => Some(ended),
            () = runtime::interrupted() => None,
        };
        line.finish();
        let Some(ended) = ended else {
            output::complain("interrupted; the sync goes on on the server");
            if output.format() == Format::Json {
                output::json(&json!({ "connection": sync.connection, "status": "interrupted" }));
            }
            return Ok(Exit::Incomplete);
        };
        place.tell(ended?, output).await
    })
}

impl Inventory {
    fn outcome(&self) -> SyncReport {
        let outcome = if self.incomplete { SyncOutcome::Incomplete } else { SyncOutcome::Complete };
        SyncReport { sync_id: None, outcome, requests: 0, kinds: Vec::new() }
    }
}

/// A connection of a server.
struct Place<'a> {
    server: &'a OnServer,
    sync: &'a Sync,
}

impl Place<'_> {
    fn path(&self, behind: &str) -> String {
        connection_path(&self.sync.connection, &format!("sync{behind}"))
    }

    fn done(&self, answer: Answer) -> Result<Value, Failure> {
        match answer.status {
            StatusCode::NOT_FOUND if !answer.body.is_null() => Err(Failure::BadInput(said(&answer.body))),
            StatusCode::CONFLICT => Err(Failure::Refused(said(&answer.body))),
            _ => answer.done(&self.path("")),
        }
    }

    /// Waits until nothing is under way any more. A connection that breaks is made again.
    async fn wait(&self, line: &ProgressLine) -> Result<End, Failure> {
        let path = self.path(&format!("/end?wait_s={WAIT_S}"));
        let mut heard = Instant::now();
        loop {
            let answer = match self.server.client().call((Method::GET, &path), None).await {
                Ok(answer) => answer,
                Err(failure) if heard.elapsed() > PATIENCE => return Err(failure),
                Err(_) => {
                    sleep(AGAIN).await;
                    continue;
                }
            };
            // It has too many who wait, or is being started again.
            let is_busy = answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error();
            if is_busy && heard.elapsed() <= PATIENCE {
                sleep(AGAIN).await;
                continue;
            }
            heard = Instant::now();
            let end = End::deserialize(self.done(answer)?).map_err(|_| rows::other_form())?;
            if end.is_over {
                return Ok(end);
            }
            line.note_request(&model::visible(&end.sync.label).to_lowercase());
        }
    }

    async fn tell(&self, end: End, output: Output) -> Result<Exit, Failure> {
        let End { sync: standing, newest, inventory, .. } = end;
        if let Some(lacks) = standing.lacks {
            return Err(Failure::BadInput(format!("the server cannot read it: {}", model::visible(&lacks))));
        }
        if standing.paused_category.as_deref() == Some("person") {
            let reason = standing.paused_reason.unwrap_or_default();
            return Err(Failure::Refused(format!("the connection is paused: {}", model::visible(&reason))));
        }
        let error = standing.last_error;
        // Of what a connector elsewhere has read there is no report, and the inventory tells.
        let of_inventory = inventory.as_ref().map(Inventory::outcome).filter(|_| error.is_none());
        // Beside an error, a report with a result is of a sync before it.
        let is_of_this = |report: &SyncReport| error.is_none() || report.outcome == SyncOutcome::Unfinished;
        let report = newest.and_then(|newest| newest.report).filter(is_of_this).or(of_inventory);
        let Some(report) = report else {
            let error =
                error.unwrap_or_else(|| "nothing was read; is the connection switched on?".to_owned());
            return Err(Failure::Failed(model::visible(&error).into_owned()));
        };
        let mut inventory = inventory.map(|inventory| inventory.kept).filter(|_| error.is_none());
        if let Some(kept) = inventory.as_mut().filter(|kept| kept.held.is_some() && self.sync.accept_shrink) {
            let path = self.path("/held/confirm");
            let answer = self.server.client().call((Method::POST, &path), Some(&json!(null))).await?;
            self.done(answer)?;
            kept.held = None;
        }
        let is_failed = error.is_some();
        let connection = &self.sync.connection;
        let told = Told { connection, report: &report, file: None, inventory, error: error.as_deref() };
        let exit = told.print(output);
        Ok(if is_failed { Exit::Failed } else { exit })
    }
}
