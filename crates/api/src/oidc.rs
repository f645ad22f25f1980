//! Signing in with an account of the company: OpenID Connect, code flow with PKCE.

mod person;
mod provider;
mod statement;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{AccessToken, Secret, sha256};
use egress::DoorSettings;
use jiff::{SignedDuration, Timestamp};
use model::Clock;
use serde_json::{Map, Value};
use spec::server_file::OidcSettings;
use thiserror::Error;
use url::Url;

use self::provider::Provider;
use self::statement::Expected;
use crate::{ApiError, Role};

pub(crate) use self::person::OidcPerson;

/// Way back from the provider, below `server.public_url`.
const WAY_BACK: &str = "/api/v1/session/oidc/callback";
/// What the provider says about itself is asked again after this time.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);
/// With an unknown key at most this often.
const KEYS_FOR: SignedDuration = SignedDuration::from_secs(60);

/// A provider that people sign in with, as the server's settings say.
#[derive(Clone)]
pub struct OidcParts {
    /// The provider, and who may do what.
    pub settings: OidcSettings,
    /// The secret of this server at the provider; none: it is a public client.
    pub client_secret: Option<Secret<String>>,
    /// Where browsers reach this server, an origin.
    pub public_url: String,
    /// How calls leave the server.
    pub egress: DoorSettings,
}

impl fmt::Debug for OidcParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OidcParts({})", self.settings.issuer)
    }
}

impl OidcParts {
    /// The first text below `oidc.roles` and `oidc.default_role` that is no role.
    ///
    /// # Errors
    /// It, with its place.
    pub fn check(&self) -> Result<(), String> {
        let of_groups = self.settings.roles.iter().map(|(group, role)| (format!("oidc.roles.{group}"), role));
        let default = self.settings.default_role.iter().map(|role| ("oidc.default_role".to_owned(), role));
        match of_groups.chain(default).find(|(_, role)| Role::find(role).is_none()) {
            None => Ok(()),
            Some((place, role)) => {
                let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
                Err(format!("`{place}`: `{role}` is no role; write one of {}", roles.join(", ")))
            }
        }
    }
}

