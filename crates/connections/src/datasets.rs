//! Datasets of a connection: checked against it, protected, kept, and asked what they lead to.

mod link;
mod owner;
mod protection;
mod reach;
mod rules;
mod unbound;

use serde_json::Value;
use store::{Actor, Document, PutMode, StoreError};
use thiserror::Error;

use crate::{Connections, DatasetDocument, Problem, StaleConnector};

pub(crate) use protection::protected_fields;

pub use link::LinkRefused;
pub use owner::DatasetOwner;
pub use protection::{DatasetWarning, ProtectedField, WarningAction};
pub use reach::{DatasetInputs, Reachability, Traversable};
pub use rules::DatasetFailure;
pub use unbound::UnboundRefused;

/// Why nothing could be done about datasets of a connection.
#[derive(Debug, Error)]
pub enum DatasetRefused {
    /// There is no such connection.
    #[error("No connection config with key '{key}'")]
    NoConnection {
        /// The key asked for.
        key: String,
    },
    /// The connection has no such dataset.
    #[error("No dataset with fides_key '{dataset}' and connection key {connection}'")]
    NoDataset {
        /// The key asked for.
        dataset: String,
        /// The connection.
        connection: String,
    },
    /// There is no such policy.
    #[error("No policy found for key {key}.")]
    NoPolicy {
        /// The key asked for.
        key: String,
    },
    /// The document is none.
    #[error("the dataset has {} mistakes", .0.len())]
    Invalid(Vec<Problem>),
    /// It can be one of no connection.
    #[error(transparent)]
    Unfit(DatasetFailure),
    /// The connector file that is kept cannot be used.
    #[error(transparent)]
    Stale(#[from] StaleConnector),
    /// The store did not do it.
    #[error("datasets could not be kept or read")]
    Store(#[from] StoreError),
}

/// A dataset that fits its connection.
#[derive(Debug, Clone)]
pub struct PreparedDataset {
    /// It, with what is protected put back.
    pub document: DatasetDocument,
    /// What was put back or taken out.
    pub warnings: Vec<DatasetWarning>,
}

impl Connections {
    /// Checks a dataset against a connection and the dataset of its key that the connection has; keeps
    /// nothing.
    ///
    /// # Errors
    /// The outer one if the question cannot be answered, the inner one if the answer is no.
    pub async fn dataset_prepare(
        &self,
        owner: &DatasetOwner,
        document: DatasetDocument,
    ) -> Result<Result<PreparedDataset, DatasetFailure>, DatasetRefused> {
        if let Err(failure) = rules::check(owner, &document) {
            return Ok(Err(failure));
        }
        let kept = self.dataset_of(owner, &document.dataset.fides_key).await?;
        let prepared = match (&owner.file, kept.and_then(|kept| serde_json::from_str(&kept.body).ok())) {
            (Some(file), Some(kept)) => {
                let kept: Value = crate::canonical_dataset(&kept);
                let (protected, warnings) = protection::restore(file, &kept, &document.document);
                PreparedDataset { document: document.with(&protected), warnings }
            }
            (Some(_) | None, _) => PreparedDataset { document, warnings: Vec::new() },
        };
        Ok(Ok(prepared))
    }

    /// Keeps a dataset as one of a connection, in place of the one of its key.
    ///
    /// # Errors
    /// The outer one if nothing can be kept now, the inner one if this one cannot.
    pub async fn dataset_put(
        &self,
        owner: &DatasetOwner,
        document: DatasetDocument,
        actor: Actor,
    ) -> Result<Result<PreparedDataset, DatasetFailure>, DatasetRefused> {
        let prepared = match self.dataset_prepare(owner, document).await? {
            Ok(prepared) => prepared,
            Err(failure) => return Ok(Err(failure)),
        };
        let new = prepared.document.to_kept();
        match self.store().dataset_put((&new, PutMode::Upsert), Some(owner.key()), actor).await {
            Ok(_) => Ok(Ok(prepared)),
            Err(StoreError::Conflict { .. }) => Ok(Err(DatasetFailure::NotKept)),
            Err(error) => Err(error.into()),
        }
    }

    /// The datasets of a connection by key, as clients are shown them.
    pub async fn dataset_list(&self, owner: &DatasetOwner) -> Result<Vec<(String, Value)>, DatasetRefused> {
        let links = self.store().dataset_link_list(owner.key()).await?;
        links.into_iter().map(|(link, dataset)| Ok((link.key, shown(&dataset)?))).collect()
    }

    /// One dataset of a connection, by the key of its link.
    pub async fn dataset_get(&self, owner: &DatasetOwner, key: &str) -> Result<Value, DatasetRefused> {
        Ok(shown(&self.dataset_of_link(owner, key).await?)?)
    }

    /// Removes a dataset of a connection.
    pub async fn dataset_remove(
        &self,
        owner: &DatasetOwner,
        key: &str,
        actor: Actor,
    ) -> Result<(), DatasetRefused> {
        if self.store().dataset_link_remove(owner.key(), key, actor).await? {
            return Ok(());
        }
        Err(owner.no_dataset(key))
    }

    pub(crate) async fn dataset_of_link(
        &self,
        owner: &DatasetOwner,
        key: &str,
    ) -> Result<Document, DatasetRefused> {
        let links = self.store().dataset_link_list(owner.key()).await?;
        let found = links.into_iter().find(|(link, _)| link.key == key);
        found.map(|(_, dataset)| dataset).ok_or_else(|| owner.no_dataset(key))
    }

    /// The kept dataset of this key, if it is one of the connection's.
    async fn dataset_of(&self, owner: &DatasetOwner, key: &str) -> Result<Option<Document>, StoreError> {
        let links = self.store().dataset_link_list(owner.key()).await?;
        Ok(links.into_iter().find(|(_, dataset)| dataset.key == key).map(|(_, dataset)| dataset))
    }
}

/// A kept dataset as clients are shown it.
pub fn shown(dataset: &Document) -> Result<Value, StoreError> {
    let document = serde_json::from_str(&dataset.body);
    let document: Value = document.map_err(|_| StoreError::Damaged { what: "a dataset" })?;
    Ok(crate::canonical_dataset(&document))
}
