use std::sync::Arc;

use baton::control::ControlPlane;
use connections::Connections;
use governance::worker::Connected;
use messages::Messages;
use model::{Clock, IdSource};
use privacy::PrivacyService;
use privacy::policy_book::PolicyBook;
use privacy::request::{PrivacyRequests, RequestSettings, RequestsParts};
use privacy::storage_book::PackageSettings;
use privacy::worker::{Services, ServicesError};
use store::Store;
use tokio::sync::Semaphore;

use crate::inventories::Inventories;
use crate::oidc::Oidc;
use crate::password::Passwords;
use crate::rate_limit::RateLimiter;
use crate::{ApiError, ApiParts, ApiSettings};

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
    public_calls: RateLimiter,
    passwords: Passwords,
    oidc: Option<Oidc>,
    requests: PrivacyRequests,
    followers: Arc<Semaphore>,
    inventories: Inventories,
}

/// How many may follow requests at once.
const FOLLOWERS: usize = 200;

impl ApiState {
    pub(crate) fn new(parts: ApiParts) -> Self {
        let limiter = |limit| RateLimiter::new(limit, Arc::clone(&parts.clock));
        let sign_ins = limiter(parts.settings.auth_rate_limit);
        let calls = limiter(parts.settings.request_rate_limit);
        let public_calls = limiter(parts.settings.public_rate_limit);
        let oidc = parts.settings.oidc.clone().map(|oidc| Oidc::new(oidc, Arc::clone(&parts.clock)));
        let requests = PrivacyRequests::new(RequestsParts {
            store: parts.store.clone(),
            policies: PolicyBook::new(parts.store.clone()),
            clock: Arc::clone(&parts.clock),
            ids: Arc::clone(&parts.ids),
            settings: RequestSettings::default(),
            configured: Some(parts.settings.configured.clone()),
        });
        Self {
            inner: Arc::new(Inner {
                parts,
                sign_ins,
                calls,
                public_calls,
                passwords: Passwords::new(),
                oidc,
                requests,
                followers: Arc::new(Semaphore::new(FOLLOWERS)),
                inventories: Inventories::new(),
            }),
        }
    }

    /// What privacy requests are carried out with, as connections are now.
    pub(crate) async fn service(&self) -> Result<PrivacyService, ApiError> {
        let text = "this server carries no privacy requests out; ask one that does";
        let services = self.inner.parts.services.as_ref();
        let services = services.ok_or_else(|| ApiError::NotImplemented(text.to_owned()))?;
        let revision = self.store().revision().await?;
        services.current(revision).await.map_err(|error| match error {
            ServicesError::Store(error) => error.into(),
            ServicesError::Connection { .. } | ServicesError::Setup { .. } => {
                ApiError::FailedDependency(error.to_string())
            }
        })
    }

    /// What datasets are read with by themselves; none on a server that carries no requests out.
    pub(crate) fn services(&self) -> Option<&dyn Services> {
        self.inner.parts.services.as_deref()
    }

    /// What connectors that run elsewhere get their work from.
    pub(crate) fn control(&self) -> Result<&ControlPlane, ApiError> {
        let text = "this server has no work for connectors that run elsewhere; ask one that does";
        self.inner.parts.control.as_ref().ok_or_else(|| ApiError::NotImplemented(text.to_owned()))
    }

    /// What access is changed with.
    pub(crate) fn access(&self) -> Result<&dyn Connected, ApiError> {
        let text = "this server changes no access; ask one that does";
        self.inner.parts.access.as_deref().ok_or_else(|| ApiError::NotImplemented(text.to_owned()))
    }

    /// Places for those who follow a request as it goes on.
    pub(crate) fn followers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.followers)
    }

    /// Who has access, as it was kept.
    pub(crate) fn inventories(&self) -> &Inventories {
        &self.inner.inventories
    }

    /// The requests of people.
    pub(crate) fn requests(&self) -> &PrivacyRequests {
        &self.inner.requests
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.parts.connections
    }

    /// How messages leave the server.
    pub(crate) fn messages(&self) -> &Messages {
        &self.inner.parts.messages
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

    /// Counts calls that change something and need no token, by address.
    pub(crate) fn public_calls(&self) -> &RateLimiter {
        &self.inner.public_calls
    }

    /// The provider of accounts, if people may sign in with one.
    pub(crate) fn oidc(&self) -> Option<&Oidc> {
        self.inner.oidc.as_ref()
    }

    /// Counts calls, by address.
    pub(crate) fn calls(&self) -> &RateLimiter {
        &self.inner.calls
    }
}
