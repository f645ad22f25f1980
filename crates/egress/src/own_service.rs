use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue, Method};
use model::{ConnectionKey, Effect};
use url::{Origin, Url};

use crate::client::Clients;
use crate::door::DoorError;
use crate::exchange::Opened;
use crate::guard::{Lookup, SystemLookup};
use crate::{DoorSettings, HttpReply, HttpRequest, SendError, exchange};

/// A way out to one service of the operator's own: the bucket that takes packages, never a
/// connected application.
///
/// Same guard, limits and TLS as [`Door`](crate::Door), but no permit and no budget: nothing that
/// is put there is anybody's data in an application (architecture laws 1 and 2). To keep it from
/// becoming a second door it is bound to one origin when it is made; redirects are refused.
#[derive(Debug)]
pub struct OwnService {
    clients: Clients,
    name: ConnectionKey,
    origin: Origin,
}

/// One call to an own service.
#[derive(Debug)]
pub struct OwnServiceCall {
    /// HTTP method.
    pub method: Method,
    /// Where to; of the service's origin.
    pub url: Url,
    /// Headers; those that carry credentials are flagged with `set_sensitive`.
    pub headers: HeaderMap,
    /// Body; empty for none.
    pub body: Bytes,
}

impl OwnService {
    /// The way to the origin of `base`. `name` is what entries of `egress.allow` may name.
    ///
    /// # Errors
    /// [`DoorError`] if `egress.proxy` cannot be used as a proxy.
    pub fn new(settings: DoorSettings, name: ConnectionKey, base: &Url) -> Result<Self, DoorError> {
        Self::with_lookup(settings, name, base, Arc::new(SystemLookup))
    }

    fn with_lookup(
        settings: DoorSettings,
        name: ConnectionKey,
        base: &Url,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, DoorError> {
        DoorError::check_proxy(&settings)?;
        Ok(Self { clients: Clients::new(settings, lookup), name, origin: base.origin() })
    }

    /// Makes one call and gives its answer, whatever its status. Does not try again.
    ///
    /// # Errors
    /// [`SendError`]: nothing was sent, or no whole answer came.
    pub async fn send(&self, call: OwnServiceCall) -> Result<HttpReply, SendError> {
        exchange::run(&self.clients, &self.request(call)?).await
    }

    /// Makes one call and gives its answer as soon as its headers are there, for what is longer than
    /// memory or has no end. The body comes as it is sent, and is not unpacked; it may fall silent for
    /// as long as the `read` time-out says, and go on for ever. Redirects are given, not followed.
    ///
    /// # Errors
    /// As [`OwnService::send`].
    pub async fn open(&self, call: OwnServiceCall) -> Result<OwnServiceStream, SendError> {
        let mut request = self.request(call)?;
        request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        exchange::open(&self.clients, &request).await.map(OwnServiceStream)
    }

    fn request(&self, call: OwnServiceCall) -> Result<HttpRequest, SendError> {
        let OwnServiceCall { method, url, headers, body } = call;
        if url.origin() != self.origin {
            return Err(SendError::HostNotAllowed { host: url.host_str().unwrap_or_default().to_owned() });
        }
        let mut request = HttpRequest::read(self.name.clone(), "own service", method, url);
        // Read or write, a redirect is never followed: no host is permitted for one.
        request.effect = Effect::Write;
        request.headers = headers;
        request.body = if body.is_empty() { None } else { Some(body) };
        Ok(request)
    }
}

/// The answer of an own service, its body still to come.
pub struct OwnServiceStream(Opened);

impl OwnServiceStream {
    /// HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Headers as received.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`SendError`] if the body breaks off.
    ///
    /// # Cancel safety
    /// Nothing is lost: call it again.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SendError> {
        self.0.chunk().await
    }
}

