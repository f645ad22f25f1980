use std::sync::Arc;

use model::{Clock, IdSource};
use store::Store;

use crate::{ApiParts, ApiSettings};

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    inner: Arc<ApiParts>,
}

impl ApiState {
    pub(crate) fn new(parts: ApiParts) -> Self {
        Self { inner: Arc::new(parts) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    #[expect(dead_code, reason = "the first noun that makes ids takes it")]
    pub(crate) fn ids(&self) -> &Arc<dyn IdSource> {
        &self.inner.ids
    }

    pub(crate) fn settings(&self) -> &ApiSettings {
        &self.inner.settings
    }
}
