//! Names that a hold keeps others from: things that several runs may be about.

use store::{NamedLease, Store, StoreError};
use tokio::time::Instant;

use super::{HoldError, HoldRequest, LEASE, LOOK};

/// Leases that are renewed together; none for most holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Locks {
    holder: String,
    leases: Vec<(String, NamedLease)>,
}

impl Locks {
    /// Takes all of `names`, or none: whoever waits for one holds none meanwhile, so that nobody waits in a
    /// circle.
    pub(super) async fn take(
        store: &Store,
        request: &HoldRequest,
        names: &[String],
    ) -> Result<Self, HoldError> {
        let until = Instant::now() + request.wait.unwrap_or_default();
        // Two holds of one process are two holders.
        let holder = format!("{}/{}", request.run, request.worker);
        loop {
            let mut locks = Self { holder: holder.clone(), leases: Vec::with_capacity(names.len()) };
            if locks.take_all(store, names).await? {
                return Ok(locks);
            }
            locks.release(store).await;
            let now = Instant::now();
            if now >= until {
                return Err(HoldError::HeldByAnother {
                    run: request.run.clone(),
                    name: request.name.clone(),
                });
            }
            tokio::time::sleep(LOOK.min(until - now)).await;
        }
    }

    async fn take_all(&mut self, store: &Store, names: &[String]) -> Result<bool, StoreError> {
        for name in names {
            let Some(lease) = store.lease_take(name, &self.holder, LEASE).await? else { return Ok(false) };
            self.leases.push((name.clone(), lease));
        }
        Ok(true)
    }

    /// Makes them last for another lease.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has, or has had, one of them.
    pub(super) async fn renew(&self, store: &Store) -> Result<(), StoreError> {
        for (name, lease) in &self.leases {
            // One that was free for a while has another number: somebody may have had it.
            if store.lease_take(name, &self.holder, LEASE).await?.as_ref() != Some(lease) {
                return Err(StoreError::Fenced { what: format!("lease {name}") });
            }
        }
        Ok(())
    }

    /// Gives them back; one that cannot be given back runs out.
    pub(super) async fn release(&self, store: &Store) {
        for (name, lease) in &self.leases {
            if let Err(error) = store.lease_release(lease).await {
                tracing::warn!(lease = name, %error, "a lease could not be given back and runs out by itself");
            }
        }
    }
}
