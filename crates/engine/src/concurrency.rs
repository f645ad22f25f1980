use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::ConnectionKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many calls may be in flight (architecture §13.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one connection, at least 1.
    pub per_connection: usize,
    /// In all, at least 1.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_connection: 8, total: 64 }
    }
}

/// Bounds the calls in flight. Clones share the bound: give the same one to runs that go on at the
/// same time.
#[derive(Debug, Clone)]
pub struct Concurrency {
    limits: Limits,
    total: Arc<Semaphore>,
    connections: Arc<Mutex<HashMap<ConnectionKey, Arc<Semaphore>>>>,
}

/// The right to have one call in flight; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    _of_connection: Option<OwnedSemaphorePermit>,
    _of_total: Option<OwnedSemaphorePermit>,
}

impl Concurrency {
    /// A bound of its own; limits of zero count as one.
    pub fn new(limits: Limits) -> Self {
        let limits = Limits { per_connection: limits.per_connection.max(1), total: limits.total.max(1) };
        Self { limits, total: Arc::new(Semaphore::new(limits.total)), connections: Arc::default() }
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Waits for a free place. The connection's place is taken first, so that calls of a busy
    /// connection do not hold places that others could use.
    pub async fn slot(&self, connection: &ConnectionKey) -> Slot {
        let of_connection = {
            let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = connections.get(connection) {
                Arc::clone(known)
            } else {
                let fresh = Arc::new(Semaphore::new(self.limits.per_connection));
                Arc::clone(connections.entry(connection.clone()).or_insert(fresh))
            }
        };
        // A semaphore that nobody closes never refuses.
        let of_connection = of_connection.acquire_owned().await.ok();
        let of_total = Arc::clone(&self.total).acquire_owned().await.ok();
        Slot { _of_connection: of_connection, _of_total: of_total }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn clones_share_one_bound_and_connections_have_their_own() {
        let one = Concurrency::new(Limits { per_connection: 1, total: 2 });
        let two = one.clone();
        let (a, b): (ConnectionKey, ConnectionKey) = ("a".parse().unwrap(), "b".parse().unwrap());

        let first = one.slot(&a).await;
        let of_b = two.slot(&b).now_or_never();

        assert!(two.slot(&a).now_or_never().is_none(), "the connection's only place is taken");
        assert!(of_b.is_some());
        drop(first);
        assert!(two.slot(&a).now_or_never().is_some());
    }

    #[tokio::test]
    async fn limits_of_zero_do_not_stop_everything() {
        let bound = Concurrency::new(Limits { per_connection: 0, total: 0 });

        assert!(bound.slot(&"a".parse().unwrap()).now_or_never().is_some());
    }
}
