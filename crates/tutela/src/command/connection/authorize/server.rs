//! The same by a server, which people come back to.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use super::{Authorize, send_away, show};
use crate::client::ServerAddress;
use crate::command::connection::server::{connection, path_of};
use crate::command::connection::test::Line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::runtime;

/// Between two looks whether somebody came back.
const LOOK: Duration = Duration::from_secs(1);

/// Sends a person to the application's page and waits until they are back at the server.
pub(super) fn run(authorize: &Authorize, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let key = authorize.connection.as_str();
        let before = connection(&server, key).await?;
        let url = server.client().get(&format!("{}/authorize", path_of(key)?)).await?;
        let url: Option<Url> = url.as_str().and_then(|url| url.parse().ok());
        let url = url.ok_or_else(|| Failure::Failed("the server gave no address to agree at".to_owned()))?;
        send_away(&url, authorize, output);
        let until = Instant::now() + authorize.timeout;
        while Instant::now() < until {
            sleep(LOOK).await;
            let now = connection(&server, key).await?;
            // It is tried as soon as somebody is back.
            if now.get("authorized") == Some(&json!(true)) && tested(&now) != tested(&before) {
                let passed = now.get("last_test_succeeded") == Some(&json!(true));
                let detail = if passed { "" } else { "the page in the browser says why" };
                return Ok(show(key, &Line::of_server(passed, detail), output));
            }
        }
        Err(Failure::Failed(format!(
            "nobody came back to the server within {} seconds; run the command again, and agree in the browser",
            authorize.timeout.as_secs()
        )))
    })
}

fn tested(connection: &Value) -> Option<&Value> {
    connection.get("last_test_timestamp")
}
