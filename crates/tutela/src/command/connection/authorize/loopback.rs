//! Where the browser comes back to: an address of this machine that only it can reach, for once.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use crypto::{AccessToken, Secret};
use http::header::{CACHE_CONTROL, HOST, REFERRER_POLICY};
use http::{HeaderValue, Method, StatusCode};
use model::visible;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

use crate::failure::Failure;

/// The secret of a connection that says where people come back to.
const REDIRECT: &str = "redirect_uri";
/// How long the browser may take to read the last page.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The longest text of an application about why there is no code.
const LONGEST: usize = 200;

/// Where people come back to, as the connection says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `127.0.0.1` or `localhost`.
    host: String,
    /// 0: any that is free.
    port: u16,
    path: String,
}

impl Place {
    /// The place that the secrets name.
    ///
    /// # Errors
    /// Bad input if it is not one where this program can listen.
    pub(super) fn of(secrets: &[(String, Value)]) -> Result<Self, Failure> {
        let text =
            secrets.iter().rev().find(|(name, _)| name == REDIRECT).and_then(|(_, value)| value.as_str());
        let text = text.filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| wrong("the connection has no `redirect_uri`"))?;
        let url: Url = text.parse().map_err(|_| wrong("`redirect_uri` is no address"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if url.scheme() != "http" || !matches!(host.as_str(), "127.0.0.1" | "localhost") {
            return Err(wrong(
                "`redirect_uri` does not lead to this machine, so that nobody would come back here",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(wrong("`redirect_uri` has more than host, port and path"));
        }
        Ok(Self { host, port: url.port().unwrap_or(0), path: url.path().to_owned() })
    }
}

fn wrong(what: &str) -> Failure {
    Failure::BadInput(format!(
        "{what}; set the secret to `http://127.0.0.1/callback`, and register the same at the application"
    ))
}

/// A place where this program listens.
#[derive(Debug)]
pub(super) struct Loopback {
    listener: TcpListener,
    place: Place,
}

/// What a person came back with: the code, or why there is none.
type Back = Result<Secret<String>, String>;

/// What is expected, once.
struct Expected {
    host: String,
    path: String,
    state: [u8; 32],
    back: Mutex<Option<oneshot::Sender<Back>>>,
}

impl Loopback {
    /// Listens on 127.0.0.1.
    ///
    /// # Errors
    /// A failure if the port is taken.
    pub(super) async fn listen(mut place: Place) -> Result<Self, Failure> {
        let taken = |port: u16, error: &std::io::Error| {
            Failure::Failed(format!(
                "nothing can listen on port {port} of 127.0.0.1: {error}; end what does, or leave the port of \
                 `redirect_uri` out"
            ))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, place.port)).await;
        let listener = listener.map_err(|error| taken(place.port, &error))?;
        place.port = listener.local_addr().map_err(|error| taken(place.port, &error))?.port();
        Ok(Self { listener, place })
    }

    /// Its address, as the application is told.
    pub(super) fn address(&self) -> String {
        let Place { host, port, path } = &self.place;
        format!("http://{host}:{port}{path}")
    }

    /// The same as a secret of the connection.
    pub(super) fn secret(&self) -> (String, Value) {
        (REDIRECT.to_owned(), json!(self.address()))
    }

    /// Waits for who brings back `state`, and gives their code. Anything else that calls is not answered
    /// with more than that nothing is there, and the wait goes on.
    ///
    /// # Errors
    /// A failure if nobody comes in time, or the application sends them back without a code.
    pub(super) async fn wait(
        self,
        state: &AccessToken,
        timeout: Duration,
    ) -> Result<Secret<String>, Failure> {
        let (sender, receiver) = oneshot::channel();
        let expected = Arc::new(Expected {
            host: format!("{}:{}", self.place.host, self.place.port),
            path: self.place.path.clone(),
            state: state.hash(),
            back: Mutex::new(Some(sender)),
        });
        let router = Router::new().fallback(answer).with_state(expected);
        let (end, ended) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            let end = async {
                let _ = ended.await;
            };
            axum::serve(self.listener, router).with_graceful_shutdown(end).await
        });
        let back = tokio::time::timeout(timeout, receiver).await;
        let _ = end.send(());
        let _ = tokio::time::timeout(LAST_WORDS, serving).await;
        match back {
            Ok(Ok(Ok(code))) => Ok(code),
            Ok(Ok(Err(said))) => {
                Err(Failure::Failed(format!("the authorization was refused: {}", visible(&said))))
            }
            Ok(Err(_)) => {
                Err(Failure::Failed("nobody can come back any more; run the command again".to_owned()))
            }
            Err(_) => Err(Failure::Failed(format!(
                "nobody came back within {} seconds; run the command again, and agree in the browser",
                timeout.as_secs()
            ))),
        }
    }
}

