use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::body::AnswerBody;
use super::stream::Ending;

/// What to answer, and how it reaches the client.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// All headers except `Content-Length`, which follows from body and delivery unless set here.
    pub headers: HeaderMap,
    /// The body, as sent on the wire.
    pub body: Bytes,
    /// Time between the request's end and the answer's first byte.
    pub delay: Duration,
    /// How the bytes reach the client.
    pub delivery: Delivery,
}

/// How an answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Complete, with its length.
    Whole,
    /// Complete, in chunks without a length.
    Chunked,
    /// Not at all: the connection is reset.
    Reset,
    /// Not at all: the connection is closed in good order.
    Close,
    /// The length of the whole body is announced; after this many bytes the connection is closed.
    CutAt(usize),
    /// As [`Delivery::CutAt`], with a reset.
    ResetAt(usize),
    /// In chunks; after this many bytes the connection is closed without the last chunk.
    ChunkedCutAt(usize),
    /// The body again and again, in chunks, with this pause between them; ends only when the
    /// client leaves.
    Endless(Duration),
    /// Complete, but one byte at a time from the status line on, with this pause between bytes.
    Drip(Duration),
}

impl Answer {
    /// An answer with a status and nothing else.
    ///
    /// # Panics
    /// `status` is not a status code.
    pub fn status(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("the caller names a status code"),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            delay: Duration::ZERO,
            delivery: Delivery::Whole,
        }
    }

    /// A JSON answer.
    ///
    /// # Panics
    /// The body has no JSON form: a map whose keys are no texts.
    pub fn json<T: Serialize + ?Sized>(status: u16, body: &T) -> Self {
        let bytes = serde_json::to_vec(body).expect("plain data always has a JSON form");
        Self::status(status).header("content-type", "application/json").body(bytes)
    }

    /// A plain text answer.
    pub fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self::status(status).header("content-type", "text/plain; charset=utf-8").body(body)
    }

    /// An HTML page, as proxies and sign-in walls send it in the place of data.
    pub fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Self::status(status).header("content-type", "text/html; charset=utf-8").body(body)
    }

    /// Sets a header, replacing an earlier one of the name.
    ///
    /// # Panics
    /// Name or value cannot stand in a header.
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let name = HeaderName::try_from(name).expect("the caller names a header");
        let value = HeaderValue::from_str(value.as_ref()).expect("the caller gives a header value");
        self.headers.insert(name, value);
        self
    }

    /// Sets the body, leaving the headers as they are.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Waits before the first byte.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets how the answer reaches the client.
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// No answer: the connection is reset.
    pub fn reset() -> Self {
        Self::status(200).delivered(Delivery::Reset)
    }

    pub(super) fn into_response(self, ending: &Ending) -> io::Result<Response<AnswerBody>> {
        let length = self.body.len();
        let body = match self.delivery {
            Delivery::Whole => AnswerBody::whole(self.body),
            Delivery::Chunked => AnswerBody::chunked(self.body),
            Delivery::Reset => {
                ending.reset();
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Delivery::Close => return Err(io::ErrorKind::ConnectionAborted.into()),
            Delivery::CutAt(at) => AnswerBody::cut(self.body.slice(..at.min(length))),
            Delivery::ResetAt(at) => {
                ending.reset();
                AnswerBody::cut(self.body.slice(..at.min(length)))
            }
            Delivery::ChunkedCutAt(at) => AnswerBody::cut(self.body.slice(..at.min(length))),
            Delivery::Endless(pause) => AnswerBody::endless(self.body, pause),
            Delivery::Drip(pause) => {
                ending.drip(pause);
                AnswerBody::whole(self.body)
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if matches!(self.delivery, Delivery::CutAt(_) | Delivery::ResetAt(_)) {
            response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
        }
        if length == 0 && self.status == StatusCode::NO_CONTENT {
            response.headers_mut().remove(CONTENT_TYPE);
        }
        Ok(response)
    }
}
