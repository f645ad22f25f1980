//! What a browser of somebody who signed in holds, and what keeps other pages from using it.

use crypto::{constant_time_eq, hex, sha256};
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::ApiError;
use crate::authorize::bearer;
use crate::state::ApiState;

/// Header of calls that change something, with a text that only pages of this server can read.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a caller shows of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A token, of a program or of a person.
    Bearer(String),
    /// A browser's.
    Session(String),
}

impl Credential {
    /// What a call brings: a token if there is one, else a session.
    pub(crate) fn of(headers: &HeaderMap, state: &ApiState) -> Result<Self, ApiError> {
        let refused = match bearer(headers) {
            Ok(token) => return Ok(Self::Bearer(token.to_owned())),
            Err(refused) => refused,
        };
        if headers.contains_key(http::header::AUTHORIZATION) {
            return Err(refused);
        }
        Cookie::Session.find(headers, state).map(Self::Session).ok_or(refused)
    }

    /// The text of either.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Bearer(text) | Self::Session(text) => text,
        }
    }
}

/// Cookies of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Of who is signed in.
    Session,
    /// Of who was sent to a provider of accounts.
    SignIn,
    /// Of people who look after their own requests.
    Portal,
}

impl Cookie {
    /// Behind TLS its name makes browsers refuse one that another host or plain HTTP set.
    fn name(self, state: &ApiState) -> &'static str {
        match (self, state.settings().secure_cookies) {
            (Self::Session, true) => "__Host-tutela_session",
            (Self::Session, false) => "tutela_session",
            (Self::SignIn, true) => "__Host-tutela_sign_in",
            (Self::SignIn, false) => "tutela_sign_in",
            (Self::Portal, true) => "__Host-tutela_portal",
            (Self::Portal, false) => "tutela_portal",
        }
    }

    /// What a call brings of it. Two of one name are none: one of them is not ours.
    pub(crate) fn find(self, headers: &HeaderMap, state: &ApiState) -> Option<String> {
        let name = self.name(state);
        let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(known, value)| *known == name && !value.is_empty());
        match (found.next(), found.next()) {
            (Some((_, value)), None) if value.len() <= 100 => Some(value.to_owned()),
            _ => None,
        }
    }

    /// The header that sets it for so many seconds; none: that takes it away.
    pub(crate) fn set(self, state: &ApiState, value: Option<(&str, i64)>) -> HeaderValue {
        let (value, age) = value.unwrap_or_default();
        let secure = if state.settings().secure_cookies { "; Secure" } else { "" };
        let text = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.name(state),
            age.max(0)
        );
        // Tokens are of letters that headers may have; nothing else is set.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// What pages send in [`CSRF`] with each change under this session. Made of the cookie's text, which
/// they cannot read.
pub(crate) fn csrf_token(session: &str) -> String {
    hex(&sha256(format!("csrf|{session}").as_bytes()))
}

/// Refuses a change that a page of somebody else asks for.
pub(crate) fn check_csrf(session: &str, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let sent = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    if constant_time_eq(sent, csrf_token(session).as_bytes()) && !is_of_another_site(headers) {
        return Ok(());
    }
    tracing::warn!("a change under a session was refused: it does not come from a page of this server");
    Err(ApiError::Refused(
        "changes under a session need its `csrf_token` in the header `X-CSRF-Token`; `GET /api/v1/session` \
         tells it"
            .to_owned(),
    ))
}

/// Whether the browser says that a page of another site makes the call.
pub(crate) fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site" || site == "same-site")
}
