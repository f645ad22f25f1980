use serde_json::json;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime;
use crate::server::{Listening, ServerArgument, ServerState, keep_up, router};

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
        let router = router(&state)?;
        // Nobody is answered, /health least of all, before the tables are up to date.
        let listening = Listening::open(&state.settings.server).await?;
        announce(&listening.url(), output);
        let upkeep = tokio::spawn(keep_up(state.store.clone(), state.place.clone()));
        let given_up = listening.serve(router, runtime::interrupted()).await;
        upkeep.abort();
        state.store.close().await;
        if given_up > 0 {
            output::complain(&format!("warning: {given_up} connections were still busy and were closed"));
        }
        Ok(Exit::Done)
    })
}

fn announce(url: &str, output: Output) {
    match output.format() {
        Format::Json => output::json_line(&json!({ "url": url })),
        Format::Table => output::text(&format!("listening on {url}")),
    }
}
