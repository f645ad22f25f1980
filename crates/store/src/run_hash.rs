use crypto::HashKey;
use model::RunId;

use crate::{Store, StoreError};

impl Store {
    /// The key of the hashes by which a run recognises rows and secrets. It dies with the run's data:
    /// after that nobody can test a guess against them.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] once the run's data was destroyed.
    pub async fn run_hash_key(&self, run: &RunId) -> Result<HashKey, StoreError> {
        Ok(self.run_key(run).await?.hash_key("rows"))
    }
}
