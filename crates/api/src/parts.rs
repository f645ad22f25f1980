use std::sync::Arc;
use std::time::Duration;

use baton::control::ControlPlane;
use connections::Connections;
use crypto::{Secret, sha256};
use governance::worker::Connected;
use messages::Messages;
use model::{Clock, IdSource};
use privacy::storage_book::PackageSettings;
use privacy::worker::Services;
use spec::ServerSettings;
use store::Store;

use crate::{OidcParts, Telemetry};

/// What the interface is made of.
#[derive(Debug)]
pub struct ApiParts {
    /// Where everything is kept.
    pub store: Store,
    /// What may be done with stored connections.
    pub connections: Connections,
    /// How messages leave the server.
    pub messages: Messages,
    /// How packages leave the server.
    pub packages: PackageSettings,
    /// What privacy requests are carried out with; none: this server carries none out.
    pub services: Option<Arc<dyn Services>>,
    /// What connectors that run elsewhere get their work from; none: this server has none for them.
    pub control: Option<ControlPlane>,
    /// What access is changed with; none: this server changes none.
    pub access: Option<Arc<dyn Connected>>,
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
    /// The person with all scopes that the settings name; none: there is none.
    pub root_user: Option<RootUser>,
    /// How long a browser stays signed in at most.
    pub session_life: Duration,
    /// After how long without a call it is signed out.
    pub session_idle: Duration,
    /// How often one address may make calls that change something and need no token.
    pub public_rate_limit: RateLimit,
    /// Browsers reach the server by TLS, its own or that of a proxy.
    pub secure_cookies: bool,
    /// The provider of accounts that people may sign in with.
    pub oidc: Option<OidcParts>,
    /// The most that a request's body may have.
    pub body_bytes: usize,
    /// How long a call may take; long enough for an application that answers at the last moment.
    pub call_time: Duration,
    /// What flags, environment and file of the server say: settings made over the API come after.
    pub configured: ServerSettings,
    /// What it tells those who look after it.
    pub telemetry: Telemetry,
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
            root_user: None,
            session_life: 720 * minute,
            session_idle: 60 * minute,
            public_rate_limit: RateLimit { calls: 60, per: minute },
            secure_cookies: false,
            oidc: None,
            body_bytes: 4 << 20,
            call_time: Duration::from_secs(330),
            configured: ServerSettings::default(),
            telemetry: Telemetry::default(),
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

/// The person with all scopes.
#[derive(Debug, Clone)]
pub struct RootUser {
    /// The name to sign in with.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

impl RootUser {
    /// What tokens of this person are bound to: with another name or password in the settings they end.
    pub fn hash(&self) -> [u8; 32] {
        let mut bytes = sha256(format!("user|{}", self.username).as_bytes()).to_vec();
        bytes.extend(sha256(self.password.expose().as_bytes()));
        sha256(&bytes)
    }
}
