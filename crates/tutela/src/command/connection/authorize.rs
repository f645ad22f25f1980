mod loopback;
mod server;

use std::sync::Arc;
use std::time::Duration;

use connector::{AuthorizationCode, Connector, Secrets};
use crypto::AccessToken;
use model::{Clock, SystemClock, visible};
use serde_json::json;
use spec::connector_file::Authentication;
use url::Url;

use super::test::{Line, test_request};
use crate::arguments::Format;
use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{Opening, Part, ProjectArgument, ProjectFile};
use crate::runtime;
use crate::service::worker;
use crate::state::StateArgument;

use loopback::{Loopback, Place};

/// Which connection.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connection authorize profiles
  tutela connection authorize profiles --project ./shop/tutela.yml --no-browser
  tutela connection authorize profiles --server https://tutela.example.com

For a connector file with `oauth2_authorization_code`. Register `http://127.0.0.1/callback` as a redirect
address at the application, and give the connection the same as its secret `redirect_uri`: this program
listens there, on a free port, until the browser comes back. An application that takes no other port than
the registered one wants it in both, as in `http://127.0.0.1:8765/callback`. The tokens are kept sealed in
the state, where requests find them and keep them fresh.

With --server people come back to the server. Where it has tokens already, the wait ends with the next test
of the connection, whoever asked for it.

Ends with 0 if the connection works now, with 3 if it is authorized and its test request fails.")]
pub(crate) struct Authorize {
    /// Key of the connection in the project, or on the server.
    connection: String,
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
    /// How long to wait for the browser to come back.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "15m")]
    timeout: Duration,
    /// Only print the address that is to be opened in a browser.
    #[arg(long)]
    no_browser: bool,
}

/// Sends a person to the application's page and waits until they come back.
pub(crate) fn run(authorize: &Authorize, output: Output) -> Result<Exit, Failure> {
    if let Some(address) = authorize.server.address()? {
        return server::run(authorize, &address, output);
    }
    let file = ProjectFile::load(&authorize.project.project, output)?;
    let member = file.member(&authorize.connection, output)?;
    let Part::Connector(instance) = &member.part else {
        return Err(Failure::BadInput(format!(
            "`{}` is a database, which nobody authorizes",
            authorize.connection
        )));
    };
    if !matches!(
        instance.connection.file.client_config.authentication,
        Some(Authentication::OAuth2AuthorizationCode { .. })
    ) {
        return Err(Failure::BadInput(format!(
            "`{}` is not authorized by a person: its connector file does not use `oauth2_authorization_code`",
            authorize.connection
        )));
    }
    let place = Place::of(&member.secrets)?;
    let state = authorize.state.settings(&authorize.project.project)?;
    runtime::run_until_interrupted(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (store, worker) = (state.open(Arc::clone(&clock)).await?.store, worker());
        let members = [member.clone()];
        // Under the secrets as the project has them, so that runs find the tokens.
        let opening = Opening::shared((&file, &state), (&store, &worker), &members, clock)?;
        let loopback = Loopback::listen(place).await?;
        let mut away = instance.connection.clone();
        let with_redirect = member.secrets.iter().cloned().chain([loopback.secret()]).collect();
        away.secrets = Arc::new(Secrets::new(with_redirect));
        take_tokens(&opening.calls.connector(away), loopback, authorize, output).await?;
        let tried = test_request(&opening.calls.connector(instance.connection.clone())).await;
        Ok(show(&authorize.connection, &tried, output))
    })
}

/// The way to the application's page and back, and the code for the tokens.
async fn take_tokens(
    connector: &Connector,
    loopback: Loopback,
    authorize: &Authorize,
    output: Output,
) -> Result<(), Failure> {
    let (state, verifier) = (AccessToken::random(), AccessToken::random());
    let url = connector.authorization_url(state.text(), verifier.text());
    send_away(&url.map_err(|error| Failure::bad_input(&error))?, authorize, output);
    output::complain(&format!("waiting at {}", loopback.address()));
    let code = loopback.wait(&state, authorize.timeout).await?;
    let code = AuthorizationCode { code, state: state.text().clone(), verifier: verifier.text().clone() };
    connector.take_code(&code).await.map_err(|error| Failure::failed(&error))
}

/// Tells where a person agrees, and opens it if they sit in front of this.
fn send_away(url: &Url, authorize: &Authorize, output: Output) {
    output::complain(&format!("open this address in a browser and agree:\n\n  {url}\n"));
    if output.watched() && !authorize.no_browser {
        browse(url);
    }
}

/// Opens the person's browser. Where there is none, the address was printed.
fn browse(url: &Url) {
    use std::process::{Command, Stdio};

    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        tracing::debug!(%error, "no browser was opened");
    }
}

fn show(connection: &str, tried: &Line, output: Output) -> Exit {
    let works = tried.is_fine();
    match output.format() {
        Format::Json => output::json(&json!({
            "connection": connection, "authorized": true, "passed": works, "checks": [tried],
        })),
        Format::Table if works => {
            output::text(&format!("`{connection}` is authorized, and its test request works"));
        }
        Format::Table => output::text(&format!(
            "`{connection}` is authorized, and its test request does not work: {}",
            visible(&tried.detail)
        )),
    }
    if works { Exit::Done } else { Exit::Incomplete }
}
