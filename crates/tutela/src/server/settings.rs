use std::path::PathBuf;

use serde_json::Value;
use spec::server_settings::{FlagValue, nested};
use spec::{ServerInputs, ServerSettings, server_settings};
use store::{Store, StoreError};

use crate::arguments::Format;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::Output;
use crate::state::{StateArgument, StateSettings};

/// Flags of all commands about a server's settings.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerArgument {
    /// Address and port to listen on; port 0 takes any free one. TUTELA_LISTEN and `listen` of the
    /// server file say the same.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Data folder. TUTELA_DATA and `data` of the server file say the same.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Server file.
    #[arg(long, value_name = "FILE", env = "TUTELA_CONFIG")]
    config: Option<PathBuf>,
    /// PostgreSQL database that keeps the state instead of a file in the data folder.
    #[arg(long, value_name = "URL", env = "TUTELA_STATE", hide_env_values = true)]
    state: Option<String>,
}

impl ServerArgument {
    /// Puts the settings together; what is wrong with them is shown.
    ///
    /// # Errors
    /// Bad input if flag, variable or file is wrong.
    pub(crate) fn load(&self, output: Output) -> Result<ServerSettings, Failure> {
        let config = self.config.as_deref().filter(|path| !path.as_os_str().is_empty());
        let inputs = ServerInputs {
            flags: self.flags(),
            environment: environment(),
            file: config.map(files::read).transpose()?,
        };
        let checked = server_settings(&inputs);
        let mut sources = Sources::default();
        if let Some(file) = &inputs.file {
            sources.add_server(file);
        }
        let Some(settings) = checked.value else {
            output.diagnostics(&checked.diagnostics, &sources);
            return Err(Failure::Shown(Exit::BadInput));
        };
        if output.format() == Format::Table {
            // As data, warnings would stand before the result.
            output.diagnostics(&checked.diagnostics, &sources);
        }
        Ok(settings)
    }

    /// Where the state is, by these settings.
    ///
    /// # Errors
    /// Bad input if the URL names no database that can hold it.
    pub(crate) fn state(&self, settings: &ServerSettings) -> Result<StateSettings, Failure> {
        let folder = PathBuf::from(&settings.server.data);
        StateArgument::of_server(folder, self.state.clone()).settings(std::path::Path::new("server.yml"))
    }

    fn flags(&self) -> Vec<FlagValue> {
        let flag = |flag, key, value: &Option<String>| {
            value.as_ref().map(|value| FlagValue { flag, key, value: value.clone() })
        };
        [flag("--listen", "listen", &self.listen), flag("--data", "data", &self.data)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// Variables whose names and values are text; others are none of ours.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Whether a variable says something.
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// What was set over the API, in the form of the server file.
pub(crate) async fn api_set(store: &Store) -> Result<Value, StoreError> {
    Ok(nested(store.setting_list().await?))
}
