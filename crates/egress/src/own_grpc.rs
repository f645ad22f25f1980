use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{TryStream, poll_fn};
use hyper::body::Body;
use model::ConnectionKey;
use url::Url;

use crate::client::{Clients, Protocol};
use crate::door::DoorError;
use crate::exchange::{self, Piped};
use crate::guard::{Lookup, SystemLookup};
use crate::{DoorSettings, SendError};

/// A way out to one service of the operator's own that speaks gRPC, for clients made by `tonic`.
///
/// What [`OwnService`](crate::OwnService) is for HTTP: same guard and TLS, no permit and no budget, one origin.
/// It speaks HTTP/2 only, over one connection for all calls at the same time; to a route without TLS
/// it does so from the first byte. Clones share the connection.
///
/// A call takes as long as its maker lets it: each needs a deadline. Only connecting has one here. A
/// connection on which nothing is acknowledged for 30 seconds is given up.
#[derive(Debug, Clone)]
pub struct OwnGrpc(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: DoorSettings,
    lookup: Arc<dyn Lookup>,
    name: ConnectionKey,
    base: Url,
    clients: RwLock<Arc<Clients>>,
}

/// The body of an answer, trailers included.
#[derive(Debug)]
pub struct OwnGrpcBody(reqwest::Body);

impl OwnGrpc {
    /// The way to the origin of `base`. `name` is what entries of `egress.allow` may name.
    ///
    /// # Errors
    /// [`DoorError`] if `egress.proxy` cannot be used as a proxy.
    pub fn new(settings: DoorSettings, name: ConnectionKey, base: &Url) -> Result<Self, DoorError> {
        DoorError::check_proxy(&settings)?;
        let lookup: Arc<dyn Lookup> = Arc::new(SystemLookup);
        let clients = RwLock::new(Arc::new(clients(&settings, &lookup)));
        Ok(Self(Arc::new(Shared { settings, lookup, name, base: base.clone(), clients })))
    }

    /// Leaves the connection to the calls that are on it: the next call makes another. For a service
    /// that takes calls and does not answer them.
    pub fn renew(&self) {
        let fresh = Arc::new(clients(&self.0.settings, &self.0.lookup));
        // A poisoned lock only means that a thread died while replacing: either value is whole.
        *self.0.clients.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// Sends `request` to its path at the service. What stands before the path is passed over.
    ///
    /// # Errors
    /// [`SendError`]: nothing was sent, or no answer began.
    pub async fn send<B>(&self, request: http::Request<B>) -> Result<http::Response<OwnGrpcBody>, SendError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let mut url = self.0.base.clone();
        url.set_path(parts.uri.path());
        url.set_query(None);
        let clients = Arc::clone(&self.0.clients.read().unwrap_or_else(PoisonError::into_inner));
        let body = reqwest::Body::wrap_stream(data(body));
        let piped = Piped { method: parts.method, url, headers: parts.headers, body };
        let response = exchange::pipe(&clients, &self.0.name, piped).await?;
        Ok(http::Response::from(response).map(OwnGrpcBody))
    }
}

fn clients(settings: &DoorSettings, lookup: &Arc<dyn Lookup>) -> Clients {
    Clients::new(settings.clone(), Arc::clone(lookup)).speaking(Protocol::Http2)
}

/// The data of a body; what a client sends has no trailers.
fn data<B>(body: B) -> impl TryStream<Ok = Bytes, Error = B::Error, Item = Result<Bytes, B::Error>> + Send
where
    B: Body<Data = Bytes> + Send + 'static,
{
    let mut body = Box::pin(body);
    poll_fn(move |context| {
        loop {
            match ready!(body.as_mut().poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    })
}

impl Body for OwnGrpcBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, reqwest::Error>>> {
        // The address is nobody's business who reads the message.
        Pin::new(&mut self.0).poll_frame(context).map_err(reqwest::Error::without_url)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.0.size_hint()
    }
}

impl<B> tower::Service<http::Request<B>> for OwnGrpc
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = http::Response<OwnGrpcBody>;
    type Error = SendError;
    type Future = BoxFuture<'static, Result<Self::Response, SendError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let way = self.clone();
        Box::pin(async move { way.send(request).await })
    }
}

/// Shows where calls go.
impl fmt::Display for OwnGrpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.base.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
