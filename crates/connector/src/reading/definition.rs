//! What is the same for everybody about how collections are read.

use std::sync::{Arc, OnceLock};

use crypto::PartsHash;
use serde_json::Value;
use spec::connector_file::{ConnectorFile, Request};

use super::unit_hash;
use crate::connection::Connection;

/// How the collections of a connection are read, each looked at once, when it is first read.
#[derive(Debug)]
pub(crate) struct Definitions {
    /// In the order of the file's endpoints.
    endpoints: Vec<OnceLock<Definition>>,
}

/// How one collection is read.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The read requests, in the order of the file.
    pub(super) requests: Vec<DefinedRequest>,
    /// Stands for all of it.
    pub(super) hash: [u8; 32],
}

/// A request, and what stands for it as the file has it.
#[derive(Debug, Clone)]
pub(super) struct DefinedRequest {
    pub(super) request: Arc<Request>,
    pub(super) hash: [u8; 32],
}

impl Definitions {
    /// Those of `file`; nothing is looked at yet.
    pub(crate) fn of(file: &ConnectorFile) -> Self {
        Self { endpoints: file.endpoints.iter().map(|_| OnceLock::new()).collect() }
    }

    /// That of collection `endpoint`, if the file has it.
    pub(super) fn find(&self, connection: &Connection, endpoint: &str) -> Option<&Definition> {
        let place = connection.file.endpoints.iter().position(|found| found.name == endpoint)?;
        Some(self.endpoints.get(place)?.get_or_init(|| Definition::of(connection, endpoint)))
    }
}

impl Definition {
    /// That of collection `endpoint`, whether or not the file has it.
    pub(super) fn of(connection: &Connection, endpoint: &str) -> Self {
        let requests = connection.file.find_endpoint(endpoint).into_iter().flat_map(|found| &found.read);
        let requests: Vec<DefinedRequest> = requests.map(DefinedRequest::of).collect();
        let mut hash = PartsHash::new();
        hash.add(connection.key.as_str());
        hash.add(endpoint);
        hash.add(format!("{:?}", connection.file.client_config));
        for request in &requests {
            hash.add(request.hash);
        }
        for name in connection.secrets.names() {
            hash.add(name);
            hash.add(connection.secrets.find(name).unwrap_or(&Value::Null).to_string());
        }
        Self { requests, hash: hash.finish() }
    }
}

impl DefinedRequest {
    pub(super) fn of(request: &Request) -> Self {
        Self { request: Arc::new(request.clone()), hash: unit_hash::of_request(request) }
    }
}
