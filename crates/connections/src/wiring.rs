//! The connections of a server, joined into one graph, with what is behind each of them.

mod access;
mod alone;
mod own_tokens;
mod stored;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use connector::{Connection, Secrets};
use datastore::{Database, DatabaseError};
use engine::{Source, StoredTokens, StoredTokensParts};
use graph::{Graph, GraphDataset, GraphError, MaskingMode};
use model::ConnectionKey;
use spec::dataset_file::Dataset;
use spec::{Access, ConnectorFile, SourceFile};
use store::{ConnectionFilter, StoreError, Window};
use thiserror::Error;

use self::own_tokens::OwnTokens;
use self::stored::{Behind, Found, Part};
use crate::{Calls, Connections, DatabasePlace};

pub use self::access::{AccessConnection, AccessConnectionError};
pub(crate) use self::access::{check_for_any, is_for_access_only};
pub use self::alone::{AloneError, WiredAlone};
pub(crate) use self::stored::access;

/// Connections joined into one graph, and what is behind each of them.
#[derive(Debug)]
pub struct Wired {
    /// All collections of all connections.
    pub graph: Graph,
    /// What rows come from and changes go to, by the key of the dataset.
    pub sources: HashMap<ConnectionKey, Source>,
    /// What is in the graph, by the key of the dataset.
    pub members: Vec<WiredConnection>,
    /// Connections, or datasets of theirs, that are not.
    pub left_out: Vec<LeftOut>,
}

/// One dataset with its connection, as it is in the graph.
#[derive(Clone)]
pub struct WiredConnection {
    /// Key of the dataset: what addresses in the graph begin with.
    pub key: ConnectionKey,
    /// Key of the connection, which people know it by.
    pub connection: ConnectionKey,
    /// Type of the connector, or kind of database.
    pub connector: String,
    /// Version that the connector file states; empty for a database.
    pub version: String,
    /// Digest over the texts of connector file and dataset.
    pub sha256: String,
    /// Its secrets, all of them.
    pub secrets: Secrets,
    /// What may be done through it.
    pub access: Access,
    /// What `masking_strict` says for it.
    pub mode: MaskingMode,
    /// The connector file; `None` for a database.
    pub file: Option<Arc<ConnectorFile>>,
    /// The kinds of requests it serves (`access`, `erasure`); `None`: all.
    pub enabled_actions: Option<Vec<String>>,
}

impl WiredConnection {
    /// Whether the connection serves requests for data (privacy-requests X-15).
    pub fn serves_access(&self) -> bool {
        self.enabled_actions.as_ref().is_none_or(|enabled| enabled.iter().any(|one| one == "access"))
    }
}

/// A connection that is not in the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Key of the connection.
    pub connection: ConnectionKey,
    /// Why.
    pub reason: LeftOutReason,
}

/// Why a connection is not in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LeftOutReason {
    /// It is switched off.
    #[error("it is switched off")]
    Disabled,
    /// It is none that data is read from by a program.
    #[error("nothing is read from connections of this type by a program")]
    NotRead,
    /// Its secrets are those for who has access, and privacy requests need others.
    #[error("it is used for who has access alone: it lacks secrets that privacy requests need")]
    AccessOnly,
    /// Nothing says what is in it.
    #[error("it has no dataset; add one via /connection/{{connection_key}}/dataset")]
    NoDataset,
    /// It is there to be read and cannot be: a request that needs it must not pass for complete.
    #[error("{0}")]
    Broken(String),
}

impl LeftOutReason {
    /// Whether data may be missing that somebody wanted to have read.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Disabled | Self::NotRead | Self::AccessOnly | Self::NoDataset => false,
        }
    }
}

/// Why there is no graph.
#[derive(Debug, Error)]
pub enum WireError {
    /// The files contradict each other.
    #[error(
        "the datasets of all connections do not fit together: {0}; correct them or switch one connection off"
    )]
    Graph(#[from] GraphError),
    /// The store does not answer.
    #[error("the connections could not be read")]
    Store(#[from] StoreError),
}

/// What the joined connections are for.
#[derive(Debug, Clone)]
pub struct WireOptions {
    /// Name of this process among those that share access tokens.
    pub worker: String,
    /// What `execution.masking_strict` says where a connection does not.
    pub mode: MaskingMode,
}

/// What one dataset of the graph is made of.
#[derive(Debug, Clone, Copy)]
pub enum GraphPart<'a> {
    /// An application's file and dataset.
    Connector(&'a Connection, Option<&'a Dataset>),
    /// The dataset of a database.
    Database(&'a Dataset),
}

/// The graph over all of them.
///
/// # Errors
/// [`GraphError`] if they contradict each other.
pub fn joined<'a>(parts: impl IntoIterator<Item = GraphPart<'a>>) -> Result<Graph, GraphError> {
    let merge = |part: GraphPart<'_>| match part {
        GraphPart::Connector(connection, dataset) => {
            graph::merge(&connection.file, dataset, &connection.references)
        }
        GraphPart::Database(dataset) => Ok(GraphDataset::from_dataset(dataset)),
    };
    let datasets: Vec<GraphDataset> = parts.into_iter().map(merge).collect::<Result<_, _>>()?;
    Graph::build(&datasets)
}

