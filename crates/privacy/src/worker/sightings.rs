//! Letting those who look after workers know that this one is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use store::WorkerReport;

use super::WorkerParts;

/// Between two words.
const EVERY: Duration = Duration::from_secs(5);

/// Says without end that the worker is there, and how many requests it has.
pub(super) async fn tell(parts: Arc<WorkerParts>, busy: Arc<AtomicU64>) {
    loop {
        let report = WorkerReport {
            name: parts.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: parts.slots as u64,
            busy: busy.load(Ordering::Relaxed),
        };
        if let Err(error) = parts.store.worker_seen(&report).await {
            tracing::debug!(%error, "this worker could not say that it is there");
        }
        parts.clock.sleep(EVERY).await;
    }
}

/// Says that it is not there any more.
pub(super) async fn end(parts: &WorkerParts) {
    if let Err(error) = parts.store.worker_gone(&parts.name).await {
        tracing::debug!(%error, "this worker could not say that it ended");
    }
}
