//! A small HTTP/1.1 server on loopback whose answers may also go wrong on the wire.
//!
//! A [`Handler`] turns a [`Call`] into an [`Answer`]; the answer's [`Delivery`] says how its bytes
//! reach the client: whole, cut short, never ending, or replaced by a reset of the connection.

mod answer;
mod body;
mod call;
mod stream;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub use answer::{Answer, Delivery};
use body::AnswerBody;
pub use call::Call;
use stream::{Ending, WireStream};

/// Largest request body that is read; a larger one is answered with 413.
const MAX_REQUEST_BYTES: usize = 16 << 20;

/// As much as timers of the runtime may be late.
const TIMER_SLACK: Duration = Duration::from_millis(2);

/// Answers calls. Must be quick and must not block: waiting is asked for with [`Answer::after`].
pub trait Handler: Send + Sync + 'static {
    /// The answer to one call.
    fn answer(&self, call: Call) -> Answer;
}

impl<F> Handler for F
where
    F: Fn(Call) -> Answer + Send + Sync + 'static,
{
    fn answer(&self, call: Call) -> Answer {
        self(call)
    }
}

/// A running server. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on 127.0.0.1 at `port` (0: any free port) and serves until dropped.
    ///
    /// # Errors
    /// The port is taken or may not be used.
    pub async fn start(port: u16, handler: Arc<dyn Handler>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, handler));
        Ok(Self { address, task })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, handler: Arc<dyn Handler>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&handler)));
            }
            // One client that went away, or too many open files: go on, without spinning.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, handler: Arc<dyn Handler>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let ending = Arc::new(Ending::default());
    let io = TokioIo::new(WireStream::new(stream, Arc::clone(&ending)));
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        let ending = Arc::clone(&ending);
        async move { respond(request, &*handler, &ending).await }
    });
    // An error here is a client that went away or a fault that was asked for.
    let _closed = http1::Builder::new().auto_date_header(false).serve_connection(io, service).await;
}

async fn respond(
    request: Request<Incoming>,
    handler: &dyn Handler,
    ending: &Ending,
) -> io::Result<Response<AnswerBody>> {
    let begun = Instant::now();
    let (head, body) = request.into_parts();
    let answer = match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
        Ok(collected) => handler.answer(Call::new(head, collected.to_bytes())),
        Err(_) => Answer::text(413, "request body too large"),
    };
    if !answer.delay.is_zero() {
        match begun.checked_add(answer.delay) {
            Some(due) => wait_until(due).await,
            None => std::future::pending().await,
        }
    }
    answer.into_response(ending)
}

/// Waits until then, to a fraction of a millisecond: a latency that is asked for is what clients see, and the
/// runtime's own timers come one to two milliseconds late.
async fn wait_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if let Some(early) = left.checked_sub(TIMER_SLACK) {
        tokio::time::sleep(early).await;
    }
    let rest = move || {
        while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
    };
    // Broken off with the runtime, nobody waits any more.
    let _ = tokio::task::spawn_blocking(rest).await;
}
