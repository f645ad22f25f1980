use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// How a connection is to behave from now on; set by the answer, obeyed by the stream.
#[derive(Debug, Default)]
pub(super) struct Ending {
    reset: AtomicBool,
    drip_us: AtomicU64,
}

impl Ending {
    /// The connection ends with a reset (RST), not with an orderly end (FIN).
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// Bytes leave one at a time with `pause` between them.
    pub(super) fn drip(&self, pause: Duration) {
        self.drip_us.store(u64::try_from(pause.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn drip_pause(&self) -> Option<Duration> {
        let pause_us = self.drip_us.load(Ordering::Relaxed);
        (pause_us > 0).then(|| Duration::from_micros(pause_us))
    }
}

/// A socket that obeys an [`Ending`].
#[derive(Debug)]
pub(super) struct WireStream {
    stream: TcpStream,
    ending: Arc<Ending>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl WireStream {
    pub(super) fn new(stream: TcpStream, ending: Arc<Ending>) -> Self {
        Self { stream, ending, sleep: None }
    }
}

impl Drop for WireStream {
    fn drop(&mut self) {
        if self.ending.reset.load(Ordering::Relaxed) {
            // Closing with zero linger sends RST. If the option is refused the client sees an
            // early end instead, which is the same kind of fault.
            let _refused = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for WireStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(ctx, buffer)
    }
}

impl AsyncWrite for WireStream {
    fn poll_write(mut self: Pin<&mut Self>, ctx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(pause) = self.ending.drip_pause() else {
            return Pin::new(&mut self.stream).poll_write(ctx, bytes);
        };
        if let Some(sleep) = &mut self.sleep {
            std::task::ready!(sleep.as_mut().poll(ctx));
            self.sleep = None;
        }
        let first = bytes.get(..1).unwrap_or_default();
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(ctx, first))?;
        self.sleep = Some(Box::pin(tokio::time::sleep(pause)));
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.ending.drip_pause().is_some() {
            let first = buffers.iter().find(|buffer| !buffer.is_empty());
            return self.poll_write(ctx, first.map_or(&[], |buffer| buffer));
        }
        Pin::new(&mut self.stream).poll_write_vectored(ctx, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(ctx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(ctx)
    }
}
