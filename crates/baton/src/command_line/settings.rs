use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use spec::CheckedSecrets;

use super::mode::Mode;
use super::telemetry::{Telemetry, telemetry};
use super::values::Values;
use super::{CommandLineError, Inputs, Problem, ResourceBid, Stdout, connector_values, relations};
use crate::flag::ConnectorFields;
use crate::log::{LogFormat, LogLevel, LogSettings};

/// Everything that a connector process is told, checked.
#[derive(Debug)]
pub struct Settings {
    /// What it does.
    pub mode: Mode,
    /// The file that is written, and read for a change. Service mode passes it over.
    pub file: PathBuf,
    /// How it logs.
    pub log: LogSettings,
    /// What it reads, and how.
    pub sync: SyncSettings,
    /// How long one call to the application may take.
    pub http_timeout: Duration,
    /// Where its health can be asked; only in service mode.
    pub health: Option<HealthSettings>,
    /// Where traces and logs are sent besides.
    pub telemetry: Option<Telemetry>,
    /// How many bytes a connector may keep during a sync.
    pub session_store_bytes: u64,
    /// Which group of fields proves who asks.
    pub auth_method: Option<String>,
    /// The connector's own fields.
    pub connector: CheckedSecrets,
    /// Keys of the configuration file that are no flags, with their places; to be logged.
    pub unknown_keys: Vec<String>,
}

/// Whether something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
}

impl Permission {
    pub(super) fn of(on: bool) -> Self {
        if on { Self::Allowed } else { Self::Refused }
    }
}

/// What a sync reads, and how.
#[derive(Debug)]
pub struct SyncSettings {
    /// How much of each resource is read.
    pub depth: SyncDepth,
    /// Only these resources; empty for all.
    pub resources: Vec<ResourceBid>,
    /// Only these types; empty for all.
    pub resource_types: Vec<String>,
    /// Calls side by side.
    pub workers: Workers,
    /// Format of a new file; `None` = the usual one.
    pub storage: Option<StorageEngine>,
    /// Where temporary files are; `None` = where the system has them. It was there when it was checked.
    pub temp_folder: Option<PathBuf>,
    /// Accounts of another connector that are matched.
    pub external: Option<ExternalResources>,
}

/// How much of each resource is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncDepth {
    /// All.
    Everything,
    /// No grants; only for a sync of some resources.
    WithoutGrants,
    /// Resources only.
    ResourcesOnly,
    /// Nothing: the credentials are tried, and the sync is empty (baton S-24).
    Nothing,
}

/// Calls side by side (baton S-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// One after the other.
    One,
    /// As many as the machine has processors, up to four.
    OfMachine,
    /// So many, more than one.
    Count(usize),
}

/// Format of a new file (baton F-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageEngine {
    /// v1.
    Sqlite,
    /// v3.
    Pebble,
}

/// Accounts of another connector that are matched (baton §9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalResources {
    /// Its file.
    pub file: PathBuf,
    /// Only accounts that hold this entitlement there.
    pub entitlement: Option<String>,
    /// Which kinds are matched.
    pub traits: Vec<String>,
}

/// Where health can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthSettings {
    /// Address and port.
    pub address: SocketAddr,
}

impl Settings {
    /// Checks all values; reports everything that is wrong at once.
    pub(super) fn check(
        fields: &ConnectorFields,
        values: &Values,
        inputs: &Inputs,
    ) -> Result<Self, CommandLineError> {
        let mut problems = relations::broken(values);
        let connector = connector_values::check(fields, values, &mut problems);
        let log = log(values, inputs, &mut problems);
        let sync = sync(values, &mut problems);
        let telemetry = telemetry(values, &mut problems);
        let mut number = |name: &str| {
            let number = values.number(name).map_err(|problem| problems.push(problem)).ok();
            number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
        };
        let (timeout_s, session_store_bytes) =
            (number("http-timeout-seconds"), number("session-store-maximum-size"));
        let health = health(values, &mut problems);
        let mode = match Mode::choose(values, inputs) {
            Ok(mode) => Some(mode),
            // What a connector file cannot do is said alone: nothing else would help.
            Err(CommandLineError::Invalid(more)) => {
                problems.extend(more);
                None
            }
            Err(other) => return Err(other),
        };
        problems.dedup();
        let (true, Some(mode), Some(connector)) = (problems.is_empty(), mode, connector) else {
            return Err(CommandLineError::Invalid(problems));
        };
        Ok(Self {
            health: health.filter(|_| matches!(mode, Mode::Service(_))),
            mode,
            file: inputs.folder.join(values.text("file").unwrap_or("sync.c1z")),
            log,
            sync,
            http_timeout: Duration::from_secs(timeout_s),
            telemetry,
            session_store_bytes,
            auth_method: values.text("auth-method").map(str::to_owned),
            connector,
            unknown_keys: values.unknown_keys.clone(),
        })
    }
}

