//! The connections of whoever drives the connector.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use engine::Cancellation;
use futures::StreamExt as _;
use model::Clock;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::Stream;
use tonic::transport::server::Connected;

use super::{Listening, ServerError};

/// Connections side by side: a driver needs one.
const MOST_CONNECTIONS: usize = 64;
/// How long a handshake of TLS may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// What is waited after the system had no connection to give.
const PAUSE: Duration = Duration::from_millis(100);
/// Time between two looks for the process that started this one.
const LOOK: Duration = Duration::from_secs(2);

/// A connection of a driver that has proven who it is.
#[derive(Debug)]
pub(super) struct Peer {
    stream: TlsStream<TcpStream>,
    _place: OwnedSemaphorePermit,
}

/// Accepts connections until it is asked to stop. Handshakes run side by side: one that dawdles holds up nobody.
///
/// The stream never ends: a server that sees its connections end before its own signal waits for open calls, and
/// the signal that would end those is looked at no more.
pub(super) fn accept(
    listening: Listening,
    acceptor: TlsAcceptor,
    stop: Cancellation,
) -> Result<impl Stream<Item = io::Result<Peer>> + use<>, ServerError> {
    let socket = listening.into_inner();
    let failed = |error: io::Error| ServerError::Descriptor { why: error.to_string() };
    socket.set_nonblocking(true).map_err(failed)?;
    let socket = TcpListener::from_std(socket).map_err(failed)?;
    let (sender, peers) = mpsc::channel(MOST_CONNECTIONS);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    tokio::spawn(async move {
        let accepting = async {
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                match socket.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(shake_hands(stream, (acceptor.clone(), place), sender.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(kind = %error.kind(), "a connection was not accepted");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stop.cancelled() => {}
        }
    });
    Ok(tokio_stream::wrappers::ReceiverStream::new(peers).chain(futures::stream::pending()))
}

async fn shake_hands(
    stream: TcpStream,
    (acceptor, place): (TlsAcceptor, OwnedSemaphorePermit),
    peers: mpsc::Sender<io::Result<Peer>>,
) {
    let _ = stream.set_nodelay(true);
    match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            // A server that stopped takes none.
            let _ = peers.send(Ok(Peer { stream, _place: place })).await;
        }
        Ok(Err(error)) => {
            tracing::warn!(kind = %error.kind(), "somebody without the right certificate called");
        }
        Err(_) => tracing::warn!("somebody called and said nothing"),
    }
}

/// Completes when stopping is asked for, or the process that started this one is gone: nobody else calls it.
pub(super) async fn until_left_alone(clock: Arc<dyn Clock>, stop: Cancellation) {
    let parent = parent();
    let alone = async {
        while parent == self::parent() {
            clock.sleep(LOOK).await;
        }
        tracing::info!("the process that drives the connector is gone");
    };
    tokio::select! {
        () = alone => {}
        () = stop.cancelled() => {}
    }
}

#[cfg(unix)]
fn parent() -> Option<i32> {
    rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get())
}

#[cfg(not(unix))]
fn parent() -> Option<i32> {
    None
}

impl Connected for Peer {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Peer {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
