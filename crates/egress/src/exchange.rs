use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use model::{ConnectionKey, Effect};
use tokio::time::timeout;
use url::Url;

use crate::body::{self, Caps};
use crate::client::Clients;
use crate::error::RedirectRefusal;
use crate::{HttpReply, HttpRequest, SendError, TimeoutPhase};

mod failure;

/// Redirects followed for one call. The format's reference follows 30; a chain that is longer
/// than this is a loop in practice.
const MOST_REDIRECTS: usize = 10;

/// Makes one call with its redirects, within the total time-out.
pub(crate) async fn run(clients: &Clients, request: &HttpRequest) -> Result<HttpReply, SendError> {
    match timeout(clients.settings().timeouts.total, follow(clients, request)).await {
        Ok(result) => result,
        Err(_) => Err(SendError::Timeout { host: request.host().to_owned(), phase: TimeoutPhase::Total }),
    }
}

async fn follow(clients: &Clients, request: &HttpRequest) -> Result<HttpReply, SendError> {
    let mut hop = Hop::first(request);
    for _ in 0..=MOST_REDIRECTS {
        let reply = hop.send(clients, request).await?;
        let Some(target) = redirect_target(&reply, &hop.url) else { return Ok(reply) };
        hop = hop.redirected(reply.status, target, request)?;
    }
    Err(SendError::TooManyRedirects { host: request.host().to_owned(), limit: MOST_REDIRECTS })
}

/// Makes one call without following redirects and gives the answer once its headers are there. There is
/// no total time-out: who reads the body decides how long.
pub(crate) async fn open(clients: &Clients, request: &HttpRequest) -> Result<Opened, SendError> {
    let hop = Hop::first(request);
    hop.open(clients, request, request.headers.clone()).await
}

/// A call whose body comes piece by piece, and whose answer is given as it comes.
pub(crate) struct Piped {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: reqwest::Body,
}

/// Makes such a call. Redirects are given, not followed, and there is no time-out but that for connecting.
pub(crate) async fn pipe(
    clients: &Clients,
    connection: &ConnectionKey,
    piped: Piped,
) -> Result<reqwest::Response, SendError> {
    let Piped { method, url, headers, body } = piped;
    let host = url.host_str().unwrap_or_default().to_owned();
    let routed = clients.settings().routes.find(&url);
    let target = routed.as_ref().unwrap_or(&url);
    let guarded = clients
        .find(connection, target, routed.is_some())
        .map_err(|_| SendError::Client { host: host.clone() })?;
    let refused = |error| failure::refusal(error, &host, routed.as_ref());
    guarded.check(target).await.map_err(refused)?;
    let mut outgoing = reqwest::Request::new(method, target.clone());
    *outgoing.headers_mut() = headers;
    *outgoing.body_mut() = Some(body);
    let failed = |error: reqwest::Error| failure::classify(&error, &host, routed.as_ref());
    guarded.client.execute(outgoing).await.map_err(failed)
}

/// An answer of which the body is still to be read.
pub(crate) struct Opened {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    response: reqwest::Response,
    host: String,
    routed: Option<Url>,
}

impl Opened {
    /// The next piece of the body, as it was sent; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        let chunk = self.response.chunk().await;
        chunk.map_err(|error| failure::classify(&error, &self.host, self.routed.as_ref()))
    }
}

/// One step of a call: the call itself, or a redirect.
struct Hop<'r> {
    method: Method,
    url: Cow<'r, Url>,
    headers: Cow<'r, HeaderMap>,
    body: Option<Bytes>,
}

impl<'r> Hop<'r> {
    /// The call as it was asked for.
    fn first(request: &'r HttpRequest) -> Self {
        Self {
            method: request.method.clone(),
            url: Cow::Borrowed(&request.url),
            headers: Cow::Borrowed(&request.headers),
            body: request.body.clone(),
        }
    }

    async fn send(&self, clients: &Clients, request: &HttpRequest) -> Result<HttpReply, SendError> {
        let mut headers = HeaderMap::clone(&self.headers);
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip, deflate"));
        let Opened { status, headers, response, host, routed } = self.open(clients, request, headers).await?;
        let caps = Caps { host: &host, max_bytes: clients.settings().max_response_bytes };
        let failed = |error: reqwest::Error| failure::classify(&error, &host, routed.as_ref());
        let body = body::read(response, &headers, caps, failed).await?;
        Ok(HttpReply { status, headers, body, rate_limit_wait: Duration::ZERO })
    }

