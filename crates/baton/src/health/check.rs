use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use egress::{AllowedNetwork, DoorSettings, OwnService, OwnServiceCall, SendError, Timeouts};
use http::{HeaderMap, Method};
use model::ConnectionKey;
use thiserror::Error;
use url::Url;

use super::{HealthAnswer, HealthEndpoint, HealthStatus};

/// Longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Asks the health server of a connector on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheck {
    /// What to ask.
    pub endpoint: HealthEndpoint,
    /// How long to wait.
    pub timeout: Duration,
    /// Where the server is open. One that is open everywhere is asked over loopback.
    pub address: SocketAddr,
}

impl HealthCheck {
    /// Asks. Only this address is let through the door, and no proxy is used.
    ///
    /// # Errors
    /// [`HealthCheckError`] if it is not healthy, or nobody answers in time.
    ///
    /// # Panics
    /// Never: the name under which the door knows the call is a key.
    pub async fn run(self) -> Result<(), HealthCheckError> {
        let Self { endpoint, timeout, address } = self;
        let silent = |source| HealthCheckError::Silent { address, source };
        let url = format!("http://{address}{}", endpoint.path());
        let url: Url = url.parse().map_err(|_| HealthCheckError::Address { address })?;
        let allow: AllowedNetwork =
            address.ip().to_string().parse().map_err(|_| HealthCheckError::Address { address })?;
        let settings = DoorSettings {
            allow: vec![allow],
            timeouts: Timeouts { connect: timeout, read: timeout, total: timeout },
            max_response_bytes: LONGEST_ANSWER,
            ..DoorSettings::default()
        };
        let name: ConnectionKey = "health-check".parse().expect("the name is a key");
        let service =
            OwnService::new(settings, name, &url).map_err(|_| HealthCheckError::Address { address })?;
        let call = OwnServiceCall { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() };
        let reply = service.send(call).await.map_err(silent)?;
        let answer = serde_json::from_slice::<HealthAnswer>(&reply.body);
        match (reply.status, answer) {
            // Other runtimes have other words for it; the status is the same.
            (200, _) => Ok(()),
            (status, Ok(answer)) if answer.status == HealthStatus::Unhealthy => {
                let said: Vec<String> =
                    answer.details.iter().map(|(about, what)| format!("{about}: {what}")).collect();
                Err(HealthCheckError::Unhealthy { status, said: said.join(", ") })
            }
            (status, _) => Err(HealthCheckError::Unhealthy { status, said: "no more is said".to_owned() }),
        }
    }
}

/// Why a health check did not succeed.
#[derive(Debug, Error)]
pub enum HealthCheckError {
    /// It says so.
    #[error("the connector is not healthy (status {status}): {said}")]
    Unhealthy {
        /// HTTP status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// Nobody answers.
    #[error(
        "nobody tells health at {address}: {source}; is the connector running with `health-check`, on this port?"
    )]
    Silent {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: SendError,
    },
    /// Not an address that can be asked.
    #[error("{address} cannot be asked; correct `health-check-bind-address` and `health-check-port`")]
    Address {
        /// Where.
        address: SocketAddr,
    },
}
