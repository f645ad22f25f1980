//! The command line of a connector process (baton §12): flags, variables and the configuration file in, one
//! checked type out.

mod bid;
mod connector_values;
mod error;
mod given;
mod help;
mod mode;
mod parse;
mod relations;
mod service;
mod settings;
mod split;
mod telemetry;
mod values;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::exit::Exit;
use crate::flag::ConnectorFields;
use crate::health::HealthCheck;

pub use bid::{BidError, ResourceBid};
pub use error::{CommandLineError, Problem};
pub use given::Origin;
pub use mode::{AccountRequest, ForeignTask, Mode, ResourceRef, SyncPart};
pub use service::ServiceSettings;
pub use settings::{
    ExternalResources, HealthSettings, Permission, Settings, StorageEngine, SyncDepth, SyncSettings, Workers,
};
pub use telemetry::{Telemetry, TelemetryTls};

use given::Given;
use parse::Subcommand;
use values::{Values, reached_at};

/// What surrounds a command line. `Debug` shows neither arguments nor environment: secrets are among them.
pub struct Inputs {
    /// The name under which the process runs, for help and completion.
    pub program: String,
    /// The arguments, without the program's name.
    pub arguments: Vec<OsString>,
    /// The environment; only names that begin with `BATON_` are looked at.
    pub environment: Vec<(String, String)>,
    /// The working directory.
    pub folder: PathBuf,
    /// What standard output is.
    pub stdout: Stdout,
    /// The time now.
    pub now: Timestamp,
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("program", &self.program)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Inputs {
    /// The value of a variable, the last if it is there twice; `None` if it is empty.
    fn variable(&self, name: &str) -> Option<&str> {
        let mut found = self.environment.iter().filter(|(known, _)| known == name);
        found.next_back().map(|(_, value)| value.as_str()).filter(|value| !value.trim().is_empty())
    }
}

/// What standard output is: log lines look different on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdout {
    /// A terminal.
    Terminal,
    /// A file or another program.
    Elsewhere,
}

/// What a connector process is asked to do.
#[derive(Debug)]
pub enum Invocation {
    /// Print this text on standard output, and end well: help, version, completion.
    Print(String),
    /// Print what the connector can do. Needs no credentials.
    Capabilities,
    /// Print which fields the connector has. Needs no credentials.
    Config,
    /// Ask the health server of another process.
    HealthCheck(HealthCheck),
    /// The hidden child process of a runtime that works with two (baton W-1).
    ConnectorService {
        /// As for the runtime, which hands its own arguments on.
        settings: Box<Settings>,
        /// Whether changes may be made: it was said, or the runtime is there to make one (baton C-8).
        provisioning: Permission,
    },
    /// Everything else: what, stands in the settings.
    Run(Box<Settings>),
}

impl Invocation {
    /// Reads a command line for a connector with `fields`.
    ///
    /// # Errors
    /// [`CommandLineError`] with everything that is wrong, each by field and rule, and no value of a secret.
    pub fn read(fields: &ConnectorFields, inputs: &Inputs) -> Result<Self, CommandLineError> {
        let parsed = match parse::parse(fields, inputs)? {
            parse::Parsed::Print(text) => return Ok(Self::Print(text)),
            parse::Parsed::Asked(asked) => asked,
        };
        let gathered = || Values::gather(fields, parsed.given, inputs);
        let settings = |values: &Values| Settings::check(fields, values, inputs).map(Box::new);
        match parsed.subcommand {
            Subcommand::Capabilities => Ok(Self::Capabilities),
            Subcommand::Config => Ok(Self::Config),
            Subcommand::HealthCheck { endpoint, timeout } => {
                let address = reached_at(gathered()?.health_address()?);
                Ok(Self::HealthCheck(HealthCheck { endpoint, timeout, address }))
            }
            Subcommand::ConnectorService => {
                let values = gathered()?;
                let (settings, is_said) = (settings(&values)?, values.is_on("provisioning")?);
                let provisioning = Permission::of(is_said || settings.mode.is_change());
                Ok(Self::ConnectorService { settings, provisioning })
            }
            Subcommand::None => settings(&gathered()?).map(Self::Run),
        }
    }
}

impl CommandLineError {
    /// The status with which the process ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unsupported(_) => Exit::of(tonic::Code::Unimplemented),
            Self::Usage(_) | Self::ConfigFile(_) | Self::Invalid(_) => Exit::of(tonic::Code::InvalidArgument),
        }
    }
}

#[cfg(test)]
mod tests;
