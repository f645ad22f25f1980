use std::sync::Arc;

use connector::Settings;
use datastore::Boundary;
use egress::Door;
use model::{Clock, IdSource};
use spec::DomainValidation;
use store::Store;

/// What [`Connections`] are made of.
#[derive(Debug, Clone)]
pub struct ConnectionsParts {
    /// Where they are kept.
    pub store: Store,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// How applications and databases are reached when a connection is tried.
    pub outgoing: Outgoing,
}

/// The way out, and its limits.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The one door for calls.
    pub door: Door,
    /// Attempts, waits, caps, and what happens to hosts that a connector file does not list.
    pub calls: Settings,
    /// Where databases may be.
    pub boundary: Boundary,
}

/// The connections of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections {
    pub(crate) inner: Arc<ConnectionsParts>,
}

impl Connections {
    /// Works on the connections in a store.
    pub fn new(parts: ConnectionsParts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    /// Where they are kept.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What happens to hosts that a connector file does not list.
    pub fn domain_validation(&self) -> DomainValidation {
        self.inner.outgoing.calls.domain_validation
    }
}