/// Answers one call. Neither its query nor what is in it is written down anywhere.
async fn answer(State(expected): State<Arc<Expected>>, request: Request) -> Response {
    let (status, text) = expected.take(&request);
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

impl Expected {
    fn take(&self, request: &Request) -> (StatusCode, &'static str) {
        let nothing = (StatusCode::NOT_FOUND, "Nothing is here.");
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if request.method() != Method::GET
            || request.uri().path() != self.path
            || host != Some(self.host.as_str())
        {
            return nothing;
        }
        let query = request.uri().query().unwrap_or_default();
        let query: HashMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let of_us = query.get("state").is_some_and(|state| AccessToken::verify(state, &self.state));
        if !of_us {
            return (StatusCode::BAD_REQUEST, "This is not what was begun here. Run the command again.");
        }
        let back = match (query.get("code").filter(|code| !code.is_empty()), query.get("error")) {
            (_, Some(error)) => Err(line(error, query.get("error_description"))),
            (Some(code), None) => Ok(Secret::new(code.clone())),
            (None, None) => Err("the application sent nobody a code".to_owned()),
        };
        let text = match &back {
            Ok(_) => "You may close this page. The command line says whether the connection works now.",
            Err(_) => "The connection was not authorized. You may close this page.",
        };
        let waiting = self.back.lock().unwrap_or_else(PoisonError::into_inner).take();
        match waiting.map(|waiting| waiting.send(back)) {
            Some(Ok(())) => (StatusCode::OK, text),
            Some(Err(_)) | None => nothing,
        }
    }
}

/// What the application says, short and on one line.
fn line(error: &str, description: Option<&String>) -> String {
    let whole = match description {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    };
    whole.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn secrets(text: &str) -> Vec<(String, Value)> {
        vec![(REDIRECT.to_owned(), json!(text))]
    }

    // rule: saas-config 6.24
    #[rstest]
    #[case("http://127.0.0.1/callback", Some(("127.0.0.1", 0, "/callback")))]
    #[case("http://localhost:8765/back/here", Some(("localhost", 8765, "/back/here")))]
    #[case("http://127.0.0.1", Some(("127.0.0.1", 0, "/")))]
    #[case("https://127.0.0.1/callback", None)]
    #[case("http://example.com/callback", None)]
    #[case("http://127.0.0.1.example.com/callback", None)]
    #[case("http://0.0.0.0/callback", None)]
    #[case("http://127.0.0.1/callback?x=1", None)]
    #[case("nowhere", None)]
    #[case("", None)]
    fn only_this_machine_is_a_place_to_come_back_to(
        #[case] text: &str,
        #[case] expected: Option<(&str, u16, &str)>,
    ) {
        let place = Place::of(&secrets(text)).ok();

        let place = place.as_ref().map(|place| (place.host.as_str(), place.port, place.path.as_str()));
        assert_eq!(place, expected);
    }

    fn expected(state: &AccessToken) -> (Expected, oneshot::Receiver<Back>) {
        let (sender, receiver) = oneshot::channel();
        let expected = Expected {
            host: "127.0.0.1:9".to_owned(),
            path: "/callback".to_owned(),
            state: state.hash(),
            back: Mutex::new(Some(sender)),
        };
        (expected, receiver)
    }

    fn call(method: &str, target: &str, host: &str) -> Request {
        let request = http::Request::builder().method(method).uri(target).header(HOST, host);
        request.body(axum::body::Body::empty()).unwrap()
    }

    // rule: saas-config 6.24
    #[test]
    fn only_the_one_call_that_was_begun_here_is_taken_and_only_once() {
        let state = AccessToken::random();
        let (expected, mut back) = expected(&state);
        let good = format!("/callback?code=C1&state={}", state.text().expose());
        let strangers = [
            call("GET", "/other", "127.0.0.1:9"),
            call("POST", &good, "127.0.0.1:9"),
            call("GET", &good, "evil.test:9"),
            call("GET", "/callback?code=C1", "127.0.0.1:9"),
            call("GET", "/callback?code=C1&state=guessed", "127.0.0.1:9"),
        ];

        for stranger in &strangers {
            assert!(!expected.take(stranger).0.is_success(), "{stranger:?}");
        }
        assert!(back.try_recv().is_err(), "nobody came back yet");
        let first = expected.take(&call("GET", &good, "127.0.0.1:9"));
        let second = expected.take(&call("GET", &good, "127.0.0.1:9"));

        assert_eq!((first.0, second.0), (StatusCode::OK, StatusCode::NOT_FOUND));
        assert_eq!(back.try_recv().unwrap().unwrap().expose(), "C1");
    }

    #[test]
    fn refusal_is_told_in_one_line() {
        let state = AccessToken::random();
        let (expected, mut back) = expected(&state);
        let target = format!(
            "/callback?error=access_denied&error_description=not%0Athis%20one&state={}",
            state.text().expose()
        );

        let answered = expected.take(&call("GET", &target, "127.0.0.1:9"));

        assert_eq!(answered.0, StatusCode::OK);
        assert_eq!(back.try_recv().unwrap().unwrap_err(), "access_denied: notthis one");
    }

    #[tokio::test]
    async fn wait_has_an_end() {
        let place = Place::of(&secrets("http://127.0.0.1/callback")).unwrap();
        let loopback = Loopback::listen(place).await.unwrap();

        let ended = loopback.wait(&AccessToken::random(), Duration::ZERO).await;

        assert!(ended.is_err_and(|failure| failure.to_string().contains("nobody came back")));
    }
}
