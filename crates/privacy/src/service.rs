use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use connector::Secrets;
use crypto::KeyRing;
use engine::{Concurrency, JobWait, Source};
use graph::{Graph, MaskingMode};
use model::{Clock, ConnectionKey, IdSource};
use spec::connector_file::ConnectorFile;
use spec::{Access, ActionType, PlanLimits, Policy};
use store::{ErasureJournal, Store};

use crate::LogSigning;

/// Everything a privacy request needs, from the plan to the certificate. Cheap to clone.
#[derive(Clone)]
pub struct PrivacyService {
    parts: Arc<ServiceParts>,
}

/// What a [`PrivacyService`] is made of.
pub struct ServiceParts {
    /// The state.
    pub store: Store,
    /// All collections of all connections.
    pub graph: Arc<Graph>,
    /// What rows come from and changes go to.
    pub sources: HashMap<ConnectionKey, Source>,
    /// What plans record of each connection.
    pub connections: Vec<ConnectionFacts>,
    /// Connections that are not in the graph although somebody may expect it: each request says so.
    pub left_out: Vec<LeftOut>,
    /// What may be asked for.
    pub policies: Vec<Policy>,
    /// How much a plan may change.
    pub limits: PlanLimits,
    /// Calls in flight.
    pub concurrency: Concurrency,
    /// What readings do while an application works on what it was asked for.
    pub waiting: JobWait,
    /// Who numbers and signs the audit log.
    pub signing: LogSigning,
    /// Quiet time between the last write and the reads that verify it.
    pub verify_after: Duration,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Name of this process among those that share the state.
    pub worker: String,
    /// The data folder: what others check this installation with is put there.
    pub folder: PathBuf,
    /// Who was erased, outside of the state.
    pub journal: ErasureJournal,
    /// What the journal and certificates are sealed and signed with.
    pub keys: Arc<KeyRing>,
}

/// A connection that nothing is read from or written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its key.
    pub connection: String,
    /// Why, for a person who may change it.
    pub reason: String,
}

/// One connection, in what a plan records of it.
#[derive(Clone)]
pub struct ConnectionFacts {
    /// Its key.
    pub key: ConnectionKey,
    /// Type of the connector, or kind of database.
    pub connector: String,
    /// Version that the connector file states; empty for a database.
    pub version: String,
    /// Digest over the texts of connector and dataset file.
    pub sha256: String,
    /// Its secrets, all of them.
    pub secrets: Secrets,
    /// What may be done through it.
    pub access: Access,
    /// What `masking_strict` says for it.
    pub mode: MaskingMode,
    /// The connector file; `None` for a database.
    pub file: Option<Arc<ConnectorFile>>,
    /// The kinds of requests that the connection serves (`access`, `erasure`); `None`: all.
    pub enabled_actions: Option<Vec<String>>,
}

impl PrivacyService {
    /// A service from its parts; nothing is read or sent yet.
    pub fn new(parts: ServiceParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// What it is made of.
    pub fn parts(&self) -> &ServiceParts {
        &self.parts
    }

    /// The policy called `key`.
    pub(crate) fn find_policy(&self, key: &str) -> Option<&Policy> {
        self.parts.policies.iter().find(|policy| policy.key == key)
    }

    /// What is known of the connection called `key`.
    pub(crate) fn find_facts(&self, key: &str) -> Option<&ConnectionFacts> {
        self.parts.connections.iter().find(|facts| facts.key.as_str() == key)
    }
}

impl fmt::Debug for PrivacyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivacyService").field("parts", &self.parts).finish()
    }
}

impl fmt::Debug for ServiceParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceParts")
            .field("store", &self.store)
            .field("connections", &self.connections)
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

impl ConnectionFacts {
    /// Whether the connection serves requests of this kind (privacy-requests X-15).
    pub(crate) fn serves(&self, action: ActionType) -> bool {
        let word = match action {
            ActionType::Access => "access",
            ActionType::Erasure => "erasure",
            // Nobody switches this off.
            ActionType::Rectification => return true,
        };
        self.enabled_actions.as_ref().is_none_or(|enabled| enabled.iter().any(|one| one == word))
    }
}

/// Key and kind, no secret.
impl fmt::Debug for ConnectionFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionFacts({}, {})", self.key, self.connector)
    }
}
