mod reading;

use connector::Connector;
pub(crate) use connector::PageRows;
use datastore::Database;
use graph::{Traversal, TraversalNode};
use model::ConnectionKey;

pub(crate) use reading::{ReadFault, ReadOrder, SourceReading, UnitPages};

/// One connection that rows come from and changes go to.
#[derive(Debug, Clone)]
pub enum Source {
    /// An application behind a connector file.
    Connector(Connector),
    /// A database of the company's own.
    Database(Database),
}

impl Source {
    /// Key of the connection; that of its dataset too.
    pub fn key(&self) -> &ConnectionKey {
        match self {
            Self::Connector(connector) => &connector.connection().key,
            Self::Database(database) => database.connection(),
        }
    }
}

impl Source {
    /// Stands for how a collection is read, whatever it is read with.
    pub(crate) fn definition_hash(&self, traversal: &Traversal, node: &TraversalNode) -> [u8; 32] {
        match self {
            Self::Connector(connector) => connector.definition_hash(node.address().collection()),
            Self::Database(database) => database.definition_hash(traversal, node),
        }
    }
}

impl From<Connector> for Source {
    fn from(connector: Connector) -> Self {
        Self::Connector(connector)
    }
}

impl From<Database> for Source {
    fn from(database: Database) -> Self {
        Self::Database(database)
    }
}
