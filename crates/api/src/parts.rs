use std::sync::Arc;
use std::time::Duration;

use connections::Connections;
use crypto::{Secret, sha256};
use model::{Clock, IdSource};
use privacy::storage_book::PackageSettings;
use spec::ServerSettings;
use store::Store;

/// What the interface is made of.
#[derive(Debug)]
pub struct ApiParts {
    /// Where everything is kept.
    pub store: Store,
    /// What may be done with stored connections.
    pub connections: Connections,
    /// How packages leave the server.
    pub packages: PackageSettings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// What the server's settings say about it.
    pub settings: ApiSettings,
}

/// Settings of the interface.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// How long an access token is good for.
    pub token_life: Duration,
    /// How often one address, and one name, may try to sign in.
    pub auth_rate_limit: RateLimit,
    /// How often one address may call at all.
    pub request_rate_limit: RateLimit,
    /// Origins (`https://console.example.com`) whose pages may call from a browser.
    pub cors_origins: Vec<String>,
    /// The client with all scopes that the settings name; none: there is none.
    pub root_client: Option<RootClient>,
    /// The most that a request's body may have.
    pub body_bytes: usize,
    /// How long a call may take; long enough for an application that answers at the last moment.
    pub call_time: Duration,
    /// What flags, environment and file of the server say: settings made over the API come after.
    pub configured: ServerSettings,
}

impl Default for ApiSettings {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            token_life: 11_520 * minute,
            auth_rate_limit: RateLimit { calls: 10, per: minute },
            request_rate_limit: RateLimit { calls: 2_000, per: minute },
            cors_origins: Vec::new(),
            root_client: None,
            body_bytes: 4 << 20,
            call_time: Duration::from_secs(330),
            configured: ServerSettings::default(),
        }
    }
}

/// So many calls in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub calls: u32,
    /// In what time.
    pub per: Duration,
}

/// The client with all scopes.
#[derive(Debug, Clone)]
pub struct RootClient {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret<String>,
}

impl RootClient {
    /// What tokens of this client are bound to: with another id or secret in the settings they end.
    pub fn hash(&self) -> [u8; 32] {
        let mut bytes = sha256(self.id.as_bytes()).to_vec();
        bytes.extend(sha256(self.secret.expose().as_bytes()));
        sha256(&bytes)
    }
}
