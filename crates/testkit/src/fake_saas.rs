use std::collections::VecDeque;
use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use sandbox::server::{Answer, Call, Handler, Server};
use tokio::sync::watch;

/// A scriptable application on 127.0.0.1: routes answer in sequence or by closure, every call is
/// kept. A call that no route takes is answered with 404.
///
/// Faults on the wire are answers too: see [`Answer::delivered`](Answer) and `Delivery`.
#[derive(Debug)]
pub struct FakeSaas {
    server: Server,
    script: Arc<Script>,
}

#[derive(Debug, Default)]
struct Script {
    routes: Mutex<Vec<Arc<RouteState>>>,
    calls: Mutex<Vec<Call>>,
    arrived: watch::Sender<usize>,
}

#[derive(Debug)]
struct RouteState {
    method: String,
    path: String,
    plan: Mutex<Plan>,
}

type Closure = Arc<dyn Fn(&Call) -> Answer + Send + Sync>;

#[derive(Default)]
struct Plan {
    sequence: VecDeque<Answer>,
    closure: Option<Closure>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("sequence", &self.sequence.len()).finish_non_exhaustive()
    }
}

/// A route being scripted; see [`FakeSaas::on`].
#[derive(Debug)]
pub struct Route(Arc<RouteState>);

impl FakeSaas {
    /// Starts on any free port of 127.0.0.1; stops when dropped.
    ///
    /// # Panics
    /// Loopback has no free port.
    pub async fn start() -> Self {
        let script = Arc::new(Script::default());
        let handler: Arc<dyn Handler> = Arc::clone(&script) as Arc<dyn Handler>;
        let server = Server::start(0, handler).await.expect("loopback has a free port");
        Self { server, script }
    }

    /// Adds a route. `method` may be `*`. `path` is compared with the path as sent (still
    /// percent-encoded); a segment `*` takes any one segment, a last segment `**` the rest.
    /// The newest route that matches answers.
    pub fn on(&self, method: &str, path: &str) -> Route {
        let state = Arc::new(RouteState {
            method: method.to_owned(),
            path: path.to_owned(),
            plan: Mutex::new(Plan::default()),
        });
        lock(&self.script.routes).push(Arc::clone(&state));
        Route(state)
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        self.server.url()
    }

    /// `127.0.0.1:PORT`.
    pub fn host_port(&self) -> String {
        self.server.address().to_string()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// Every call so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.script.calls).clone()
    }

    /// Waits until at least `count` calls have arrived.
    ///
    /// # Panics
    /// Never: the script lives as long as its server.
    pub async fn until_calls(&self, count: usize) {
        let mut arrived = self.script.arrived.subscribe();
        let waited = arrived.wait_for(|calls| *calls >= count).await;
        waited.expect("the script lives as long as its server");
    }

    /// Path and query of every call so far, as sent.
    pub fn targets(&self) -> Vec<String> {
        self.calls().iter().map(Call::target).collect()
    }

    /// The calls whose path is exactly `path`.
    pub fn calls_to(&self, path: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.path == path).collect()
    }
}

impl Route {
    /// Adds an answer to the sequence; the last one stays for all further calls.
    pub fn then(self, answer: Answer) -> Self {
        lock(&self.0.plan).sequence.push_back(answer);
        self
    }

    /// Answers by closure once the sequence (if any) is used up.
    pub fn with(self, closure: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        lock(&self.0.plan).closure = Some(Arc::new(closure));
        self
    }
}

impl Handler for Script {
    fn answer(&self, call: Call) -> Answer {
        let arrived = {
            let mut calls = lock(&self.calls);
            calls.push(call.clone());
            calls.len()
        };
        self.arrived.send_replace(arrived);
        let routes = lock(&self.routes).clone();
        let matching = routes.iter().rev().find(|route| route.takes(&call));
        matching.map_or_else(
            || Answer::json(404, &serde_json::json!({"error": "no route"})),
            |route| route.answer(&call),
        )
    }
}

impl RouteState {
    fn takes(&self, call: &Call) -> bool {
        (self.method == "*" || self.method.eq_ignore_ascii_case(call.method.as_str()))
            && path_matches(&self.path, &call.path)
    }

    fn answer(&self, call: &Call) -> Answer {
        let mut plan = lock(&self.plan);
        let closure = plan.closure.clone();
        let keep_last = closure.is_none() && plan.sequence.len() == 1;
        let next = if keep_last { plan.sequence.front().cloned() } else { plan.sequence.pop_front() };
        drop(plan);
        match (next, closure) {
            (Some(answer), _) => answer,
            (None, Some(closure)) => closure(call),
            (None, None) => Answer::status(200),
        }
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        if expected == "**" {
            return true;
        }
        match segments.next() {
            Some(segment) if expected == "*" || expected == segment => {}
            Some(_) | None => return false,
        }
    }
    segments.next().is_none()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body compressed with gzip.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory takes all bytes");
    encoder.finish().expect("memory takes all bytes")
}

/// A JSON answer of a few KiB that unpacks to `unpacked` bytes.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn gzip_bomb(unpacked: usize) -> Answer {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let block = [b' '; 8 << 10];
    let mut left = unpacked;
    while left > 0 {
        let part = left.min(block.len());
        encoder.write_all(block.get(..part).unwrap_or_default()).expect("memory takes all bytes");
        left -= part;
    }
    let body = encoder.finish().expect("memory takes all bytes");
    Answer::status(200)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(body)
}
