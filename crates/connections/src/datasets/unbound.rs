//! Datasets by themselves, whichever connections they belong to.

use model::ConnectionKey;
use serde_json::Value;
use store::{Actor, NewDataset, Put, PutMode, StoreError};
use thiserror::Error;

use super::{DatasetFailure, DatasetRefused, shown};
use crate::{Connections, DatasetDocument};

/// Why a dataset was not kept or removed.
#[derive(Debug, Error)]
pub enum UnboundRefused {
    /// There is none of this key.
    #[error("there is no dataset `{key}`")]
    Absent {
        /// The key asked for.
        key: String,
    },
    /// There is one of this key.
    #[error("there is a dataset `{key}` already; update it, or take another key")]
    Exists {
        /// The key asked for.
        key: String,
    },
    /// A connection that has it could not go on with it.
    #[error("connection `{connection}` cannot have dataset `{key}` like this: {failure}")]
    Unfit {
        /// The dataset.
        key: String,
        /// The connection.
        connection: ConnectionKey,
        /// Why not.
        failure: DatasetFailure,
    },
    /// Connections have it.
    #[error(
        "dataset `{key}` belongs to connection `{connection}`; remove it there: `DELETE /connection/{connection}/dataset/{key}`"
    )]
    InUse {
        /// The dataset.
        key: String,
        /// One of the connections.
        connection: ConnectionKey,
    },
    /// Something else.
    #[error(transparent)]
    Other(#[from] DatasetRefused),
}

impl From<StoreError> for UnboundRefused {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl Connections {
    /// Keeps one dataset. Every connection that has it must be able to go on with it; what is protected
    /// of an application's dataset is put back.
    ///
    /// # Errors
    /// [`UnboundRefused`]; then nothing was kept.
    pub async fn dataset_put_unbound(
        &self,
        document: DatasetDocument,
        mode: PutMode,
        actor: Actor,
    ) -> Result<DatasetDocument, UnboundRefused> {
        let key = document.dataset.fides_key.clone();
        let fitting = self.fitting(document).await?;
        match self.store().dataset_put((&fitting.to_kept(), mode), None, actor).await {
            Ok(_) => Ok(fitting),
            Err(StoreError::Conflict { .. }) => Err(UnboundRefused::Exists { key }),
            Err(StoreError::NotFound { .. }) => Err(UnboundRefused::Absent { key }),
            Err(error) => Err(error.into()),
        }
    }

    /// The same for several, whether there are any of their keys or not: all or none.
    ///
    /// # Errors
    /// [`UnboundRefused`]; then nothing was kept.
    pub async fn dataset_put_all(
        &self,
        documents: Vec<DatasetDocument>,
        actor: Actor,
    ) -> Result<Vec<Put>, UnboundRefused> {
        let mut fitting: Vec<NewDataset> = Vec::with_capacity(documents.len());
        for document in documents {
            fitting.push(self.fitting(document).await?.to_kept());
        }
        Ok(self.store().dataset_put_all(&fitting, actor).await?)
    }

    /// Removes a dataset that no connection has, and returns it as clients are shown it.
    ///
    /// # Errors
    /// [`UnboundRefused`].
    pub async fn dataset_remove_unbound(&self, key: &str, actor: Actor) -> Result<Value, UnboundRefused> {
        let absent = || UnboundRefused::Absent { key: key.to_owned() };
        let dataset = self.store().dataset_find(key).await?.ok_or_else(absent)?;
        if let Some(connection) = self.store().dataset_connections(key).await?.into_iter().next() {
            return Err(UnboundRefused::InUse { key: key.to_owned(), connection });
        }
        let document = shown(&dataset)?;
        if self.store().dataset_remove(key, actor).await? { Ok(document) } else { Err(absent()) }
    }

    async fn fitting(&self, document: DatasetDocument) -> Result<DatasetDocument, UnboundRefused> {
        let key = document.dataset.fides_key.clone();
        let mut fitting = document;
        for connection in self.store().dataset_connections(&key).await? {
            let owner = self.dataset_owner(connection.as_str()).await?;
            match self.dataset_prepare(&owner, fitting).await? {
                Ok(prepared) => fitting = prepared.document,
                Err(failure) => return Err(UnboundRefused::Unfit { key, connection, failure }),
            }
        }
        if let Some(strategy) = fitting.refused_overrides.first() {
            let failure = DatasetFailure::SecretOverride { strategy: strategy.clone() };
            return Err(DatasetRefused::Unfit(failure).into());
        }
        Ok(fitting)
    }
}
