//! Whether a connector process is healthy, told on a port (baton C-18), and asked from another process
//! (`health-check`, baton §12.3).

mod check;
mod server;
mod state;

use serde::{Deserialize, Serialize};

pub use check::{HealthCheck, HealthCheckError};
pub use server::{HealthServer, HealthServerError};
pub use state::{Health, Readiness, Validate};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthEndpoint {
    /// Whether the application takes the connector's credentials.
    Health,
    /// Whether the connector has begun its work.
    Ready,
    /// Whether the process answers.
    Live,
}

impl HealthEndpoint {
    /// Where it is asked.
    pub fn path(self) -> &'static str {
        match self {
            Self::Health => "/health",
            Self::Ready => "/ready",
            Self::Live => "/live",
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthAnswer {
    /// In a word.
    pub status: HealthStatus,
    /// When it was found, RFC 3339.
    pub timestamp: String,
    /// More about it, by name.
    #[serde(default)]
    pub details: std::collections::BTreeMap<String, String>,
}

/// The state in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// All is well.
    Healthy,
    /// Something is not; the details say what.
    Unhealthy,
}

#[cfg(test)]
mod tests;
