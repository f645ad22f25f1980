use std::sync::Arc;

use model::SystemClock;
use serde_json::{Value, json};
use spec::ServerSettings;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime;
use crate::server::{ServerArgument, api_set, is_set};
use crate::state::StateSettings;
use crate::table::table;

/// Variables that hold a secret, or say where one is: whether they are set is shown, and no more.
const SECRETS: [&str; 9] = [
    "TUTELA_CLIENT_ID",
    "TUTELA_CLIENT_SECRET",
    "TUTELA_KEY",
    "TUTELA_KEY_COMMAND",
    "TUTELA_KEY_FILE",
    "TUTELA_OTHER_KEYS_FILE",
    "TUTELA_OWNER_PASSWORD",
    "TUTELA_OWNER_USERNAME",
    "TUTELA_STATE",
];

/// Of which server.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela config show
  tutela config show --config server.yml --format json

A flag comes before a variable, a variable before the file, the file before what was set over the API,
and that before the default. Of secrets it only says whether they are set.")]
pub(crate) struct Show {
    #[command(flatten)]
    server: ServerArgument,
}

/// Puts the settings together as the server would, and shows them.
pub(crate) fn run(show: &Show, output: Output) -> Result<Exit, Failure> {
    let own = show.server.load(output)?;
    let state = show.server.state(&own)?;
    let settings = if state.is_there() { runtime::run(with_api(own, &state))? } else { own };
    match output.format() {
        Format::Json => output::json(&as_data(&settings)),
        Format::Table => output::text(&as_text(&settings)),
    }
    Ok(Exit::Done)
}

async fn with_api(own: ServerSettings, state: &StateSettings) -> Result<ServerSettings, Failure> {
    let over_api = match state.look(Arc::new(SystemClock)).await {
        Ok(state) => api_set(&state.store).await.map_err(|error| error.to_string()),
        Err(failure) => Err(failure.to_string()),
    };
    match over_api {
        Ok(over_api) => Ok(own.with_api(&over_api)),
        Err(problem) => Err(Failure::Failed(format!(
            "what was set over the API cannot be read, so it is not known what holds: {problem}"
        ))),
    }
}

fn as_data(settings: &ServerSettings) -> Value {
    let list: Vec<Value> = settings
        .settings
        .iter()
        .map(
            |setting| json!({"key": setting.key, "value": setting.value, "from": setting.origin.to_string()}),
        )
        .collect();
    let secrets: Vec<Value> =
        SECRETS.iter().map(|name| json!({"variable": name, "set": is_set(name)})).collect();
    json!({"settings": list, "secrets": secrets})
}

fn as_text(settings: &ServerSettings) -> String {
    let shown = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows = settings
        .settings
        .iter()
        .map(|setting| [setting.key.clone(), shown(&setting.value), setting.origin.to_string()]);
    let secrets = SECRETS.iter().map(|name| {
        let is_set = if is_set(name) { "set" } else { "not set" };
        [(*name).to_owned(), is_set.to_owned(), "environment".to_owned()]
    });
    table(["setting", "value", "from"], rows.chain(secrets), &[])
}