    /// Sends it and gives the answer once its headers are there.
    async fn open(
        &self,
        clients: &Clients,
        request: &HttpRequest,
        mut headers: HeaderMap,
    ) -> Result<Opened, SendError> {
        let host = self.url.host_str().unwrap_or_default();
        let routed = clients.settings().routes.find(&self.url);
        let guarded = clients
            .find(&request.connection, routed.as_ref().unwrap_or(&self.url), routed.is_some())
            .map_err(|_| SendError::Client { host: host.to_owned() })?;

        let url = routed.clone().unwrap_or_else(|| Url::clone(&self.url));
        let mut outgoing = reqwest::Request::new(self.method.clone(), url);
        guarded
            .check(outgoing.url())
            .await
            .map_err(|error| failure::refusal(error, host, routed.as_ref()))?;
        if routed.is_some() && !headers.contains_key(HOST) {
            headers.insert(HOST, host_header(&self.url, host)?);
        }
        *outgoing.headers_mut() = headers;
        *outgoing.body_mut() = self.body.clone().map(reqwest::Body::from);

        // Nothing is waited for between this and the client.
        if request.permit.as_ref().is_some_and(|permit| !permit.holds()) {
            return Err(SendError::PermitLapsed { host: host.to_owned() });
        }
        let failed = |error: reqwest::Error| failure::classify(&error, host, routed.as_ref());
        let mut response = guarded.client.execute(outgoing).await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        Ok(Opened { status, headers, response, host: host.to_owned(), routed })
    }

    /// The next step towards `target`, or why there is none. What was checked for the first step
    /// is checked again: the connector's hosts here, the address when it is sent.
    fn redirected(self, status: u16, target: Target, request: &HttpRequest) -> Result<Self, SendError> {
        let from = origin_text(&self.url);
        let refuse = |to: String, reason| Err(SendError::RedirectRefused { from: from.clone(), to, reason });
        let url = match target {
            Target::Address(url) => url,
            Target::Nonsense => return refuse("nowhere".to_owned(), RedirectRefusal::NotAnAddress),
        };
        let to = origin_text(&url);
        match request.effect {
            Effect::Write => return refuse(to, RedirectRefusal::Write),
            Effect::Read => {}
        }
        if !request.redirect_hosts.permits(&url) {
            return refuse(to, RedirectRefusal::ForeignHost);
        }
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return refuse(to, RedirectRefusal::Downgrade);
        }
        request.allowed_hosts.check(url.host_str().unwrap_or_default())?;

        let Self { mut method, url: before, headers, mut body } = self;
        let mut headers = headers.into_owned();
        let becomes_get = match status {
            303 => method != Method::HEAD,
            301 | 302 => method == Method::POST,
            _ => false,
        };
        if becomes_get {
            method = Method::GET;
            body = None;
            headers.remove(CONTENT_TYPE);
            headers.remove(CONTENT_LENGTH);
        }
        if before.origin() != url.origin() {
            if body.is_some() {
                return refuse(to, RedirectRefusal::BodyLeavesOrigin);
            }
            headers = without_credentials(&headers);
        }
        Ok(Self { method, url: Cow::Owned(url), headers: Cow::Owned(headers), body })
    }
}

enum Target {
    Address(Url),
    Nonsense,
}

/// Where a redirect points; `None` if the answer is not one.
fn redirect_target(reply: &HttpReply, base: &Url) -> Option<Target> {
    if !matches!(reply.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = reply.headers.get(LOCATION)?;
    let joined = location.to_str().ok().and_then(|text| base.join(text).ok());
    let is_address = |url: &Url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    };
    Some(joined.filter(is_address).map_or(Target::Nonsense, Target::Address))
}

/// The headers that may go to another origin.
fn without_credentials(headers: &HeaderMap) -> HeaderMap {
    let keeps = |name: &http::HeaderName, value: &HeaderValue| {
        !value.is_sensitive() && *name != AUTHORIZATION && *name != COOKIE && *name != HOST
    };
    headers
        .iter()
        .filter(|(name, value)| keeps(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn host_header(url: &Url, host: &str) -> Result<HeaderValue, SendError> {
    let text = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    HeaderValue::from_str(&text).map_err(|_| SendError::BadUrl {
        endpoint: host.to_owned(),
        reason: "the host holds characters that no header may hold",
    })
}

/// Scheme, host and port: what may be said about a URL.
fn origin_text(url: &Url) -> String {
    url.origin().ascii_serialization()
}

// The status is compared as a number above; these keep the numbers honest.
const _: () = {
    assert!(StatusCode::SEE_OTHER.as_u16() == 303);
    assert!(StatusCode::PERMANENT_REDIRECT.as_u16() == 308);
};
