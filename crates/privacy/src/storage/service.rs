//! The S3 client's way out: `egress`, and nothing else (architecture law 1).

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use egress::{OwnService, OwnServiceCall, Retry, SendError};
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use url::Url;

use super::BucketProblem;

/// Longest word for an error that is passed on.
const MOST_CODE_CHARACTERS: usize = 64;

/// Sends the S3 client's calls through `egress` and remembers why the last one failed: the
/// client's own errors hold URLs and answers, which go into no message.
#[derive(Debug, Clone)]
pub(super) struct Service {
    way: Arc<OwnService>,
    problem: Arc<Mutex<Option<BucketProblem>>>,
}

impl Service {
    pub(super) fn new(way: OwnService) -> Self {
        Self { way: Arc::new(way), problem: Arc::default() }
    }

    /// A service with a memory of its own, for one delivery.
    pub(super) fn fresh(&self) -> Self {
        Self { way: Arc::clone(&self.way), problem: Arc::default() }
    }

    /// Why the last call failed; an answer that only the client could not read has no better word.
    pub(super) fn problem(&self) -> BucketProblem {
        self.memory().take().unwrap_or(BucketProblem::Answer)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Option<BucketProblem>> {
        // A poisoned lock only means that a thread died while it wrote one value.
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        *self.memory() = None;
        let (parts, body) = request.into_parts();
        let url: Url = match parts.uri.to_string().parse() {
            Ok(url) => url,
            Err(error) => return Err(HttpError::new(HttpErrorKind::Unknown, error)),
        };
        let body = body.collect().await?.to_bytes();
        let mut headers = parts.headers;
        for name in [http::header::AUTHORIZATION, http::HeaderName::from_static("x-amz-security-token")] {
            if let Some(value) = headers.get_mut(&name) {
                value.set_sensitive(true);
            }
        }
        let call = OwnServiceCall { method: parts.method, url, headers, body };
        let reply = self.way.send(call).await.map_err(|error| {
            *self.memory() = Some(BucketProblem::Call(error.clone()));
            HttpError::new(kind(&error), error)
        })?;
        if !(200..300).contains(&reply.status) {
            *self.memory() = Some(problem(reply.status, &reply.body));
        }
        let mut response = HttpResponse::new(reply.body.into());
        // The door gives only statuses that are ones.
        *response.status_mut() =
            http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::BAD_GATEWAY);
        *response.headers_mut() = reply.headers;
        Ok(response)
    }
}

impl HttpService for Service {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.pass(request))
    }
}

impl HttpConnector for Service {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

/// The client tries again what is `Connect` or `Request`, and `Interrupted` if that is harmless.
fn kind(error: &SendError) -> HttpErrorKind {
    match (error.retry(), error) {
        (Retry::No, _) => HttpErrorKind::Unknown,
        (Retry::Yes, SendError::Connect { .. }) => HttpErrorKind::Connect,
        (Retry::Yes, SendError::Timeout { .. }) => HttpErrorKind::Timeout,
        (Retry::Yes, _) => HttpErrorKind::Interrupted,
    }
}

fn problem(status: u16, body: &[u8]) -> BucketProblem {
    let code = code(body);
    match status {
        404 if code == "NoSuchBucket" => BucketProblem::NoBucket,
        401 | 403 => BucketProblem::Denied { status, code },
        _ => BucketProblem::Status { status, code },
    }
}

/// The server's word for an error: one plain word, or nothing. The rest of its answer may repeat
/// what was sent.
fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let word =
        text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(word, _)| word);
    let is_plain = |word: &&str| {
        word.len() <= MOST_CODE_CHARACTERS && word.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    word.filter(is_plain).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(404, "<Error><Code>NoSuchBucket</Code></Error>", "no such bucket")]
    #[case(
        403,
        "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>canary</StringToSign></Error>",
        "403 SignatureDoesNotMatch"
    )]
    #[case(403, "", "403 ;")]
    #[case(500, "<Code>canary-in-a-code</Code>", "500 ")]
    #[case(503, "<Code>SlowDown</Code>", "503 SlowDown")]
    fn an_answer_gives_its_word_and_no_more(#[case] status: u16, #[case] body: &str, #[case] says: &str) {
        let text = problem(status, body.as_bytes()).to_string();

        assert!(text.contains(says), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
