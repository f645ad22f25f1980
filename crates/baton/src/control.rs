//! The control plane's side of the Baton service protocol (baton §13): tokens, tasks under leases, uploads,
//! and what the API shows of self-hosted connectors.

mod capabilities;
mod console;
mod error;
mod outcome;
mod queue;
mod receive;
mod refusal;
mod service;
mod settings;
mod status;
mod token_endpoint;
mod upload;

use std::fmt;
use std::sync::Arc;

use crypto::HashKey;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::IdSource;
use protos::Ksuid;
use protos::c1::connectorapi::baton::v1::baton_service_server::BatonServiceServer;
use store::{BatonConnector, BatonConnectorId, BatonCredentialId, BatonTaskId, Store};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::assertion::AssertionChecks;
use crate::token::{AccessTokens, TokenHolder};

pub use error::ControlError;
pub use governance::inventory::ShrinkGuard;
pub use outcome::TaskOutcome;
pub use settings::ControlPlaneSettings;
pub use status::{ConnectorLabel, ConnectorStatus};
pub use token_endpoint::TokenReply;

/// What the hash key of access tokens is made from, in each installation another.
const TOKEN_KEY: &[u8] = b"tutela.baton.access-token-key/1";

/// Gives work to self-hosted connectors and takes what they bring. Cheap to clone.
#[derive(Clone)]
pub struct ControlPlane {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    settings: ControlPlaneSettings,
    ids: Arc<dyn IdSource>,
    assertions: AssertionChecks,
    tokens: AccessTokens,
    #[cfg(test)]
    believes_checksums: std::sync::atomic::AtomicBool,
    /// Assertions that this process took, if it remembers them for itself alone.
    #[cfg(test)]
    own_memory: std::sync::Mutex<Option<std::collections::HashSet<String>>>,
}

/// What a control plane is made of.
pub struct ControlPlaneParts {
    /// Where everything is kept, the inventory that connectors bring too.
    pub store: Store,
    /// Times and limits.
    pub settings: ControlPlaneSettings,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
}

impl ControlPlane {
    /// All processes on one store take each other's tokens, and no assertion that one of them took.
    pub fn new(parts: ControlPlaneParts) -> Self {
        let ControlPlaneParts { store, settings, ids } = parts;
        let clock = store.clock().clone();
        let key = HashKey::from_bytes(&store.keyed_hash(TOKEN_KEY));
        let inner = Inner {
            assertions: AssertionChecks::new(settings.clock_skew, clock.clone()),
            tokens: AccessTokens::new(key, settings.token_life, clock),
            store,
            settings,
            ids,
            #[cfg(test)]
            believes_checksums: std::sync::atomic::AtomicBool::new(false),
            #[cfg(test)]
            own_memory: std::sync::Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The service, to be mounted where `content-type: application/grpc` goes.
    pub fn grpc(&self) -> BatonServiceServer<Self> {
        BatonServiceServer::new(self.clone())
    }

    /// Refuses a call by its head alone, if it shows no token of this control plane that has not ended: so nothing
    /// of a stranger's body is read. Whether the token's credential was taken back, the call itself looks up.
    ///
    /// # Errors
    /// What the caller is answered.
    pub fn check_token(&self, headers: &HeaderMap) -> Result<(), Status> {
        self.holder(headers).map(|_| ())
    }

    fn holder(&self, headers: &HeaderMap) -> Result<TokenHolder, Status> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(unknown)?;
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
            _ => return Err(unknown()),
        };
        self.inner.tokens.check(token).map_err(|error| Status::unauthenticated(error.to_string()))
    }

    /// Whose call it is: a token of ours that has not ended, of a credential that was not taken back. The
    /// credential is looked up with each call, so that revoking ends its tokens at once.
    async fn caller(&self, metadata: &MetadataMap) -> Result<BatonConnector, Status> {
        let holder = self.holder(metadata.as_ref())?;
        let store = &self.inner.store;
        let credential =
            store.baton_credential_find(holder.client_id.as_str()).await.map_err(error::status)?;
        let credential = credential
            .filter(|credential| credential.id.as_str() == holder.credential_id)
            .filter(|credential| credential.is_good(store.clock().now()))
            .ok_or_else(|| Status::unauthenticated("the credential was taken back; use the newer one"))?;
        let connector = store.baton_connector_find(&credential.connector).await.map_err(error::status)?;
        connector.ok_or_else(unknown)
    }

    /// Adds a line to the connector's log. That a line is missing is no reason to refuse work.
    async fn log(&self, connector: &BatonConnectorId, host: Option<&str>, line: &str) {
        if let Err(error) = self.inner.store.baton_log_add(connector, host, line).await {
            tracing::warn!(%connector, %error, "a line of a connector's log is lost");
        }
    }

    fn new_id(&self) -> Result<String, ControlError> {
        let now = self.inner.store.clock().now().as_second();
        let id = Ksuid::new(now, self.inner.ids.random_uuid().into_bytes());
        Ok(id.map_err(|_| ControlError::Clock)?.to_string())
    }

    fn new_connector_id(&self) -> Result<BatonConnectorId, ControlError> {
        BatonConnectorId::parse(&self.new_id()?).ok_or(ControlError::Clock)
    }

    fn new_credential_id(&self) -> Result<BatonCredentialId, ControlError> {
        BatonCredentialId::parse(&self.new_id()?).ok_or(ControlError::Clock)
    }

    fn new_task_id(&self) -> Result<BatonTaskId, ControlError> {
        BatonTaskId::parse(&self.new_id()?).ok_or(ControlError::Clock)
    }
}

fn unknown() -> Status {
    Status::unauthenticated("show an access token of this control plane")
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
