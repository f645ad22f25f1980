use std::sync::Arc;

use connector::Connector;
use engine::Concurrency;
use model::ConnectionKey;

use super::Source;

/// What a connection is read with, and changed.
#[derive(Debug, Clone)]
pub enum Way {
    /// A connector file.
    File {
        /// What calls the application; its key is that of the connection.
        connector: Connector,
        /// Calls in flight, shared with whatever else calls.
        limits: Concurrency,
    },
    /// Something else.
    Source(Arc<dyn Source>),
}

impl Way {
    /// Key of the connection.
    pub fn connection(&self) -> &ConnectionKey {
        match self {
            Self::File { connector, .. } => &connector.connection().key,
            Self::Source(source) => source.connection(),
        }
    }
}
