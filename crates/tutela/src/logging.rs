use std::io;

use clap::ValueEnum;
use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::traces::TraceLayer;

/// Our crates; all others never log below `info`, whatever the filter says (architecture §13.21):
/// HTTP libraries print URLs and headers at `debug` and `trace`.
const OURS: &[&str] = &[
    "api",
    "connections",
    "connector",
    "crypto",
    "datastore",
    "egress",
    "engine",
    "graph",
    "messages",
    "model",
    "privacy",
    "sandbox",
    "spec",
    "store",
    "tutela",
];

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line; what a call says is under `span` with its `request_id`.
    Json,
}

/// A log filter that cannot be read.
#[derive(Debug, Error)]
#[error("RUST_LOG is not a filter; write a level or `crate=level`, as in `egress=debug`")]
pub(crate) struct FilterError(#[source] tracing_subscriber::filter::ParseError);

/// Starts logging to standard error. The flag wins over the environment (architecture §13.11).
///
/// # Errors
/// [`FilterError`] if `environment` is needed and is not a filter.
pub(crate) fn start(
    verbose: u8,
    environment: Option<&str>,
    (format, traces): (LogFormat, Option<TraceLayer>),
) -> Result<(), FilterError> {
    let filter = filter(verbose, environment)?;
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let layer = layer.with_filter(filter.and(filter_fn(permitted)));
    // A second start in one process keeps the first; the program starts once.
    let traces =
        traces.map(|traces| traces.with_filter(filter_fn(|metadata| TraceLayer::wants(metadata, is_ours))));
    let _ = tracing_subscriber::registry().with(layer).with(traces).try_init();
    Ok(())
}

fn filter(verbose: u8, environment: Option<&str>) -> Result<EnvFilter, FilterError> {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    match (verbose, environment) {
        (0, None) => Ok(builder.parse_lossy("")),
        (0, Some(directives)) => builder.parse(directives).map_err(FilterError),
        (1, _) => Ok(builder.parse_lossy("info")),
        (2, _) => Ok(builder.parse_lossy("debug")),
        (3.., _) => Ok(builder.parse_lossy("trace")),
    }
}

/// Whether an event may be logged at all.
fn permitted(metadata: &Metadata<'_>) -> bool {
    allowed(metadata.target(), *metadata.level())
}

fn allowed(target: &str, level: Level) -> bool {
    level <= Level::INFO || is_ours(target)
}

fn is_ours(target: &str) -> bool {
    OURS.contains(&target.split("::").next().unwrap_or(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_crates_never_log_below_info() {
        assert!(allowed("egress::door", Level::TRACE));
        assert!(allowed("hyper_util::client", Level::INFO));
        for foreign in ["hyper_util::client", "reqwest::connect", "h2", "log", "egress_lookalike"] {
            assert!(!allowed(foreign, Level::DEBUG), "{foreign} should stay quiet");
        }
    }

    #[test]
    fn the_flag_wins_over_the_environment_and_bad_filters_are_refused() {
        assert_eq!(filter(2, Some("error")).unwrap().to_string(), "debug");
        assert_eq!(filter(0, Some("egress=debug")).unwrap().to_string(), "egress=debug");
        assert!(filter(0, Some("egress=loud=er")).is_err());
    }
}