/// The value, or the problem kept and something to go on with.
pub(super) fn or<T>(found: Result<T, Problem>, problems: &mut Vec<Problem>, instead: T) -> T {
    found.unwrap_or_else(|problem| {
        problems.push(problem);
        instead
    })
}

fn log(values: &Values, inputs: &Inputs, problems: &mut Vec<Problem>) -> LogSettings {
    let level = match or(values.word("log-level"), problems, None) {
        Some("debug") => LogLevel::Debug,
        Some("warn") => LogLevel::Warn,
        Some("error") => LogLevel::Error,
        Some(_) | None => LogLevel::Info,
    };
    let format = match (or(values.word("log-format"), problems, None), inputs.stdout) {
        (Some("console"), _) | (None, Stdout::Terminal) => LogFormat::Console,
        (Some(_), _) | (None, Stdout::Elsewhere) => LogFormat::Json,
    };
    let place = |path: &String| match path.as_str() {
        stream @ ("stderr" | "stdout") => PathBuf::from(stream),
        file => inputs.folder.join(file),
    };
    let paths = values.list("log-path").iter().map(place).collect();
    let debug_until = or(values.instant("log-level-debug-expires-at"), problems, None);
    LogSettings { level, format, paths, debug_until }
}

fn sync(values: &Values, problems: &mut Vec<Problem>) -> SyncSettings {
    let mut on = |name: &str| or(values.is_on(name), problems, false);
    let depth = if on("skip-full-sync") {
        SyncDepth::Nothing
    } else if on("skip-entitlements-and-grants") {
        SyncDepth::ResourcesOnly
    } else if on("skip-grants") {
        SyncDepth::WithoutGrants
    } else {
        SyncDepth::Everything
    };
    let parallel = on("parallel-sync");
    let workers = match or(values.number("workers"), problems, 0) {
        0 if parallel => Workers::OfMachine,
        0 | 1 => Workers::One,
        many => usize::try_from(many).map_or(Workers::OfMachine, Workers::Count),
    };
    let storage = match or(values.word("storage-engine"), problems, None) {
        Some("pebble") => Some(StorageEngine::Pebble),
        Some(_) => Some(StorageEngine::Sqlite),
        None => None,
    };
    let bid = |text: &String| match text.parse::<ResourceBid>() {
        Ok(bid) => Some(bid),
        Err(error) => {
            problems.push(values.problem("sync-resources", &error.to_string()));
            None
        }
    };
    let resources = values.list("sync-resources").iter().filter_map(bid).collect();
    let temp_folder = values.text("c1z-temp-dir").map(PathBuf::from);
    if temp_folder.as_ref().is_some_and(|folder| !folder.is_dir()) {
        problems.push(values.problem("c1z-temp-dir", "must be a folder that exists"));
    }
    let external = values.text("external-resource-c1z").map(|file| ExternalResources {
        file: file.into(),
        entitlement: values.text("external-resource-entitlement-id-filter").map(str::to_owned),
        traits: values.list("external-resource-traits"),
    });
    let resource_types = values.list("sync-resource-types");
    SyncSettings { depth, resources, resource_types, workers, storage, temp_folder, external }
}

fn health(values: &Values, problems: &mut Vec<Problem>) -> Option<HealthSettings> {
    let address = match values.health_address() {
        Ok(address) => Some(address),
        Err(CommandLineError::Invalid(more)) => {
            problems.extend(more);
            None
        }
        Err(_) => None,
    };
    let on = or(values.is_on("health-check"), problems, false);
    address.filter(|_| on).map(|address| HealthSettings { address })
}
