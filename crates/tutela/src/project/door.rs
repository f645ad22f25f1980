use std::sync::Arc;
use std::time::Duration;

use egress::{AllowedNetwork, Door, DoorSettings, MemoryBudgets, Mode, Routes, Timeouts};
use model::Clock;
use spec::EgressSettings;
use url::Url;

use super::ProjectFile;
use crate::failure::Failure;

/// Environment variables that take the place of the file's settings (architecture §13.11).
const ALLOW: &str = "TUTELA_EGRESS_ALLOW";
const ROUTES: &str = "TUTELA_EGRESS_ROUTES";

impl ProjectFile {
    /// The way out, as the project's `egress` section and the environment say.
    pub(crate) fn door(&self, mode: Mode, clock: &Arc<dyn Clock>) -> Result<Door, Failure> {
        open(self.door_settings()?, mode, clock)
    }

    /// What outgoing calls may do, as file and environment say.
    pub(crate) fn door_settings(&self) -> Result<DoorSettings, Failure> {
        let settings = settings(&self.project.egress)
            .map_err(|problem| Failure::BadInput(format!("{}: {problem}", self.name())))?;
        from_environment(settings)
    }

    /// Networks that are open although they are not public, as file or environment say.
    pub(crate) fn allowed(&self) -> Vec<String> {
        let environment = std::env::var(ALLOW).ok().filter(|text| !text.is_empty());
        let given = environment.and_then(|text| serde_json::from_str::<Vec<String>>(&text).ok());
        given.unwrap_or_else(|| self.project.egress.allow.clone())
    }
}

/// These settings, unless the environment says something else.
pub(crate) fn from_environment(settings: DoorSettings) -> Result<DoorSettings, Failure> {
    let (allow, routes) = (std::env::var(ALLOW).ok(), std::env::var(ROUTES).ok());
    settings.with_environment(allow.as_deref(), routes.as_deref()).map_err(|error| Failure::bad_input(&error))
}

/// A door with these settings and budgets of its own.
pub(crate) fn open(settings: DoorSettings, mode: Mode, clock: &Arc<dyn Clock>) -> Result<Door, Failure> {
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(clock)));
    Door::new(settings, mode, budgets, Arc::clone(clock)).map_err(|error| Failure::bad_input(&error))
}

/// What outgoing calls may do.
pub(crate) fn settings(egress: &EgressSettings) -> Result<DoorSettings, String> {
    let defaults = DoorSettings::default();
    let allow: Result<Vec<AllowedNetwork>, _> = egress.allow.iter().map(|text| text.parse()).collect();
    let routes = egress.routes.iter().map(|(host, origin)| (host.as_str(), origin.as_str()));
    let proxy = egress.proxy.as_deref().map(Url::parse).transpose();
    let duration = |value: Option<u64>, default| value.map_or(default, Duration::from_millis);
    Ok(DoorSettings {
        allow: allow.map_err(|error| error.to_string())?,
        routes: Routes::parse(routes).map_err(|error| error.to_string())?,
        proxy: proxy.map_err(|error| format!("`egress.proxy` is not a URL: {error}"))?,
        timeouts: Timeouts {
            connect: duration(egress.connect_timeout_ms, defaults.timeouts.connect),
            read: duration(egress.read_timeout_ms, defaults.timeouts.read),
            total: duration(egress.total_timeout_ms, defaults.timeouts.total),
        },
        max_response_bytes: egress.max_response_bytes.unwrap_or(defaults.max_response_bytes),
        connections_per_host: defaults.connections_per_host,
    })
}
