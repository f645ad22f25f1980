use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crypto::Secret;
use egress::{DoorSettings, HttpReply, OwnService, OwnServiceCall, SendError, Timeouts};
use http::header::{ACCEPT, CONTENT_TYPE, DATE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use model::{Clock, ConnectionKey, IdSource};
use thiserror::Error;
use url::Url;

use super::{TOKEN_PATH, TokenAnswer, TokenForm};
use crate::assertion::{VALID_AROUND, sign_assertion};
use crate::credential::{ApiHost, Credential};

/// How long before its end a token is not used any more: it may end on its way.
const MARGIN: Duration = Duration::from_secs(30);
/// Longest life that is believed.
const LONGEST: Duration = Duration::from_hours(24);
/// How long one call may take; what waits for a token asks again.
const CALL_TIME: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// The call of a connector's library, which some control planes look at (baton P-8).
const AGENT: &str = concat!("baton-c1-credential-provider baton-sdk/", env!("CARGO_PKG_VERSION"));

/// Gets access tokens from the control plane and keeps the last one (baton P-5 to P-8).
///
/// However many ask at once, one call is made; all get its token.
pub struct TokenClient {
    service: OwnService,
    url: Url,
    parts: TokenClientParts,
    kept: Mutex<Option<Kept>>,
    /// Held by who asks for a token, so that the others wait for it.
    asking: tokio::sync::Mutex<()>,
}

/// What a token client is made of.
pub struct TokenClientParts {
    /// What proves who asks.
    pub credential: Arc<Credential>,
    /// Where the calls go: `BATON_C1_API_HOST`, else the host of the client id (baton P-3).
    pub host: ApiHost,
    /// The way out.
    pub egress: DoorSettings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where nonces come from.
    pub ids: Arc<dyn IdSource>,
}

struct Kept {
    token: BearerToken,
    /// From when on it is not used any more.
    stale_at: Timestamp,
}

/// An access token. Cheap to clone; `Debug` shows nothing of it.
#[derive(Debug, Clone)]
pub struct BearerToken(Arc<Secret<String>>);

impl BearerToken {
    /// What stands behind `authorization:`; flagged as sensitive.
    ///
    /// # Errors
    /// [`TokenError::Unusable`] if it has characters that no header takes.
    pub fn header(&self) -> Result<HeaderValue, TokenError> {
        let text = Secret::new(format!("Bearer {}", self.0.expose()));
        let mut value = HeaderValue::try_from(text.expose().as_str()).map_err(|_| TokenError::Unusable)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Whether `text` repeats it: what others say may, and must not go on then.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        text.contains(self.0.expose().as_str())
    }
}

impl TokenClient {
    /// Calls nobody yet.
    ///
    /// # Errors
    /// [`TokenError::Egress`] if the way out cannot be prepared.
    ///
    /// # Panics
    /// Never: the name under which the door knows the calls is a key.
    pub fn new(parts: TokenClientParts) -> Result<Self, TokenError> {
        let url = parts.host.url(TOKEN_PATH);
        let timeouts = Timeouts { read: CALL_TIME, total: CALL_TIME, ..parts.egress.timeouts };
        let settings = DoorSettings { max_response_bytes: LONGEST_ANSWER, timeouts, ..parts.egress.clone() };
        let name: ConnectionKey = "control-plane".parse().expect("the name is a key");
        let service = OwnService::new(settings, name, &url).map_err(|_| TokenError::Egress)?;
        Ok(Self { service, url, parts, kept: Mutex::default(), asking: tokio::sync::Mutex::default() })
    }

    /// A token that is good for a while: the one that is kept, else a new one.
    ///
    /// # Errors
    /// [`TokenError`].
    ///
    /// # Cancel safety
    /// Who waits may stop; who asks and stops lets the next one ask.
    pub async fn token(&self) -> Result<BearerToken, TokenError> {
        if let Some(token) = self.kept() {
            return Ok(token);
        }
        let _turn = self.asking.lock().await;
        // Whoever asked before may have brought it.
        if let Some(token) = self.kept() {
            return Ok(token);
        }
        let (token, stale_at) = self.ask().await?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Kept { token: token.clone(), stale_at });
        Ok(token)
    }

    /// Forgets a token that the control plane refused, so that the next call brings another. One that
    /// took its place meanwhile stays.
    pub fn forget(&self, refused: &BearerToken) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(&kept.token.0, &refused.0)) {
            *kept = None;
        }
    }

    fn kept(&self) -> Option<BearerToken> {
        let now = self.parts.clock.now();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| now < kept.stale_at).map(|kept| kept.token.clone())
    }

    async fn ask(&self) -> Result<(BearerToken, Timestamp), TokenError> {
        let asked_at = self.parts.clock.now();
        let credential = &self.parts.credential;
        let form = TokenForm {
            client_id: credential.client_id.clone(),
            client_assertion: sign_assertion(credential, asked_at, &*self.parts.ids),
        };
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (ACCEPT, HeaderValue::from_static("application/json")),
            (USER_AGENT, HeaderValue::from_static(AGENT)),
        ]);
        let call = OwnServiceCall { method: Method::POST, url: self.url.clone(), headers, body: form.body() };
        let reply = self.service.send(call).await.map_err(TokenError::NoAnswer)?;
        if reply.status != 200 {
            return Err(self.refusal(&reply, asked_at));
        }
        let answer: TokenAnswer = serde_json::from_slice(&reply.body).map_err(|_| TokenError::NoToken)?;
        if answer.access_token.is_empty() {
            return Err(TokenError::NoToken);
        }
        if !answer.token_type.is_empty() && !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::NoToken);
        }
        let life = Duration::try_from_secs_f64(answer.expires_in).unwrap_or_default().min(LONGEST);
        // A token that lives for seconds is used for most of them.
        let usable = life.saturating_sub(MARGIN.min(life / 5));
        let stale_at = asked_at.saturating_add(usable).unwrap_or(Timestamp::MAX);
        Ok((BearerToken(Arc::new(Secret::new(answer.access_token.clone()))), stale_at))
    }

    fn refusal(&self, reply: &HttpReply, asked_at: Timestamp) -> TokenError {
        let status = reply.status;
        if status == 408 || status == 429 || status >= 500 {
            return TokenError::Unavailable { host: self.parts.host.to_string(), status };
        }
        let clock_off = reply.headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(|date| {
            let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
            let off = asked_at.duration_since(theirs);
            (off.abs() >= VALID_AROUND).then_some(off)
        });
        let client_id = self.parts.credential.client_id.to_string();
        match clock_off {
            None => TokenError::Refused { client_id, status },
            Some(off) => TokenError::ClockOff { client_id, status, off },
        }
    }
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Why there is no access token. Shows nothing of secrets, assertions and answers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The credential is not taken.
    #[error(
        "the control plane does not take the credential of `{client_id}` (status {status}); \
         check client id and secret, or make new ones with Rotate"
    )]
    Refused {
        /// Who asked.
        client_id: String,
        /// What was answered.
        status: u16,
    },
    /// The credential is not taken, and the clocks differ by more than assertions allow.
    #[error(
        "the control plane does not take the credential of `{client_id}` (status {status}), and this machine's clock \
         is {} s {} its own; set the clock", off.abs().as_secs(), if off.is_negative() { "behind" } else { "ahead of" }
    )]
    ClockOff {
        /// Who asked.
        client_id: String,
        /// What was answered.
        status: u16,
        /// Our time less theirs.
        off: SignedDuration,
    },
    /// It answered, and brought no token.
    #[error("the control plane answered without a Bearer token; is it one, at this host?")]
    NoToken,
    /// The token cannot be sent.
    #[error("the access token has characters that cannot be sent")]
    Unusable,
    /// It cannot answer now.
    #[error("`{host}` cannot give an access token now (status {status}); it is asked again")]
    Unavailable {
        /// Where.
        host: String,
        /// What was answered.
        status: u16,
    },
    /// Nobody answered.
    #[error("no access token: {0}")]
    NoAnswer(#[source] SendError),
    /// The way out cannot be prepared.
    #[error("calls to the control plane cannot be prepared; check the proxy")]
    Egress,
}

impl TokenError {
    /// The status that a process ends with, or that a call is answered with (baton P-7, C-15).
    pub fn code(&self) -> tonic::Code {
        match self {
            Self::Refused { .. } | Self::ClockOff { .. } | Self::NoToken | Self::Unusable => {
                tonic::Code::Unauthenticated
            }
            // Somebody has to change a setting before another call could succeed.
            Self::NoAnswer(
                SendError::HostRefused { .. }
                | SendError::HostNotAllowed { .. }
                | SendError::RedirectRefused { .. }
                | SendError::BadUrl { .. }
                | SendError::Client { .. },
            )
            | Self::Egress => tonic::Code::FailedPrecondition,
            Self::Unavailable { .. } | Self::NoAnswer(_) => tonic::Code::Unavailable,
        }
    }
}