/// Shows the status, never headers or body.
impl fmt::Debug for OwnServiceStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnServiceStream").field("status", &self.0.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use testkit::FakeSaas;

    use super::*;

    fn settings(allow: &[&str]) -> DoorSettings {
        DoorSettings {
            allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
            ..DoorSettings::default()
        }
    }

    fn service(saas: &FakeSaas, allow: &[&str]) -> (OwnService, Url) {
        let base: Url = format!("http://{}", saas.host_port()).parse().unwrap();
        (OwnService::new(settings(allow), "bucket".parse().unwrap(), &base).unwrap(), base)
    }

    fn call(url: Url) -> OwnServiceCall {
        OwnServiceCall { method: Method::PUT, url, headers: HeaderMap::new(), body: Bytes::from_static(b"x") }
    }

    #[tokio::test]
    async fn it_reaches_its_own_origin_without_a_permit() {
        let saas = FakeSaas::start().await;
        saas.on("PUT", "/object").then(testkit::Answer::text(200, "stored"));
        let (service, base) = service(&saas, &["127.0.0.1/32@bucket"]);

        let reply = service.send(call(base.join("/object").unwrap())).await.unwrap();

        assert_eq!(&reply.body[..], b"stored");
    }

    #[tokio::test]
    async fn long_answer_comes_piece_by_piece_and_a_redirect_is_not_followed() {
        let saas = FakeSaas::start().await;
        saas.on("GET", "/long").then(testkit::Answer::text(200, "x".repeat(300_000)));
        saas.on("GET", "/moved").then(testkit::Answer::text(302, "").header("location", "http://b.test/"));
        let (service, base) = service(&saas, &["127.0.0.1/32@bucket"]);
        let get = |path: &str| OwnServiceCall {
            method: Method::GET,
            url: base.join(path).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };

        let mut long = service.open(get("/long")).await.unwrap();
        let mut bytes = 0;
        while let Some(chunk) = long.chunk().await.unwrap() {
            bytes += chunk.len();
        }
        let moved = service.open(get("/moved")).await.unwrap();
        let elsewhere = OwnServiceCall { url: "http://b.test/".parse().unwrap(), ..get("/long") };
        let refused = service.open(elsewhere).await.unwrap_err();

        assert_eq!((long.status(), bytes), (200, 300_000));
        assert_eq!((moved.status(), moved.headers()["location"].to_str().unwrap()), (302, "http://b.test/"));
        assert!(matches!(refused, SendError::HostNotAllowed { .. }), "{refused}");
    }

    #[tokio::test]
    async fn it_reaches_no_other_origin() {
        let saas = FakeSaas::start().await;
        let other = FakeSaas::start().await;
        let (service, _) = service(&saas, &["127.0.0.1/32"]);

        let url = format!("http://{}/object", other.host_port()).parse().unwrap();
        let refused = service.send(call(url)).await.unwrap_err();

        assert!(matches!(refused, SendError::HostNotAllowed { .. }), "{refused}");
        assert!(other.calls().is_empty());
    }

    #[tokio::test]
    async fn a_private_address_stays_refused_unless_it_is_opened_for_this_service() {
        let saas = FakeSaas::start().await;
        for allow in [&[][..], &["127.0.0.1/32@other"][..]] {
            let (service, base) = service(&saas, allow);

            let refused = service.send(call(base)).await.unwrap_err();

            assert!(matches!(refused, SendError::HostRefused { .. }), "{refused}");
        }
        assert!(saas.calls().is_empty());
    }

    #[tokio::test]
    async fn a_redirect_is_refused() {
        let saas = FakeSaas::start().await;
        let (service, base) = service(&saas, &["127.0.0.1/32"]);
        let elsewhere = testkit::Answer::text(307, "").header("location", base.as_str());
        saas.on("PUT", "/object").then(elsewhere);

        let refused = service.send(call(base.join("/object").unwrap())).await.unwrap_err();

        assert!(matches!(refused, SendError::RedirectRefused { .. }), "{refused}");
        assert_eq!(saas.calls().len(), 1);
    }
}
