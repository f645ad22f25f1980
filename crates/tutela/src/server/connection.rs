//! One connection of a caller: which HTTP it speaks, and its calls until it ends.

use std::io::{self, Cursor};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::{Notify, watch};
use tower::ServiceExt as _;

/// How long the head of a call, and the beginning of TLS, may take to arrive.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(15);
/// How long a connection of HTTP/2 may be without a call: longer than connectors wait between two (baton P-12).
const IDLE_TIME: Duration = Duration::from_mins(6);
/// How long the calls under way may go on after that: uploads give signs of life beside them, so what is left by then is
/// heard by nobody.
const END_TIME: Duration = Duration::from_mins(10);
/// How often it is looked whether a silent caller of HTTP/2 is there, and how long they may take to answer.
const PING_EVERY: Duration = Duration::from_mins(1);
const PING_TIME: Duration = Duration::from_secs(20);
/// Calls under way on one connection of HTTP/2.
const MOST_CALLS: u32 = 100;
/// Longest head of a call of HTTP/2, in bytes.
const HEAD_BYTES: u32 = 32 * 1024;
/// What may be under way to the server on one connection, in bytes: it lies in memory until it is read.
const WINDOW_BYTES: u32 = 512 * 1024;

/// How each connection of HTTP/2 begins.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Which HTTP a caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Answers the calls of one connection: one after the other in HTTP/1.1, beside each other in HTTP/2, which
/// callers speak after TLS agreed on it or without being asked (gRPC).
pub(super) async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    ending: watch::Receiver<()>,
) {
    let Ok(Ok((protocol, stream))) = tokio::time::timeout(HEAD_TIME, hear(stream)).await else {
        tracing::debug!("a caller did not begin a call");
        return;
    };
    let called = Arc::new(Notify::new());
    let calls = Arc::clone(&called);
    let service = service_fn(move |call: hyper::Request<Incoming>| {
        calls.notify_one();
        let mut call = call.map(Body::new);
        // The address that the system saw; what headers say of it is not believed.
        call.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(call)
    });
    let io = TokioIo::new(stream);
    let done = match protocol {
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .serve_connection(io, service);
            // It ends by itself when no head comes.
            until(connection, ending, (std::future::pending(), END_TIME)).await
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_EVERY)
                .keep_alive_timeout(PING_TIME)
                .max_concurrent_streams(MOST_CALLS)
                .max_header_list_size(HEAD_BYTES)
                .initial_stream_window_size(WINDOW_BYTES)
                .initial_connection_window_size(WINDOW_BYTES)
                .serve_connection(io, service);
            until(connection, ending, (silence(&called), END_TIME)).await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Carries a connection on until it is over. When the server ends, or its caller is silent, it takes no more calls,
/// and those under way are answered, as far as they come to an end in time.
async fn until<C: GracefulConnection>(
    connection: C,
    mut ending: watch::Receiver<()>,
    (silent, end_time): (impl Future<Output = ()>, Duration),
) -> Result<(), C::Error> {
    let mut connection: Pin<&mut C> = pin!(connection);
    tokio::select! {
        done = &mut connection => return done,
        _ = ending.changed() => {}
        () = silent => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::time::timeout(end_time, connection).await.unwrap_or_else(|_| {
        tracing::debug!("a call that came to no end was given up with its connection");
        Ok(())
    })
}

/// Completes when no call came for too long.
async fn silence(called: &Notify) {
    let mut patience = HEAD_TIME;
    while tokio::time::timeout(patience, called.notified()).await.is_ok() {
        patience = IDLE_TIME;
    }
}

/// Reads so much of what a caller sends that it is clear what they speak; nothing of it is lost.
async fn hear<S>(mut stream: S) -> io::Result<(Protocol, impl AsyncRead + AsyncWrite + Unpin + Send)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut said = Vec::with_capacity(PREFACE.len());
    while said.len() < PREFACE.len() && PREFACE.starts_with(&said) {
        let left = (PREFACE.len() - said.len()) as u64;
        if (&mut stream).take(left).read_buf(&mut said).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let protocol = if said == PREFACE { Protocol::Http2 } else { Protocol::Http1 };
    let (read, write) = tokio::io::split(stream);
    Ok((protocol, tokio::io::join(Cursor::new(said).chain(read), write)))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn heard(pieces: &[&[u8]]) -> io::Result<(Protocol, Vec<u8>)> {
        let (mut caller, server) = tokio::io::duplex(8);
        let send = async {
            for piece in pieces {
                caller.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(caller);
        };
        let read = async {
            let (protocol, mut stream) = hear(server).await?;
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await?;
            Ok((protocol, all))
        };
        tokio::join!(send, read).1
    }

    /// A call that is never answered, on a connection that has this long to end once nothing else comes.
    async fn ended(end_time: Duration) -> bool {
        let (mut caller, server) = tokio::io::duplex(1024);
        let begun = Arc::new(Notify::new());
        let begins = Arc::clone(&begun);
        let service = service_fn(move |_: hyper::Request<Incoming>| {
            begins.notify_one();
            std::future::pending::<Result<hyper::Response<Body>, io::Error>>()
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let (_end, ending) = watch::channel(());
        caller.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();

        let ends = until(connection, ending, (begun.notified(), end_time));
        tokio::time::timeout(Duration::from_millis(500), ends).await.is_ok()
    }

    #[tokio::test]
    async fn a_connection_ends_in_time_although_a_call_on_it_does_not() {
        assert!(ended(Duration::from_millis(20)).await);
        assert!(!ended(Duration::MAX).await, "it is the time that ends it");
    }

    #[tokio::test]
    async fn what_callers_speak_is_heard_from_their_first_words_which_stay() {
        let http2 = heard(&[b"PRI * HT", b"TP/2.0\r\n\r\nSM", b"\r\n\r\n\0\0\0\x04\0"]).await.unwrap();
        let post = heard(&[b"P", b"OST /auth/v1/token HTTP/1.1\r\n"]).await.unwrap();
        let almost = heard(&[b"PRI * HTTP/1.1\r\n\r\n"]).await.unwrap();

        assert_eq!(http2.0, Protocol::Http2);
        assert!(http2.1.starts_with(PREFACE) && http2.1.len() == PREFACE.len() + 5);
        assert_eq!(post, (Protocol::Http1, b"POST /auth/v1/token HTTP/1.1\r\n".to_vec()));
        assert_eq!(almost.0, Protocol::Http1);
        assert!(heard(&[b"PRI"]).await.is_err(), "nobody goes on");
    }
}
