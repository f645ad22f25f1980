use std::time::Duration;

use engine::{Cancellation, Canceller};
use messages::Sender;
use serde_json::json;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime;
use crate::server::{Listening, MetricsPort, ServerArgument, ServerState, keep_up, router};

/// How to serve.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela serve --data ./data
  tutela serve --listen 0.0.0.0:8443 --data /var/lib/tutela --config server.yml
  TUTELA_CLIENT_ID=setup TUTELA_CLIENT_SECRET=… tutela serve --data ./data

Prints its address once it answers calls, and runs until Ctrl-C or SIGTERM. On the first start, an account
called `owner` is made and its password is shown; TUTELA_OWNER_USERNAME and TUTELA_OWNER_PASSWORD name
others. TUTELA_CLIENT_ID and TUTELA_CLIENT_SECRET name a client with all scopes.")]
pub(crate) struct Serve {
    #[command(flatten)]
    server: ServerArgument,
}

/// Serves until somebody asks it to end.
pub(crate) fn run(serve: &Serve, output: Output) -> Result<Exit, Failure> {
    let settings = serve.server.load(output)?;
    let place = serve.server.state(&settings)?;
    runtime::run(async {
        let state = ServerState::open(settings, place).await?;
        let control = state.control()?;
        let router = router(&state, control.clone())?;
        // Nobody is answered, /health least of all, before the tables are up to date.
        let listening = Listening::open(&state.settings.server).await?;
        let metrics = MetricsPort::open(state.settings.server.metrics_listen).await?;
        let interrupted = runtime::hear_interruption().await;
        announce(&listening.url(), metrics.url().as_deref(), output);
        let numbers = api::metrics_router(state.store.clone(), state.telemetry.clone());
        let metrics = tokio::spawn(metrics.serve(numbers));
        let upkeep =
            tokio::spawn(keep_up(state.store.clone(), state.place.clone(), state.promises(Some(control))));
        let (stop, cancellation) = Canceller::new();
        let worker = state.worker()?;
        let mail = tokio::spawn(send(state.sender(), cancellation.clone()));
        let told = cancellation.clone();
        let (access, stopped) = (state.access_worker(), cancellation.clone());
        let access = tokio::spawn(async move { access.run(stopped).await });
        let work = tokio::spawn(async move { worker.run(cancellation).await });
        // One deadline for all: calls, work and mail under way end beside each other.
        let patience = state.settings.server.drain_wait + state.settings.server.shutdown_wait;
        let sending = mail.abort_handle();
        let under_way = async {
            told.cancelled().await;
            let_go(async { tokio::join!(work, mail, access) }, patience, output).await;
        };
        let serving = listening.serve(router, ended(&state, &stop, interrupted));
        let (given_up, ()) = tokio::join!(serving, under_way);
        sending.abort();
        upkeep.abort();
        metrics.abort();
        state.store.close().await;
        if given_up > 0 {
            output::complain(&format!("warning: {given_up} connections were still busy and were closed"));
        }
        Ok(Exit::Done)
    })
}

/// Completes when no more calls are to be taken: some time after somebody asked the server to end, in
/// which `/ready` sends calls elsewhere.
async fn ended(state: &ServerState, stop: &Canceller, interrupted: impl Future<Output = ()>) {
    interrupted.await;
    stop.cancel();
    state.telemetry.end();
    tokio::time::sleep(state.settings.server.drain_wait).await;
}

/// Sends messages until the server is told to end. What is then still being sent is sent again by whoever
/// comes next, as the same message.
pub(super) async fn send(sender: Sender, cancellation: Cancellation) {
    sender.run(cancellation.cancelled()).await;
}

/// Waits until the worker let go of its requests, and mail under way is sent. One that does not in time is
/// taken for gone by the others, which go on with what it had.
pub(super) async fn let_go(work: impl Future, patience: Duration, _output: Output) {
    if tokio::time::timeout(patience, work).await.is_err() {
        output::complain(
            "warning: requests or messages were still being worked on; whoever comes next goes on with them",
        );
    }
}

fn announce(url: &str, metrics: Option<&str>, output: Output) {
    match (output.format(), metrics) {
        (Format::Json, None) => output::json_line(&json!({ "url": url })),
        (Format::Json, Some(metrics)) => output::json_line(&json!({ "url": url, "metrics": metrics })),
        (Format::Table, None) => output::text(&format!("listening on {url}")),
        (Format::Table, Some(metrics)) => output::text(&format!("listening on {url}, numbers at {metrics}")),
    }
}
