use engine::Canceller;
use serde_json::json;

use super::serve::{let_go, send};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime;
use crate::server::{MetricsPort, ServerArgument, ServerState, keep_up};

/// What to work on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela worker --data ./data --state postgres://tutela@db.example.com/tutela
  tutela worker --data /var/lib/tutela --config server.yml

Carries out the requests of people, beside `tutela serve`, which does so too. Start and kill as many as you
like: all share the state, and what one leaves another goes on with. All of them need the same master key.
Runs until Ctrl-C or SIGTERM, and then lets go of its requests where they stand.")]
pub(crate) struct Worker {
    #[command(flatten)]
    server: ServerArgument,
}

/// Works until somebody asks it to end.
pub(crate) fn run(worker: &Worker, output: Output) -> Result<Exit, Failure> {
    let settings = worker.server.load(output)?;
    let place = worker.server.state(&settings)?;
    runtime::run(async {
        let state = ServerState::open_as("worker", settings, place).await?;
        let worker = state.worker()?;
        let metrics = MetricsPort::open(state.settings.server.metrics_listen).await?;
        let numbers = api::metrics_router(state.store.clone(), state.telemetry.clone());
        let metrics = tokio::spawn(metrics.serve(numbers));
        let interrupted = runtime::hear_interruption().await;
        match output.format() {
            Format::Json => output::json_line(&json!({ "worker": state.name })),
            Format::Table => output::text(&format!("working as {}", state.name)),
        }
        let upkeep = tokio::spawn(keep_up(state.store.clone(), state.place.clone(), state.promises(None)));
        let (stop, cancellation) = Canceller::new();
        let mail = tokio::spawn(send(state.sender(), cancellation.clone()));
        let (access, stopped) = (state.access_worker(), cancellation.clone());
        let access = tokio::spawn(async move { access.run(stopped).await });
        let work = tokio::spawn(async move { worker.run(cancellation).await });
        interrupted.await;
        stop.cancel();
        let sending = mail.abort_handle();
        let under_way = async { tokio::join!(work, mail, access) };
        let_go(under_way, state.settings.server.shutdown_wait, output).await;
        sending.abort();
        upkeep.abort();
        metrics.abort();
        state.store.close().await;
        Ok(Exit::Done)
    })
}
