use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a server tells those who look after it: whether it wants calls, and what it counted. Clones
/// share it.
#[derive(Clone, Default)]
pub struct Telemetry {
    page: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    ending: Arc<AtomicBool>,
}

impl Telemetry {
    /// With what draws the numbers in the text format of Prometheus; the interface keeps none itself.
    pub fn new(page: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self { page: Some(Arc::new(page)), ending: Arc::default() }
    }

    /// From now on the server wants no calls; those that come are answered all the same.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    pub(crate) fn page(&self) -> String {
        self.page.as_ref().map(|page| page()).unwrap_or_default()
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("ending", &self.ending).finish_non_exhaustive()
    }
}