/// One digest over the texts that say what a connection does, scripts included.
pub fn definition_digest(sources: [Option<&SourceFile>; 2]) -> String {
    let mut whole = String::new();
    for source in sources {
        let scripts = source.map(SourceFile::scripts).unwrap_or_default();
        for text in source.into_iter().chain(scripts).map(SourceFile::text) {
            // With its length, text cannot move from one file to the next unseen.
            whole.push_str(&text.len().to_string());
            whole.push('\n');
            whole.push_str(text);
        }
        whole.push('|');
    }
    format!("sha256:{}", crypto::hex(&crypto::sha256(whole.as_bytes())))
}

impl Connections {
    /// Joins all connections that are switched on. Calls nobody.
    ///
    /// A connection that cannot be read is left out, and says why; [`LeftOutReason::is_fault`] tells those
    /// from which data may be missing.
    ///
    /// # Errors
    /// [`WireError`] if the datasets contradict each other, or the store does not answer.
    pub async fn wire(&self, options: &WireOptions) -> Result<Wired, WireError> {
        let mut found = Found::default();
        for connection in self.store().connection_list(&ConnectionFilter::default(), Window::ALL).await?.items
        {
            self.find_behind(&connection, options, &mut found).await?;
        }
        let tokens = self.shared_tokens(options, &mut found);
        let parts = found.parts.iter().map(|part| match &part.behind {
            Behind::Connector(connection, dataset) => GraphPart::Connector(connection, dataset.as_ref()),
            Behind::Database(_, dataset) => GraphPart::Database(dataset),
        });
        let graph = joined(parts)?;
        let mut sources = HashMap::new();
        let mut members = Vec::new();
        for part in found.parts {
            let (member, source) = self.source(part, &tokens);
            sources.insert(member.key.clone(), source);
            members.push(member);
        }
        Ok(Wired { graph, sources, members, left_out: found.left_out })
    }

    /// Access tokens of what was found, shared with other processes.
    fn shared_tokens(&self, options: &WireOptions, found: &mut Found) -> StoredTokens {
        StoredTokens::new(StoredTokensParts {
            store: self.store().clone(),
            worker: options.worker.clone(),
            fingerprints: std::mem::take(&mut found.fingerprints),
        })
    }

    /// What rows of a dataset come from. Nothing is dialled.
    fn source(&self, part: Part, tokens: &StoredTokens) -> (WiredConnection, Source) {
        let source = match part.behind {
            Behind::Connector(connection, _) => {
                let own = OwnTokens::new(tokens.clone(), part.member.connection.clone());
                Source::from(self.calls(Arc::new(own)).connector(connection))
            }
            Behind::Database(database, _) => Source::from(database),
        };
        (part.member, source)
    }

    /// A database, ready to be read. Nothing is dialled.
    pub(crate) fn database(&self, place: DatabasePlace) -> Result<Database, DatabaseError> {
        let outgoing = &self.inner.outgoing;
        place.open(&outgoing.calls, &self.inner.clock)
    }

    /// How applications are reached with these tokens.
    pub(crate) fn calls(&self, tokens: Arc<dyn connector::TokenStore>) -> Calls {
        Calls {
            door: self.inner.outgoing.door.clone(),
            settings: self.inner.outgoing.calls.clone(),
            clock: Arc::clone(&self.inner.clock),
            ids: Arc::clone(&self.inner.ids),
            tokens,
        }
    }
}

/// What a flag `masking_strict` says.
pub(crate) fn masking_mode(strict: bool) -> MaskingMode {
    if strict { MaskingMode::Strict } else { MaskingMode::Any }
}

/// Key and kind, no secret.
impl fmt::Debug for WiredConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WiredConnection")
            .field("key", &self.key)
            .field("connection", &self.connection)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}
