//! Access tokens that all processes of an installation share, sealed in the store
//! (saas-config 6.15–6.22).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector::{BoxFuture, TokenKey, TokenLock, TokenStore, TokenStoreError, Tokens};
use crypto::Secret;
use model::ConnectionKey;
use serde::{Deserialize, Serialize};
use store::{NamedLease, Store, StoreError};
use thiserror::Error;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A process that dies while it refreshes a token holds up others for as long.
const LEASE: Duration = Duration::from_secs(3);
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Time between two tries to get the lock.
const LOOK: Duration = Duration::from_millis(100);
/// Longest wait for another process that refreshes the token.
const LONGEST: Duration = Duration::from_mins(1);

/// What [`StoredTokens`] are made of.
#[derive(Debug)]
pub struct StoredTokensParts {
    /// Where they are kept.
    pub store: Store,
    /// Name of this process among the holders of locks.
    pub worker: String,
    /// For each connection a fingerprint of its secrets: a token that was got with other secrets is not
    /// found.
    pub fingerprints: HashMap<ConnectionKey, String>,
}

/// Tokens in the store. Cheap to clone.
#[derive(Clone)]
pub struct StoredTokens {
    parts: Arc<StoredTokensParts>,
    locks: Arc<Mutex<HashMap<ConnectionKey, Arc<tokio::sync::Mutex<()>>>>>,
    refreshing: Refreshing,
}

/// What this process refreshes at the moment.
type Refreshing = Arc<Mutex<HashMap<ConnectionKey, Refresh>>>;

/// A refresh under way: its lease, and what was kept in each slot when it began.
struct Refresh {
    lease: NamedLease,
    before: HashMap<String, Option<Arc<Secret<Vec<u8>>>>>,
}

/// The tokens as they are sealed. Not `Debug`.
#[derive(Serialize, Deserialize)]
struct Kept {
    access_token: String,
    refresh_token: Option<String>,
    expires_at: Option<i64>,
}

#[derive(Debug, Error)]
enum TokenFault {
    #[error("a kept token cannot be read")]
    Damaged,
    #[error("another process has been refreshing the token of `{connection}` for too long")]
    Locked { connection: ConnectionKey },
}

impl StoredTokens {
    /// The tokens of a store.
    pub fn new(parts: StoredTokensParts) -> Self {
        Self { parts: Arc::new(parts), locks: Arc::default(), refreshing: Arc::default() }
    }

    fn slot(&self, key: &TokenKey) -> String {
        let fingerprint = self.parts.fingerprints.get(&key.connection).map_or("", String::as_str);
        format!("{}|{fingerprint}", key.slot)
    }

    async fn find(&self, key: &TokenKey) -> Result<Option<Tokens>, TokenStoreError> {
        let slot = self.slot(key);
        let found = self.parts.store.token_find(&key.connection, &slot).await.map_err(failed)?;
        let found = found.map(Arc::new);
        if let Some(refresh) = refreshing(&self.refreshing).get_mut(&key.connection) {
            refresh.before.entry(slot).or_insert_with(|| found.clone());
        }
        let Some(plain) = found else { return Ok(None) };
        let kept: Kept = serde_json::from_slice(plain.expose()).map_err(|_| failed(TokenFault::Damaged))?;
        Ok(Some(Tokens {
            access_token: Arc::new(Secret::new(kept.access_token)),
            refresh_token: kept.refresh_token.map(|token| Arc::new(Secret::new(token))),
            expires_at: kept.expires_at,
        }))
    }

