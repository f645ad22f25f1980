//! One dataset of one connection by itself, whatever the others are like.

use engine::Source;
use graph::{Graph, GraphDataset, GraphError};
use model::ConnectionKey;
use store::StoreError;
use thiserror::Error;

use super::stored::{Behind, Found};
use super::{LeftOutReason, WireOptions, WiredConnection};
use crate::Connections;

/// A dataset that is read by itself.
#[derive(Debug)]
pub struct WiredAlone {
    /// Its collections; fields of other datasets are identities here.
    pub graph: Graph,
    /// What its rows come from.
    pub source: Source,
    /// The connection.
    pub member: WiredConnection,
}

/// Why a dataset cannot be read by itself.
#[derive(Debug, Error)]
pub enum AloneError {
    /// There is no such connection any more, or it has no such dataset.
    #[error("it has no dataset `{dataset}` any more")]
    Gone {
        /// Key of the dataset.
        dataset: String,
    },
    /// The connection cannot be read.
    #[error(transparent)]
    LeftOut(LeftOutReason),
    /// The dataset contradicts itself.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The store does not answer.
    #[error("the connection could not be read")]
    Store(#[from] StoreError),
}

impl Connections {
    /// Makes one dataset of a connection ready to be read by itself. Calls nobody.
    ///
    /// # Errors
    /// [`AloneError`].
    pub async fn wire_alone(
        &self,
        key: &ConnectionKey,
        dataset: &str,
        options: &WireOptions,
    ) -> Result<WiredAlone, AloneError> {
        let gone = || AloneError::Gone { dataset: dataset.to_owned() };
        let connection = self.store().connection_find(key).await?.ok_or_else(gone)?;
        let mut found = Found::default();
        self.find_behind(&connection, options, &mut found).await?;
        let tokens = self.shared_tokens(options, &mut found);
        let part = found.parts.into_iter().find(|part| part.member.key.as_str() == dataset);
        let Some(part) = part else {
            let reason = found.left_out.into_iter().next().map(|left| left.reason);
            return Err(reason.map_or_else(gone, AloneError::LeftOut));
        };
        let merged = match &part.behind {
            Behind::Connector(connection, dataset) => {
                graph::merge(&connection.file, dataset.as_ref(), &connection.references)?
            }
            Behind::Database(_, dataset) => GraphDataset::from_dataset(dataset),
        };
        let graph = Graph::build(&[merged.alone()])?;
        let (member, source) = self.source(part, &tokens);
        Ok(WiredAlone { graph, source, member })
    }
}
