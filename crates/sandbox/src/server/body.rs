use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// The body of an answer on its way out.
#[derive(Debug)]
pub(super) enum AnswerBody {
    Whole { rest: Option<Bytes>, sized: bool },
    Cut { rest: Option<Bytes>, flushed: bool },
    Endless { chunk: Bytes, pause: Duration, sleep: Option<Pin<Box<Sleep>>> },
}

impl AnswerBody {
    pub(super) fn whole(body: Bytes) -> Self {
        Self::Whole { rest: Some(body), sized: true }
    }

    pub(super) fn chunked(body: Bytes) -> Self {
        Self::Whole { rest: Some(body), sized: false }
    }

    pub(super) fn cut(part: Bytes) -> Self {
        Self::Cut { rest: Some(part), flushed: false }
    }

    pub(super) fn endless(chunk: Bytes, pause: Duration) -> Self {
        Self::Endless { chunk, pause, sleep: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Whole { rest, .. } => {
                Poll::Ready(rest.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Cut { rest, flushed } => {
                if let Some(part) = rest.take().filter(|part| !part.is_empty()) {
                    return Poll::Ready(Some(Ok(Frame::data(part))));
                }
                if !*flushed {
                    // Being pending once makes the server send what it holds before it sees the error.
                    *flushed = true;
                    ctx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())))
            }
            Self::Endless { chunk, pause, sleep } => {
                if let Some(waiting) = sleep {
                    std::task::ready!(waiting.as_mut().poll(ctx));
                }
                *sleep = (!pause.is_zero()).then(|| Box::pin(tokio::time::sleep(*pause)));
                Poll::Ready(Some(Ok(Frame::data(chunk.clone()))))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { rest, sized: true } => {
                SizeHint::with_exact(rest.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Whole { .. } | Self::Cut { .. } | Self::Endless { .. } => SizeHint::default(),
        }
    }
}
