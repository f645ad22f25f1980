use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::Secret;
use model::ConnectionKey;
use thiserror::Error;

/// A future on the heap, as the methods of [`TokenStore`] return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Held while one caller refreshes the token of a connection; dropping it lets the next one in.
pub type TokenLock = Box<dyn Send>;

/// Where access tokens are kept (saas-config 6.15–6.22).
///
/// In memory here ([`MemoryTokens`]); shared and sealed in the engine. A token is saved *before* it
/// is used, so that a refresh token that works only once is never lost.
pub trait TokenStore: Send + Sync + fmt::Debug {
    /// The tokens kept under `key`.
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<Tokens>, TokenStoreError>>;

    /// Keeps `tokens` under `key`, replacing what was there. If the lock was lost meanwhile and somebody
    /// else replaced it, theirs stand, and are what is loaded.
    fn save<'a>(&'a self, key: &'a TokenKey, tokens: Tokens) -> BoxFuture<'a, Result<(), TokenStoreError>>;

    /// Waits until nobody else refreshes a token of `connection`.
    fn lock<'a>(&'a self, connection: &'a ConnectionKey)
    -> BoxFuture<'a, Result<TokenLock, TokenStoreError>>;
}

/// Names the tokens of one authentication of one connection.
///
/// A connection may talk to several hosts; the host is part of the key so that the token of one
/// never reaches another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenKey {
    /// The connection.
    pub connection: ConnectionKey,
    /// Host that the token is for and where it is fetched.
    pub slot: String,
}

/// The tokens of one authentication.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Sent with each request.
    pub access_token: Arc<Secret<String>>,
    /// Gets the next access token.
    pub refresh_token: Option<Arc<Secret<String>>>,
    /// When the access token ends, whole seconds since the epoch; `None` = unknown, never refreshed.
    pub expires_at: Option<i64>,
}

/// A token store that does not answer.
#[derive(Debug, Error)]
#[error("the token store does not answer; look at the log of the store")]
pub struct TokenStoreError {
    /// What went wrong.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Tokens of this process, forgotten at its end.
#[derive(Debug, Default)]
pub struct MemoryTokens {
    tokens: Mutex<HashMap<TokenKey, Tokens>>,
    locks: Mutex<HashMap<ConnectionKey, Arc<tokio::sync::Mutex<()>>>>,
}

impl MemoryTokens {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl TokenStore for MemoryTokens {
    fn load<'a>(&'a self, key: &'a TokenKey) -> BoxFuture<'a, Result<Option<Tokens>, TokenStoreError>> {
        let found = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn save<'a>(&'a self, key: &'a TokenKey, tokens: Tokens) -> BoxFuture<'a, Result<(), TokenStoreError>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), tokens);
        Box::pin(async { Ok(()) })
    }

    fn lock<'a>(
        &'a self,
        connection: &'a ConnectionKey,
    ) -> BoxFuture<'a, Result<TokenLock, TokenStoreError>> {
        let mutex = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(connection.clone()).or_default())
        };
        Box::pin(async move { Ok(Box::new(mutex.lock_owned().await) as TokenLock) })
    }
}
