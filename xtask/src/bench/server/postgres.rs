//! A PostgreSQL of the measurement's own.

use anyhow::{Context as _, Result};

use super::process::family_cpu_s;
use crate::bench::database::psql;
use crate::services::{self, Power, Services};

/// The server; ends with this value.
#[derive(Debug)]
pub(super) struct Postgres {
    services: Services,
}

impl Postgres {
    /// Starts it as it would be run: what it committed survives a power failure.
    pub(super) fn start() -> Result<Self> {
        Ok(Self { services: Services::start_some(&[services::POSTGRES], Power::MayFail)? })
    }

    /// An empty database of this name; gives its URL.
    pub(super) fn database(&self, name: &str) -> Result<String> {
        let found = self.services.environment().iter().find(|(name, _)| *name == services::POSTGRES);
        let (_, url) = found.context("PostgreSQL is not running")?;
        psql(url, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        psql(url, &format!("CREATE DATABASE {name}"))?;
        let (server, _) = url.rsplit_once('/').context("the URL names a database")?;
        Ok(format!("{server}/{name}"))
    }

    /// What all its processes have computed, in seconds; `None` if it runs elsewhere.
    pub(super) fn cpu_s(&self) -> Option<Result<f64>> {
        self.services.processes().next().map(family_cpu_s)
    }
}
