use serde_json::Value;
use store::{Actor, DatasetLink, OtherLinks, StoreError};

use super::{DatasetFailure, DatasetOwner, DatasetRefused, rules, shown};
use crate::{Connections, DatasetDocument};

/// Why links were not made; then none was.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefused {
    /// A dataset that is not there.
    #[error("No dataset with fides_key '{dataset}' exists; make it with `POST /dataset` first")]
    NoDataset {
        /// The key asked for.
        dataset: String,
    },
    /// Something else.
    #[error(transparent)]
    Other(#[from] DatasetRefused),
}

impl From<StoreError> for LinkRefused {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl Connections {
    /// Links kept datasets to a connection: those that fit it. The answer has one outcome for each link,
    /// with the dataset as clients are shown it.
    ///
    /// # Errors
    /// [`LinkRefused`] if one of the datasets is not there.
    pub async fn dataset_link(
        &self,
        owner: &DatasetOwner,
        (links, others): (&[DatasetLink], OtherLinks),
        actor: Actor,
    ) -> Result<Vec<Result<Value, DatasetFailure>>, LinkRefused> {
        let mut outcomes = Vec::with_capacity(links.len());
        let mut fitting = Vec::new();
        for link in links {
            let outcome = self.link_check(owner, link).await?;
            if outcome.is_ok() {
                fitting.push(link.clone());
            }
            outcomes.push(outcome);
        }
        self.store().dataset_link_put(owner.key(), (&fitting, others), actor).await?;
        Ok(outcomes)
    }

    async fn link_check(
        &self,
        owner: &DatasetOwner,
        link: &DatasetLink,
    ) -> Result<Result<Value, DatasetFailure>, LinkRefused> {
        let absent = || LinkRefused::NoDataset { dataset: link.dataset.clone() };
        let dataset = self.store().dataset_find(&link.dataset).await?.ok_or_else(absent)?;
        let Some(document) = DatasetDocument::of_kept(&dataset.body) else {
            return Ok(Err(DatasetFailure::NotKept));
        };
        if let Err(failure) = rules::check(owner, &document) {
            return Ok(Err(failure));
        }
        let taken = self.store().dataset_link_owner(&link.key).await?;
        if taken.is_some_and(|taken| taken != *owner.key()) {
            return Ok(Err(DatasetFailure::NotKept));
        }
        Ok(Ok(shown(&dataset)?))
    }
}