    async fn keep(&self, key: &TokenKey, tokens: Tokens) -> Result<(), TokenStoreError> {
        let kept = Kept {
            access_token: tokens.access_token.expose().clone(),
            refresh_token: tokens.refresh_token.as_ref().map(|token| token.expose().clone()),
            expires_at: tokens.expires_at,
        };
        let plain = serde_json::to_vec(&kept).map_err(|_| failed(TokenFault::Damaged))?;
        let (store, slot, plain) = (&self.parts.store, self.slot(key), Secret::new(plain));
        let place = (&key.connection, slot.as_str());
        let under = refreshing(&self.refreshing)
            .get(&key.connection)
            .map(|refresh| (refresh.lease.clone(), refresh.before.get(&slot).cloned().flatten()));
        let Some((lease, before)) = under else {
            return store.token_put(place, &plain).await.map_err(failed);
        };
        match store.token_put_held(&lease, place, &plain).await {
            Ok(()) => Ok(()),
            Err(StoreError::Fenced { .. }) => {
                // This process slept, and another one refreshes by now. What that one keeps stands.
                let kept = store.token_replace(place, before.as_deref(), &plain).await.map_err(failed)?;
                tracing::warn!(connection = %key.connection, kept, "the lock of a token was lost meanwhile");
                Ok(())
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn take(&self, connection: &ConnectionKey) -> Result<TokenLock, TokenStoreError> {
        let mutex = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(connection.clone()).or_default())
        };
        let here = mutex.lock_owned().await;
        let name = format!("token|{connection}");
        let until = Instant::now() + LONGEST;
        loop {
            let taken = self.parts.store.lease_take(&name, &self.parts.worker, LEASE).await;
            if let Some(lease) = taken.map_err(failed)? {
                return Ok(Box::new(self.held(connection, (name, lease), here)));
            }
            if Instant::now() >= until {
                return Err(failed(TokenFault::Locked { connection: connection.clone() }));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn held(
        &self,
        connection: &ConnectionKey,
        (name, lease): (String, NamedLease),
        here: OwnedMutexGuard<()>,
    ) -> Held {
        let refresh = Refresh { lease: lease.clone(), before: HashMap::new() };
        refreshing(&self.refreshing).insert(connection.clone(), refresh);
        let heart = tokio::spawn(beat(Arc::clone(&self.parts), name, lease.clone()));
        Held {
            parts: Arc::clone(&self.parts),
            refreshing: Arc::clone(&self.refreshing),
            connection: connection.clone(),
            lease,
            heart,
            here: Some(here),
        }
    }
}

fn refreshing(all: &Refreshing) -> MutexGuard<'_, HashMap<ConnectionKey, Refresh>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Renews a lock until somebody else has had it.
async fn beat(parts: Arc<StoredTokensParts>, name: String, lease: NamedLease) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match parts.store.lease_take(&name, &parts.worker, LEASE).await {
            Ok(Some(renewed)) if renewed == lease => {}
            Ok(Some(other)) => {
                // Lost and free again. It is not ours to go on with.
                if let Err(error) = parts.store.lease_release(&other).await {
                    tracing::warn!(%error, "the lock of a token ends by itself in a moment");
                }
                break;
            }
            Ok(None) => break,
            Err(error) => tracing::warn!(%error, "the lock of a token could not be renewed"),
        }
    }
    tracing::warn!("another process took over the lock of a token");
}

impl TokenStore for StoredTokens {
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<Tokens>, TokenStoreError>> {
        Box::pin(self.find(key))
    }

    fn save<'a>(&'a self, key: &'a TokenKey, tokens: Tokens) -> BoxFuture<'a, Result<(), TokenStoreError>> {
        Box::pin(self.keep(key, tokens))
    }

    fn lock<'a>(
        &'a self,
        connection: &'a ConnectionKey,
    ) -> BoxFuture<'a, Result<TokenLock, TokenStoreError>> {
        Box::pin(self.take(connection))
    }
}

impl fmt::Debug for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredTokens").field("worker", &self.parts.worker).finish_non_exhaustive()
    }
}

/// A lock that is held; given back when dropped.
struct Held {
    parts: Arc<StoredTokensParts>,
    refreshing: Refreshing,
    connection: ConnectionKey,
    lease: NamedLease,
    heart: JoinHandle<()>,
    here: Option<OwnedMutexGuard<()>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.heart.abort();
        refreshing(&self.refreshing).remove(&self.connection);
        let (parts, lease, here) = (Arc::clone(&self.parts), self.lease.clone(), self.here.take());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = parts.store.lease_release(&lease).await {
                    tracing::warn!(%error, "the lock of a token ends by itself in a moment");
                }
                // The next one of this process asks for the lease only after it was given back.
                drop(here);
            });
        }
    }
}

fn failed(source: impl std::error::Error + Send + Sync + 'static) -> TokenStoreError {
    TokenStoreError { source: Box::new(source) }
}
