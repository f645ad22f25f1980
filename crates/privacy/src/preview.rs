//! What a run would ask, without asking it (fides-api 11.7).

use std::collections::{BTreeMap, BTreeSet};

use engine::Source;
use graph::{Graph, GraphCollection, GraphDataset, GraphError, Targets, TraversalError};
use model::{CollectionAddress, Identities};
use thiserror::Error;

use crate::PrivacyService;

/// How a collection would be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewedQuery {
    /// The collection.
    pub address: CollectionAddress,
    /// The statement, with `?` in the place of values; `None` for applications.
    pub query: Option<String>,
}

/// Why nothing is shown.
#[derive(Debug, Error)]
pub enum PreviewError {
    /// No connection has such a dataset.
    #[error("No dataset with id '{key}'")]
    NoDataset {
        /// Its key.
        key: String,
    },
    /// The datasets do not make a whole.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The whole cannot be walked.
    #[error(transparent)]
    Traversal(#[from] TraversalError),
}

impl PrivacyService {
    /// What is asked of these datasets, or of all, for somebody of whom every kind of identity is known,
    /// in the order in which it is asked. Nobody is asked anything.
    ///
    /// # Errors
    /// [`PreviewError`].
    pub fn preview(&self, datasets: &[String]) -> Result<Vec<PreviewedQuery>, PreviewError> {
        let whole = &self.parts().graph;
        let part;
        let graph = if datasets.is_empty() {
            &**whole
        } else {
            part = part_of(whole, datasets)?;
            &part
        };
        let mut identities = Identities::default();
        for kind in graph.identity_kinds() {
            // A value that fits every kind of field is not needed: none is sent.
            let _ = identities.insert(kind, "?".into());
        }
        let traversal = graph.traverse(&identities, Targets::Everything)?;
        let sources: BTreeMap<&str, &Source> =
            self.parts().sources.iter().map(|(key, source)| (key.as_str(), source)).collect();
        let previewed = |node: &graph::TraversalNode| PreviewedQuery {
            address: node.address().clone(),
            query: match sources.get(node.address().dataset()) {
                Some(Source::Database(database)) => Some(database.preview(&traversal, node)),
                Some(Source::Connector(_)) | None => None,
            },
        };
        Ok(traversal.nodes().iter().map(previewed).collect())
    }
}

/// The graph of these datasets alone.
fn part_of(whole: &Graph, datasets: &[String]) -> Result<Graph, PreviewError> {
    let mut parts = Vec::new();
    for key in datasets.iter().collect::<BTreeSet<_>>() {
        let of_it = whole.collections().filter(|collection| collection.address.dataset() == key);
        let collections: Vec<GraphCollection> = of_it.map(|collection| (**collection).clone()).collect();
        if collections.is_empty() {
            return Err(PreviewError::NoDataset { key: key.clone() });
        }
        parts.push(GraphDataset { fides_key: key.clone(), after: Vec::new(), collections });
    }
    Ok(Graph::build(&parts)?)
}
