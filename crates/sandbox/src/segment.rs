//! The simulated Segment: Public API, Profile API and Config API on one port.
//!
//! A call belongs to the service whose host its `Host` header names; with any other host, to the
//! Profile API under `/v1/spaces`, to the Config API under `/v1beta`, else to the Public API.
//! Its time stands still until it is moved through `/__sandbox/time`, so the same seed and the
//! same calls give the same bytes.

mod access_seed;
mod account;
mod audit;
mod bench;
mod config_api;
mod description;
mod iam;
mod iam_seed;
mod inspection;
pub(crate) mod limits;
mod meanwhile;
mod options;
mod people;
mod person;
mod plan;
mod profile;
mod public;
mod regulation;
mod resource;
mod resource_seed;
mod service;
mod simulation;
mod suppression;
mod trait_value;
mod truth;
mod users;
mod workspace;
mod world;

use std::io;
use std::sync::Arc;

use crate::FaultRule;
use crate::governance::GovernanceTruth;
use crate::server::Server;

pub use description::{Description, PersonDescription, Tokens};
pub use meanwhile::Meanwhile;
pub use options::{CursorShape, Limits, PageBorders, SegmentOptions};
pub use plan::{PlanError, PlanLimits, RefusedWith};
pub use regulation::RegulationStatus;
pub use workspace::{WorkspaceError, WorkspaceOptions};

use simulation::Simulation;

/// A running simulated Segment. Dropping it closes the port.
#[derive(Debug)]
pub struct SegmentSandbox {
    server: Server,
    simulation: Arc<Simulation>,
    description: Description,
}

impl SegmentSandbox {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// The port is taken or may not be used, or the fault settings cannot be.
    pub async fn start(options: SegmentOptions) -> io::Result<Self> {
        let faults = options.faults.checked();
        faults.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let port = options.port;
        let simulation = Arc::new(Simulation::new(options));
        let server = Server::start(port, Arc::clone(&simulation) as _).await?;
        let description = simulation.describe(&server.url());
        Ok(Self { server, simulation, description })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// What a client needs to use it.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// What it was asked and what it changed, as `GET /__sandbox/log` tells it.
    pub fn log(&self) -> serde_json::Value {
        inspection::log(&self.simulation)
    }

    /// What there is, as `GET /__sandbox/state` tells it.
    pub fn state(&self) -> serde_json::Value {
        inspection::state(&self.simulation)
    }

    /// What an inventory of access has to contain, as `GET /__sandbox/governance` tells it.
    pub fn governance_truth(&self) -> GovernanceTruth {
        self.simulation.governance_truth()
    }

    /// Faults for chosen calls, as `POST /__sandbox/rules` sets them.
    pub fn set_rules(&self, rules: Vec<FaultRule>) {
        self.simulation.rules().set(rules);
    }

    /// What others do right after chosen calls, as `POST /__sandbox/meanwhile` sets it.
    pub fn set_meanwhile(&self, all: Vec<Meanwhile>) {
        self.simulation.meanwhile().set(all);
    }

    /// Moves its time, as `POST /__sandbox/time` does.
    pub fn advance(&self, time: std::time::Duration) {
        self.simulation.world().advance(time);
    }

    /// Back to the start, as `POST /__sandbox/reset` does.
    pub fn reset(&self) {
        self.simulation.reset();
    }

    /// Closes the port and every connection.
    pub fn shutdown(self) {}
}
