use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};
use model::{ConnectionKey, Effect};
use url::Url;

use crate::{AllowedHosts, HostRule, WritePermit};

/// One call to be made, complete: the door adds nothing but `User-Agent`, `Accept`,
/// `Accept-Encoding` and, on a routed call, the original `Host`.
///
/// Whether it is a write is said by `effect` alone, decided from the connector file; the method
/// is not looked at. A `PUT` that the file calls a read is sent as a read.
pub struct HttpRequest {
    /// The connection on whose behalf the call is made.
    pub connection: ConnectionKey,
    /// The endpoint's name, for budgets, messages and logs.
    pub endpoint: String,
    /// What the call does to the other side.
    pub effect: Effect,
    /// Leave to write; needed if `effect` is [`Effect::Write`].
    pub permit: Option<WritePermit>,
    /// HTTP method.
    pub method: Method,
    /// Where to, with query. Without user name and password: those go into headers.
    pub url: Url,
    /// Headers; those that carry credentials are flagged with `set_sensitive`.
    pub headers: HeaderMap,
    /// Body; sent with any method (saas-config 13.4).
    pub body: Option<Bytes>,
    /// Limits the connector file sets for this call.
    pub limits: Vec<Limit>,
    /// Hosts to which a redirect may lead.
    pub redirect_hosts: HostRule,
    /// Hosts the connector may call at all.
    pub allowed_hosts: AllowedHosts,
    /// What the recorder must know about this call.
    pub recording: RecordingHints,
}

impl HttpRequest {
    /// A read without headers, body, limits and restrictions of hosts; fill in the rest.
    pub fn read(connection: ConnectionKey, endpoint: impl Into<String>, method: Method, url: Url) -> Self {
        Self {
            connection,
            endpoint: endpoint.into(),
            effect: Effect::Read,
            permit: None,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            limits: Vec::new(),
            redirect_hosts: HostRule::none(),
            allowed_hosts: AllowedHosts::default(),
            recording: RecordingHints::default(),
        }
    }

    /// The same call once more, for a second attempt; `None` for a write, which is never sent
    /// twice blindly.
    pub fn read_again(&self) -> Option<Self> {
        match self.effect {
            Effect::Write => None,
            Effect::Read => Some(Self {
                connection: self.connection.clone(),
                endpoint: self.endpoint.clone(),
                effect: Effect::Read,
                permit: None,
                method: self.method.clone(),
                url: self.url.clone(),
                headers: self.headers.clone(),
                body: self.body.clone(),
                limits: self.limits.clone(),
                redirect_hosts: self.redirect_hosts.clone(),
                allowed_hosts: self.allowed_hosts.clone(),
                recording: self.recording.clone(),
            }),
        }
    }

    /// The host the call is meant for, as it stands in the URL; empty if there is none.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// Shows where the call goes, never path, query, headers or body.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("connection", &self.connection)
            .field("endpoint", &self.endpoint)
            .field("effect", &self.effect)
            .field("method", &self.method)
            .field("host", &self.host())
            .finish_non_exhaustive()
    }
}

/// At most `rate` calls in each window of `period_s` seconds (saas-config 13.17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Calls with the same key share a counter: the file's `custom_key`, or the connection's key.
    pub key: String,
    /// Calls allowed in one window; more than 0.
    pub rate: u64,
    /// Length of the window in seconds: 1, 60, 3,600 or 86,400.
    pub period_s: u64,
}

/// What a recorder must know to keep a call without keeping a person (architecture §13.20).
///
/// `Debug` shows counts: the values are personal data and secrets.
#[derive(Clone, Default)]
pub struct RecordingHints {
    /// Values of identities and references that were put into URL or body. They are replaced by
    /// their pseudonyms, so that a replay that starts with pseudonyms builds the same calls.
    pub substituted: Vec<String>,
    /// Dotted paths into the answer whose leaves stay as they are (`system.*`, paging). Arrays
    /// are entered without a step of their own: `data.items.id`.
    pub keep: Vec<String>,
    /// Values that must not be recorded wherever they stand in URL or body, and that do not
    /// count when a replay looks for the call: secrets, and values that differ in every run
    /// (`<uuid>`, `<timestamp>`).
    pub redact: Vec<String>,
}

impl fmt::Debug for RecordingHints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingHints")
            .field("substituted", &self.substituted.len())
            .field("keep", &self.keep)
            .field("redact", &self.redact.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_host_and_nothing_personal() {
        let mut request = HttpRequest::read(
            "shop".parse().unwrap(),
            "users",
            Method::GET,
            "https://api.example.com/users/canary-path?email=canary-query".parse().unwrap(),
        );
        request.headers.insert("authorization", "canary-header".parse().unwrap());
        request.body = Some(Bytes::from_static(b"canary-body"));
        request.recording.substituted.push("canary-hint".into());

        let shown = format!("{request:?} {:?}", request.recording);

        assert!(shown.contains("api.example.com"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_write_cannot_be_copied_for_a_second_attempt() {
        let mut request = HttpRequest::read(
            "shop".parse().unwrap(),
            "users",
            Method::DELETE,
            "https://api.example.com/".parse().unwrap(),
        );

        assert!(request.read_again().is_some());
        request.effect = Effect::Write;
        assert!(request.read_again().is_none());
    }
}