/// Why somebody was not signed in.
#[derive(Debug, Error)]
pub(crate) enum OidcError {
    /// The provider was not reached, or its answer cannot be used.
    #[error("the provider of accounts does not answer as it should: {0}")]
    Provider(&'static str),
    /// A call to it did not come through.
    #[error("the provider of accounts was not reached")]
    Send(#[source] egress::SendError),
    /// No call can be made with these settings.
    #[error("the provider of accounts cannot be called")]
    Door(#[source] egress::DoorError),
    /// What it stated about the person does not hold.
    #[error("what the provider of accounts states cannot be believed: {0}")]
    Statement(&'static str),
    /// It knows the person; here they are nobody.
    #[error("{0}")]
    Person(&'static str),
}

impl From<OidcError> for ApiError {
    fn from(error: OidcError) -> Self {
        match &error {
            OidcError::Provider(_) | OidcError::Send(_) | OidcError::Door(_) => {
                tracing::error!(error = %crate::error::chain(&error), "the provider of accounts cannot be used");
                Self::FailedDependency(
                    "the provider of accounts does not answer as it should; try again, or tell an operator: \
                     the server's log says what it is"
                        .to_owned(),
                )
            }
            OidcError::Statement(_) => {
                tracing::warn!(%error, "a person was not signed in");
                Self::NotSignedIn("the provider's answer does not hold; sign in again".to_owned())
            }
            OidcError::Person(text) => {
                tracing::warn!("a person whom the provider knows was not signed in");
                Self::Refused((*text).to_owned())
            }
        }
    }
}

/// The provider, and what it said about itself last.
pub(crate) struct Oidc {
    parts: OidcParts,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Arc<Known>>>,
}

struct Known {
    provider: Provider,
    since: Timestamp,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.fmt(f)
    }
}

/// What only the browser knows that was sent to the provider. What ties the answer to it is made from
/// it, so that nothing of it is kept here.
pub(crate) struct Browser(Secret<String>);

impl Browser {
    /// A new one.
    pub(crate) fn random() -> Self {
        Self(AccessToken::random().text().clone())
    }

    /// The one that a browser brings back.
    pub(crate) fn of(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }

    /// What the browser keeps.
    pub(crate) fn text(&self) -> &str {
        self.0.expose()
    }

    /// What is kept here.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(self.0.expose().as_bytes())
    }

    /// What the code can be exchanged with (RFC 7636).
    fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What the statement about the person must repeat.
    fn nonce(&self) -> String {
        self.derived("nonce")
    }

    fn derived(&self, what: &str) -> String {
        URL_SAFE_NO_PAD.encode(sha256(format!("{what}|{}", self.0.expose()).as_bytes()))
    }
}

impl Oidc {
    pub(crate) fn new(parts: OidcParts, clock: Arc<dyn Clock>) -> Self {
        Self { parts, clock, known: Mutex::default() }
    }

    /// What the button says.
    pub(crate) fn label(&self) -> &str {
        &self.parts.settings.label
    }

    /// Who gives the accounts.
    pub(crate) fn issuer(&self) -> &str {
        &self.parts.settings.issuer
    }

    /// Whether accounts that are here already are taken over by who has their address.
    pub(crate) fn links(&self) -> bool {
        self.parts.settings.link_accounts
    }

    /// Roles of a new account where roles are given here.
    pub(crate) fn first_roles(&self) -> Vec<String> {
        self.parts.settings.default_role.iter().cloned().collect()
    }

    /// Where to send a browser; the provider gives `state` back.
    pub(crate) async fn address(&self, state: &str, browser: &Browser) -> Result<Url, OidcError> {
        let known = self.known(KNOWN_FOR).await?;
        let challenge = URL_SAFE_NO_PAD.encode(sha256(browser.verifier().as_bytes()));
        let settings = &self.parts.settings;
        let mut url = known.provider.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", &self.way_back())
            .append_pair("scope", &settings.scopes.join(" "))
            .append_pair("state", state)
            .append_pair("nonce", &browser.nonce())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// Who came back with `code`.
    pub(crate) async fn person(&self, code: &str, browser: &Browser) -> Result<OidcPerson, OidcError> {
        let known = self.known(KNOWN_FOR).await?;
        let (way_back, verifier) = (self.way_back(), browser.verifier());
        let form = [("code", code), ("redirect_uri", &way_back), ("code_verifier", &verifier)];
        let tokens = known.provider.exchange(&self.parts, &form).await?;
        let mut claims = self.claims(&tokens.id_token, browser).await?;
        let settings = &self.parts.settings;
        let wanted = [settings.username_claim.as_str(), settings.groups_claim.as_str(), "email"];
        if wanted.iter().any(|name| person::claim(&claims, name).is_none()) {
            self.add(&mut claims, &known.provider, &tokens.access_token).await?;
        }
        OidcPerson::of(&claims, settings)
    }

    /// What the provider states, if it is the provider's, for us, of now, and for this browser.
    async fn claims(&self, id_token: &str, browser: &Browser) -> Result<Map<String, Value>, OidcError> {
        let nonce = browser.nonce();
        let settings = &self.parts.settings;
        let expected = Expected {
            issuer: &settings.issuer,
            client_id: &settings.client_id,
            nonce: &nonce,
            now: self.clock.now(),
        };
        let known = self.known(KNOWN_FOR).await?;
        match statement::claims(id_token, &known.provider.keys, &expected) {
            Err(OidcError::Statement(statement::UNKNOWN_KEY)) => {
                // Providers change their keys; an unknown one may be new.
                let known = self.known(KEYS_FOR).await?;
                statement::claims(id_token, &known.provider.keys, &expected)
            }
            other => other,
        }
    }

    /// Adds what the provider tells only when it is asked.
    async fn add(
        &self,
        claims: &mut Map<String, Value>,
        provider: &Provider,
        access_token: &Secret<String>,
    ) -> Result<(), OidcError> {
        let Some(more) = provider.user_info(&self.parts.egress, access_token).await? else { return Ok(()) };
        if more.get("sub") != claims.get("sub") {
            return Err(OidcError::Statement("it tells about somebody else"));
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn way_back(&self) -> String {
        format!("{}{WAY_BACK}", self.parts.public_url)
    }

    /// What the provider said about itself, not longer ago than `age`.
    async fn known(&self, age: SignedDuration) -> Result<Arc<Known>, OidcError> {
        let now = self.clock.now();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            let since = now.duration_since(known.since);
            if !since.is_negative() && since < age {
                return Ok(known);
            }
        }
        let provider = Provider::discover(&self.parts).await?;
        let known = Arc::new(Known { provider, since: now });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&known));
        Ok(known)
    }
}
