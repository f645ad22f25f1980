use std::sync::Arc;

use connections::Connections;
use model::{Clock, IdSource};
use privacy::storage_book::PackageSettings;
use store::Store;

use crate::password::Passwords;
use crate::rate_limit::RateLimiter;
use crate::{ApiParts, ApiSettings};

/// What every handler can reach. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct ApiState {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    parts: ApiParts,
    sign_ins: RateLimiter,
    calls: RateLimiter,
    passwords: Passwords,
}

impl ApiState {
    pub(crate) fn new(parts: ApiParts) -> Self {
        let limiter = |limit| RateLimiter::new(limit, Arc::clone(&parts.clock));
        let sign_ins = limiter(parts.settings.auth_rate_limit);
        let calls = limiter(parts.settings.request_rate_limit);
        Self { inner: Arc::new(Inner { parts, sign_ins, calls, passwords: Passwords::new() }) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.parts.connections
    }

    /// How packages leave the server.
    pub(crate) fn packages(&self) -> &PackageSettings {
        &self.inner.parts.packages
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.parts.clock
    }

    pub(crate) fn ids(&self) -> &Arc<dyn IdSource> {
        &self.inner.parts.ids
    }

    pub(crate) fn settings(&self) -> &ApiSettings {
        &self.inner.parts.settings
    }

    /// Counts attempts to sign in, by address and by name.
    pub(crate) fn sign_ins(&self) -> &RateLimiter {
        &self.inner.sign_ins
    }

    /// Makes and checks hashes of passwords.
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// Counts calls, by address.
    pub(crate) fn calls(&self) -> &RateLimiter {
        &self.inner.calls
    }
}
