use model::ConnectionKey;

use crate::project_file::{Access, BatonConnector};

/// A connection of the server that its own configuration names: a Baton connector of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerBaton {
    /// Key of the connection.
    pub key: ConnectionKey,
    /// The program or the file.
    pub connector: BatonConnector,
    /// What may be done through it.
    pub access: Access,
    /// Secrets by the names of the program's flags, each with the variable of the environment that holds it.
    pub secrets: Vec<(String, String)>,
}
