//! The control plane's side of the Baton service protocol (baton §13): tokens, tasks under leases, uploads,
//! and what the API shows of self-hosted connectors.

mod capabilities;
mod console;
mod error;
mod intake;
mod judge;
mod outcome;
mod queue;
mod receive;
mod service;
mod settings;
mod status;
mod token_endpoint;
mod upload;

use std::fmt;
use std::sync::Arc;

use crypto::HashKey;
use model::IdSource;
use protos::Ksuid;
use protos::c1::connectorapi::baton::v1::baton_service_server::BatonServiceServer;
use store::{BatonConnector, BatonConnectorId, BatonCredentialId, BatonTaskId, Store};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::assertion::{AssertionChecks, SeenNonces};
use crate::token::AccessTokens;

pub use error::ControlError;
pub use intake::{Intake, IntakeError};
pub use outcome::TaskOutcome;
pub use settings::{ControlPlaneSettings, ShrinkGuard};
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
    intake: Arc<dyn Intake>,
    assertions: AssertionChecks,
    tokens: AccessTokens,
    #[cfg(test)]
    believes_checksums: std::sync::atomic::AtomicBool,
}

/// What a control plane is made of.
pub struct ControlPlaneParts {
    /// Where everything is kept.
    pub store: Store,
    /// Times and limits.
    pub settings: ControlPlaneSettings,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Who takes over what connectors bring.
    pub intake: Arc<dyn Intake>,
}

impl ControlPlane {
    /// All processes on one store take each other's tokens; each remembers the assertions that it took.
    pub fn new(parts: ControlPlaneParts) -> Self {
        let ControlPlaneParts { store, settings, ids, intake } = parts;
        let clock = store.clock().clone();
        let key = HashKey::from_bytes(&store.keyed_hash(TOKEN_KEY));
        let inner = Inner {
            assertions: AssertionChecks::new(settings.clock_skew, SeenNonces::default(), clock.clone()),
            tokens: AccessTokens::new(key, settings.token_life, clock),
            store,
            settings,
            ids,
            intake,
            #[cfg(test)]
            believes_checksums: std::sync::atomic::AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The service, to be mounted where `content-type: application/grpc` goes.
    pub fn grpc(&self) -> BatonServiceServer<Self> {
        BatonServiceServer::new(self.clone())
    }

    /// Whose call it is: a token of ours that has not ended, of a credential that was not taken back. The
    /// credential is looked up with each call, so that revoking ends its tokens at once.
    async fn caller(&self, metadata: &MetadataMap) -> Result<BatonConnector, Status> {
        let unknown = || Status::unauthenticated("show an access token of this control plane");
        let header =
            metadata.get("authorization").and_then(|value| value.to_str().ok()).ok_or_else(unknown)?;
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
            _ => return Err(unknown()),
        };
        let holder =
            self.inner.tokens.check(token).map_err(|error| Status::unauthenticated(error.to_string()))?;
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

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
