//! How the other sides of connections are reached.

use std::sync::Arc;

use connector::{Connection, Connector, ConnectorParts, MemoryTokens, Settings, TokenStore};
use datastore::{Boundary, Database, DatabaseError, DatabaseSettings, ReadLimits};
use egress::Door;
use model::{Clock, ConnectionKey, IdSource};
use serde_json::Value;
use spec::dataset_file::Namespace;
use spec::{Access, DatabaseKind};

/// What applications are called with.
#[derive(Debug, Clone)]
pub struct Calls {
    /// The way out.
    pub door: Door,
    /// Attempts, waits, caps.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Access tokens, shared by all connections.
    pub tokens: Arc<dyn TokenStore>,
}

/// Where a database is, and what may be done there.
#[derive(Clone)]
pub struct DatabasePlace {
    /// Key of the dataset that it is read by.
    pub key: ConnectionKey,
    /// Which database.
    pub kind: DatabaseKind,
    /// Address and account.
    pub secrets: Vec<(String, Value)>,
    /// Whether writes may be made at all.
    pub access: Access,
    /// Where its tables are.
    pub namespace: Namespace,
    /// Where databases may be.
    pub boundary: Boundary,
}

impl Calls {
    /// With access tokens kept in memory.
    pub fn new(door: Door, settings: Settings, (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>)) -> Self {
        Self { door, settings, clock, ids, tokens: Arc::new(MemoryTokens::new()) }
    }

    /// An application, ready to be called.
    pub fn connector(&self, connection: Connection) -> Connector {
        Connector::new(ConnectorParts {
            connection,
            door: self.door.clone(),
            tokens: Arc::clone(&self.tokens),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            settings: self.settings.clone(),
        })
    }
}

impl DatabasePlace {
    /// The database, ready to be read. Nothing is dialled.
    ///
    /// # Errors
    /// [`DatabaseError`] if its secrets do not say where it is.
    pub fn open(self, settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Database, DatabaseError> {
        let settings = DatabaseSettings {
            connection: self.key,
            kind: self.kind.into(),
            secrets: self.secrets.into_iter().map(renamed).collect(),
            access: self.access,
            namespace: self.namespace,
            boundary: self.boundary,
            limits: ReadLimits {
                attempts: settings.attempts,
                retry_wait: settings.retry_wait,
                ..ReadLimits::default()
            },
        };
        Database::new(&settings, Arc::clone(clock))
    }
}

/// The name that the driver knows a secret by.
fn renamed((name, value): (String, Value)) -> (String, Value) {
    let name = if name == "ssl_mode" { "sslmode".to_owned() } else { name };
    (name, value)
}
