use std::sync::Arc;

use crypto::{HashKey, RunKey};
use model::RunId;

use crate::store::run_key_place;
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

    /// Keeps the data key of a run open that came with something else. One that cannot be opened is told
    /// to whoever asks for it.
    pub(crate) fn run_key_given(&self, run: &RunId, wrapped: &[u8]) {
        if let Ok(key) = RunKey::unwrap(&self.inner.keys, &run_key_place(run), wrapped) {
            self.run_key_keep(run, &Arc::new(key));
        }
    }
}
