//! How a connector process logs (baton C-16): one record a line, for people or for programs.

mod layer;
mod record;
mod sink;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use model::Clock;
use thiserror::Error;
use tracing::Level;

pub use layer::LogLayer;

use sink::Sink;

/// Our crates; all others never log below `info`, whatever the level says (architecture §13.21): HTTP
/// libraries print addresses and headers at `debug`.
const OURS: &[&str] = &[
    "api",
    "baton",
    "c1z",
    "connections",
    "connector",
    "crypto",
    "datastore",
    "egress",
    "engine",
    "governance",
    "graph",
    "messages",
    "model",
    "privacy",
    "protos",
    "sandbox",
    "spec",
    "store",
    "tutela",
];

/// How a connector process logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// What is logged.
    pub level: LogLevel,
    /// How lines look.
    pub format: LogFormat,
    /// Where lines go, `stderr` and `stdout` among them; standard error if it is empty.
    pub paths: Vec<PathBuf>,
    /// When the level debug becomes info.
    pub debug_until: Option<Timestamp>,
}

/// What is logged: this and everything worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// A person must act.
    Error,
    /// Recovered, but odd.
    Warn,
    /// A state changed.
    Info,
    /// For us.
    Debug,
}

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Time, level, caller, message and fields with tabs between them.
    Console,
    /// One JSON object.
    Json,
}

impl LogSettings {
    /// The layer that logs so, by the time of `clock`. Files are opened now and written at their ends.
    ///
    /// # Errors
    /// [`LogError`] if a file cannot be opened.
    pub fn layer(&self, clock: Arc<dyn Clock>) -> Result<LogLayer, LogError> {
        Ok(LogLayer::new(self.clone(), Sink::open(&self.paths)?, clock))
    }

    /// Whether a record of `level` from `target` is logged at `now`.
    pub(crate) fn takes(&self, level: Level, target: &str, now: Timestamp) -> bool {
        let ours = OURS.contains(&target.split("::").next().unwrap_or(target));
        let debug_is_over = self.debug_until.is_some_and(|until| now >= until);
        let most = match self.level {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Debug if ours && !debug_is_over => Level::DEBUG,
            LogLevel::Info | LogLevel::Debug => Level::INFO,
        };
        level <= most
    }
}

/// A log file that cannot be written.
#[derive(Debug, Error)]
#[error("the log file `{}` cannot be written: {source}; correct `log-path`", path.display())]
pub struct LogError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

#[cfg(test)]
mod tests;
