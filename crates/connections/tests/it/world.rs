use std::sync::Arc;

use connections::{Connections, ConnectionsParts, NewInstance, Outgoing, PutConnection};
use datastore::Boundary;
use egress::{AllowedNetwork, Door, DoorSettings, MemoryBudgets, Mode};
use model::{Clock, ConnectionKey, RandomIds, SystemClock};
use serde_json::{Map, Value};
use store::{Actor, ConnectionAccess, Store, StoreParts, StorePlace};
use tempfile::TempDir;

/// Connections over a store of their own.
pub(crate) struct World {
    pub(crate) connections: Connections,
    _folder: TempDir,
}

pub(crate) fn key(text: &str) -> ConnectionKey {
    text.parse().unwrap()
}

pub(crate) fn pat() -> Actor {
    Actor::person("pat")
}

pub(crate) fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Store::open(StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: crypto::KeyRing::new(crypto::MasterKey::random()),
            clock: Arc::clone(&clock),
            ids: Arc::new(RandomIds),
            access: store::Access::Write,
            max_bytes: None,
        })
        .await
        .unwrap();
        let allow: Vec<AllowedNetwork> = vec!["127.0.0.0/8".parse().unwrap()];
        let settings = DoorSettings { allow: allow.clone(), ..DoorSettings::default() };
        let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
        let door = Door::new(settings, Mode::Live, budgets, Arc::clone(&clock)).unwrap();
        let boundary = Boundary { allow, base: folder.path().to_path_buf(), ..Boundary::default() };
        let connections = Connections::new(ConnectionsParts {
            store,
            clock,
            ids: Arc::new(RandomIds),
            outgoing: Outgoing { door, calls: connector::Settings::default(), boundary },
        });
        Self { connections, _folder: folder }
    }

    pub(crate) fn store(&self) -> &Store {
        self.connections.store()
    }

    /// A connection of a built-in type, without secrets.
    pub(crate) async fn put(&self, connection: &str, connection_type: &str) {
        let put = PutConnection {
            key: Some(key(connection)),
            name: Some(connection.to_owned()),
            description: None,
            connection_type: connection_type.parse().unwrap(),
            access: ConnectionAccess::Read,
            disabled: None,
            masking_strict: Some(false),
            system_key: None,
            secrets: None,
            connector_type: None,
        };
        self.connections.put(put, pat()).await.unwrap();
    }

    /// A connection of the library, called `connection`, its dataset `instance`.
    pub(crate) async fn instantiate(
        &self,
        connector_type: &str,
        (connection, instance): (&str, &str),
        secrets: Value,
    ) {
        let new = NewInstance {
            key: Some(key(connection)),
            name: Some(connection.to_owned()),
            description: None,
            instance_key: key(instance),
            secrets: map(&secrets),
            system_key: None,
        };
        self.connections.instantiate(connector_type, new, pat()).await.unwrap();
    }
}
