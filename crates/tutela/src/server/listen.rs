use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use spec::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::connection::{HEAD_TIME, answer};
use super::tls;
use crate::failure::Failure;

/// Callers that are connected at once; more wait to be accepted.
const MOST_CONNECTIONS: usize = 4096;
/// Wait after the system refused a connection, for want of file handles say.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// A port that is open for callers.
pub(crate) struct Listening {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shutdown_wait: Duration,
    address: SocketAddr,
}

impl Listening {
    /// Opens the port.
    ///
    /// # Errors
    /// Bad input if the files of the TLS cannot be used, a failure if the port is taken.
    pub(crate) async fn open(server: &Server) -> Result<Self, Failure> {
        let tls = server.tls.as_ref().map(tls::acceptor).transpose()?;
        let refused = |error| {
            Failure::Failed(format!(
                "{} cannot be listened on: {error}; name another with `--listen`",
                server.listen
            ))
        };
        let listener = TcpListener::bind(server.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, tls, shutdown_wait: server.shutdown_wait, address })
    }

    /// Where callers find it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers calls until `end` completes; then takes no more, and lets those under way go on for as
    /// long as the settings say. Says how many had to be given up.
    pub(crate) async fn serve(self, router: Router, end: impl Future<Output = ()>) -> usize {
        let (ending, watched) = watch::channel(());
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = JoinSet::new();
        let mut end = pin!(end);
        loop {
            let accepted = tokio::select! {
                () = &mut end => break,
                accepted = accept(&self.listener, &room) => accepted,
                Some(_) = connections.join_next() => continue,
            };
            let (stream, peer, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_WAIT).await;
                    continue;
                }
            };
            let (router, tls, watched) = (router.clone(), self.tls.clone(), watched.clone());
            connections.spawn(async move {
                let _permit = permit;
                match tls {
                    None => answer(stream, peer, router, watched).await,
                    Some(tls) => {
                        let accepted = tokio::time::timeout(HEAD_TIME, tls.accept(stream)).await;
                        if let Ok(Ok(stream)) = accepted {
                            answer(stream, peer, router, watched).await;
                        } else {
                            tracing::debug!("a caller did not come to TLS");
                        }
                    }
                }
            });
        }
        drop(self.listener);
        let _ = ending.send(());
        let all_gone = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(self.shutdown_wait, all_gone).await;
        let left = connections.len();
        connections.shutdown().await;
        left
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are written whole; waiting to fill a packet would only delay them.
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}
