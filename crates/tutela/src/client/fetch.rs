//! Answers that are longer than memory, or have no end.

use bytes::Bytes;
use egress::{OwnServiceCall, OwnServiceStream, SendError};
use http::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use url::Url;

use super::answer::{Answer, unreachable};
use super::{Client, ServerAddress, service};
use crate::failure::Failure;

/// What events are asked for as.
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// The most that is read of an answer that says what went wrong.
const LONGEST_TEXT: usize = 64 * 1024;

/// An answer that is read piece by piece.
#[derive(Debug)]
pub(crate) struct Stream {
    answer: OwnServiceStream,
    base: Url,
}

impl Stream {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// A failure if it breaks off.
    ///
    /// # Cancel safety
    /// Nothing is lost: call it again.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        self.answer.chunk().await.map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &SendError) -> Failure {
        unreachable(&self.base, error)
    }

    /// The text of a short answer.
    async fn into_answer(mut self) -> Result<Answer, Failure> {
        let mut text = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > LONGEST_TEXT {
                break;
            }
        }
        Ok(Answer::of(self.answer.status(), &text))
    }
}

/// What the server gave for a call that streams.
#[derive(Debug)]
pub(crate) enum Opened {
    /// What was asked for.
    Stream(Box<Stream>),
    /// Something else.
    Other(Answer),
}

impl Client {
    /// Events as they happen; another answer if the server gives none.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub(crate) async fn events(&self, path: &str) -> Result<Opened, Failure> {
        self.open_as_caller(path, &HeaderMap::from_iter([(ACCEPT, EVENTS)])).await
    }

    /// An answer that may be longer than memory; another one if the server gives none.
    ///
    /// # Errors
    /// A failure if there is no answer.
    pub(crate) async fn open_stream(&self, path: &str) -> Result<Opened, Failure> {
        self.open_as_caller(path, &HeaderMap::new()).await
    }

    /// An answer that may be longer than memory.
    ///
    /// # Errors
    /// A failure if it is not given.
    pub(crate) async fn stream(&self, path: &str) -> Result<Box<Stream>, Failure> {
        match self.open_stream(path).await? {
            Opened::Stream(stream) => Ok(stream),
            Opened::Other(answer) => {
                answer.done(path)?;
                Err(Failure::Failed(format!("the server gave nothing for {path}")))
            }
        }
    }

    /// Bytes as the server keeps them.
    ///
    /// # Errors
    /// A failure if they are not given.
    pub(crate) async fn bytes(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let mut stream = self.stream(path).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// What a one-time link of the server leads to, here or in a bucket. The link alone opens it, so that
    /// nobody's token goes along; it is in no message.
    ///
    /// # Errors
    /// A failure if it is not given.
    pub(crate) async fn follow_link(&self, link: &str) -> Result<Stream, Failure> {
        let refused = || Failure::Failed("the server gave a link that leads elsewhere".to_owned());
        let path = link.strip_prefix("/api/v1/").ok_or_else(refused)?;
        let stream = self.open((self.url(path)?, HeaderMap::new())).await?;
        match StatusCode::from_u16(stream.answer.status()) {
            Ok(StatusCode::OK) => Ok(stream),
            Ok(StatusCode::FOUND) => {
                let place = stream.answer.headers().get(LOCATION).and_then(|place| place.to_str().ok());
                let server = place.and_then(|place| place.parse().ok()).ok_or_else(refused)?;
                in_bucket(server).await
            }
            _ => {
                stream.into_answer().await?.done("the link to a package")?;
                Err(refused())
            }
        }
    }

    /// Opened as who calls; with a token that the server does not take any more, once again with a new one.
    async fn open_as_caller(&self, path: &str, more: &HeaderMap) -> Result<Opened, Failure> {
        let mut may_renew = self.own.is_some();
        loop {
            let mut headers = self.headers()?;
            headers.extend(more.clone());
            let stream = self.open((self.url(path)?, headers)).await?;
            if stream.answer.status() == StatusCode::OK.as_u16() {
                return Ok(Opened::Stream(Box::new(stream)));
            }
            let answer = stream.into_answer().await?;
            if !may_renew || !answer.is_of_nobody() {
                return Ok(Opened::Other(answer));
            }
            self.renew().await?;
            may_renew = false;
        }
    }

    async fn open(&self, (url, headers): (Url, HeaderMap)) -> Result<Stream, Failure> {
        let call = OwnServiceCall { method: Method::GET, url, headers, body: Bytes::new() };
        let answer = self.service.open(call).await.map_err(|error| unreachable(&self.base, &error))?;
        Ok(Stream { answer, base: self.base.clone() })
    }
}

/// A package in a bucket, by a link that is good for a moment.
async fn in_bucket(url: Url) -> Result<Stream, Failure> {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    let base = ServerAddress { server: origin }.base()?;
    let call = OwnServiceCall { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() };
    let answer = service(&base).await?.open(call).await.map_err(|error| unreachable(&base, &error))?;
    match StatusCode::from_u16(answer.status()) {
        Ok(StatusCode::OK) => Ok(Stream { answer, base }),
        _ => Err(Failure::Failed(format!(
            "the bucket at {base} answered {} to the link to a package; ask for it again",
            answer.status()
        ))),
    }
}
