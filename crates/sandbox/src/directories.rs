//! Simulated vendors whose lists of people, teams and access can be read and changed.
//!
//! Each tells under `GET /__sandbox/governance` what an inventory of it has to contain, in the shape of the
//! simulated Segment's, and under `GET /__sandbox/log` what it was asked.

mod github;
mod pagerduty;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Clock, SystemClock};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::spoil;
use crate::governance::GovernanceTruth;
use crate::log::{CallLog, LogEffect, LogEntry, inspection_body};
use crate::rules::FaultRules;
use crate::segment::limits::{LimitRule, Limiter, Usage};
use crate::server::{Answer, Call, Handler, Server};
use crate::{Fault, FaultRule, Random};

use github::GitHub;
use pagerduty::PagerDuty;

/// Which vendor is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// An organisation with nested teams and repositories: page links in the `Link` header.
    GitHub,
    /// An account with teams: offset, limit and `more`.
    PagerDuty,
}

/// How a vendor is set up.
#[derive(Debug, Clone)]
pub struct DirectoryOptions {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Ids and tokens follow from it.
    pub seed: u64,
    /// Number of people.
    pub people: usize,
    /// Most entries of one page, whatever the client asks for, so that few entries show paging.
    pub page_entries: usize,
    /// Calls that are allowed in a window of time (GitHub: an hour, PagerDuty: a minute).
    pub calls: u64,
    /// Time of these windows.
    pub clock: Arc<dyn Clock>,
    /// Whether GitHub's list of a team says of each of its people whether they are of a team below. Without it,
    /// as before version 2026-03-10 of the interface, nothing tells the two apart.
    pub tells_inherited: bool,
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            people: 14,
            page_entries: 5,
            calls: 5000,
            clock: Arc::new(SystemClock),
            tells_inherited: true,
        }
    }
}

/// A running simulated vendor. Dropping it closes the port.
#[derive(Debug)]
pub struct DirectorySandbox {
    server: Server,
    desk: Arc<Desk>,
}

impl DirectorySandbox {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// The port is taken or may not be used.
    pub async fn start(directory: Directory, options: DirectoryOptions) -> io::Result<Self> {
        let port = options.port;
        let desk = Arc::new(Desk::new(directory, options));
        let server = Server::start(port, Arc::clone(&desk) as _).await?;
        Ok(Self { server, desk })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The vendor's real host, to be routed here.
    pub fn host(&self) -> &'static str {
        self.desk.directory.host()
    }

    /// The token that is accepted.
    pub fn token(&self) -> &str {
        &self.desk.token
    }

    /// What an inventory of access has to contain, as `GET /__sandbox/governance` tells it.
    pub fn governance_truth(&self) -> GovernanceTruth {
        self.desk.world().truth()
    }

    /// What it was asked and what it changed, as `GET /__sandbox/log` tells it.
    pub fn log(&self) -> Value {
        self.desk.log_as_json()
    }

    /// Faults for chosen calls, as `POST /__sandbox/rules` sets them.
    pub fn set_rules(&self, rules: Vec<FaultRule>) {
        self.desk.rules.set(rules);
    }

    /// Back to the start, as `POST /__sandbox/reset` does.
    pub fn reset(&self) {
        self.desk.reset();
    }
}

impl Directory {
    /// The vendor's real host.
    pub fn host(self) -> &'static str {
        match self {
            Self::GitHub => "api.github.com",
            Self::PagerDuty => "api.pagerduty.com",
        }
    }

    fn limit(self, calls: u64) -> LimitRule {
        match self {
            Self::GitHub => LimitRule::new("github", calls, 3600),
            Self::PagerDuty => LimitRule::new("pagerduty", calls, 60),
        }
    }

    fn is_token(self, call: &Call, token: &str) -> bool {
        let given = call.header("authorization").unwrap_or_default();
        match self {
            // The older scheme `token` is as good.
            Self::GitHub => call.bearer_token() == Some(token) || given.strip_prefix("token ") == Some(token),
            Self::PagerDuty => given.strip_prefix("Token token=") == Some(token),
        }
    }
}

/// What stands between a call and the vendor's world.
#[derive(Debug)]
struct Desk {
    directory: Directory,
    options: DirectoryOptions,
    token: String,
    world: Mutex<World>,
    limiter: Mutex<Limiter>,
    rules: FaultRules,
    log: Mutex<CallLog>,
}

#[derive(Debug)]
enum World {
    GitHub(GitHub),
    PagerDuty(PagerDuty),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesChange {
    rules: Vec<FaultRule>,
}

impl World {
    fn new(directory: Directory, options: &DirectoryOptions) -> Self {
        match directory {
            Directory::GitHub => Self::GitHub(GitHub::new(options)),
            Directory::PagerDuty => Self::PagerDuty(PagerDuty::new(options)),
        }
    }

    fn truth(&self) -> GovernanceTruth {
        match self {
            Self::GitHub(github) => github.truth(),
            Self::PagerDuty(pagerduty) => pagerduty.truth(),
        }
    }

    fn answer(&mut self, call: &Call) -> Answer {
        match self {
            Self::GitHub(github) => github::answer(github, call),
            Self::PagerDuty(pagerduty) => pagerduty::answer(pagerduty, call),
        }
    }
}

impl Desk {
    fn new(directory: Directory, options: DirectoryOptions) -> Self {
        let mut random = Random::named(options.seed, directory.host());
        let token = match directory {
            Directory::GitHub => format!("ghp_{}", random.letters(36)),
            Directory::PagerDuty => random.letters(20),
        };
        Self {
            directory,
            token,
            world: Mutex::new(World::new(directory, &options)),
            limiter: Mutex::default(),
            rules: FaultRules::default(),
            log: Mutex::default(),
            options,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    fn reset(&self) {
        *self.world() = World::new(self.directory, &self.options);
        *lock(&self.limiter) = Limiter::default();
        *lock(&self.log) = CallLog::default();
        self.rules.set(Vec::new());
    }

    fn log_as_json(&self) -> Value {
        let log = lock(&self.log);
        json!({"writes": log.writes(), "calls": log.entries().collect::<Vec<&LogEntry>>()})
    }

    /// Calls of ours, which need no token.
    fn inspect(&self, call: &Call) -> Answer {
        match (call.method.as_str(), call.path.as_str()) {
            ("GET", "/__sandbox/governance") => self.world().truth().answer(call),
            ("GET", "/__sandbox/log") => Answer::json(200, &self.log_as_json()),
            ("POST", "/__sandbox/rules") => inspection_body(call, |change: RulesChange| {
                let answer = json!({"rules": change.rules});
                self.rules.set(change.rules);
                Ok(answer)
            }),
            ("POST", "/__sandbox/reset") => {
                self.reset();
                Answer::json(200, &json!({}))
            }
            _ => Answer::json(
                404,
                &json!({
                    "error": "no such inspection call",
                    "calls": [
                        "GET /__sandbox/governance", "GET /__sandbox/log", "POST /__sandbox/rules",
                        "POST /__sandbox/reset",
                    ],
                }),
            ),
        }
    }

    /// The answer to a call that came through, with what is left of the limit.
    fn reached(&self, call: &Call) -> Answer {
        if !self.directory.is_token(call, &self.token) {
            return match self.directory {
                Directory::GitHub => github::error(401, "Bad credentials"),
                Directory::PagerDuty => Answer::text(401, "Access Denied"),
            };
        }
        let now = self.options.clock.now();
        let usage = lock(&self.limiter).count(self.directory.limit(self.options.calls), &self.token, now);
        let answer = match usage.wait {
            Some(_) => self.limited(),
            None => self.world().answer(call),
        };
        self.with_usage(answer, usage)
    }

    fn limited(&self) -> Answer {
        match self.directory {
            // The limit of an hour is told as 403, unlike that of many calls at once.
            Directory::GitHub => github::error(403, "API rate limit exceeded"),
            Directory::PagerDuty => pagerduty::error(429, 2020, "Rate Limit Exceeded"),
        }
    }

    fn with_usage(&self, answer: Answer, usage: Usage) -> Answer {
        let (limit, remaining) = (self.options.calls.to_string(), usage.remaining.to_string());
        match self.directory {
            Directory::GitHub => answer
                .header("x-ratelimit-limit", limit)
                .header("x-ratelimit-remaining", remaining)
                .header("x-ratelimit-used", usage.consumed.to_string())
                .header("x-ratelimit-reset", usage.reset.as_second().to_string())
                .header("x-ratelimit-resource", "core"),
            Directory::PagerDuty => {
                let seconds = usage.reset.duration_since(self.options.clock.now()).as_secs().max(0);
                answer
                    .header("ratelimit-limit", limit)
                    .header("ratelimit-remaining", remaining)
                    .header("ratelimit-reset", seconds.to_string())
            }
        }
    }

    /// What a fault does before any effect; `None` if it comes later.
    fn answer_before(&self, fault: Fault) -> Option<Answer> {
        let many = || match self.directory {
            Directory::GitHub => github::error(429, "You have exceeded a secondary rate limit"),
            Directory::PagerDuty => pagerduty::error(429, 2020, "Rate Limit Exceeded"),
        };
        match fault {
            Fault::Rate429 => Some(many().header("retry-after", "1")),
            Fault::Rate429Body | Fault::Rate429Bare => Some(many()),
            Fault::Rate500 => Some(Answer::html(500, "<html><body>Server Error</body></html>")),
            Fault::ResetBefore => Some(Answer::reset()),
            Fault::HoldBefore => Some(Answer::status(200)),
            Fault::ResetAfter
            | Fault::Truncated
            | Fault::Malformed
            | Fault::ErrorAfter
            | Fault::MissingKey
            | Fault::HoldAfter => None,
        }
    }
}

impl Handler for Desk {
    fn answer(&self, call: Call) -> Answer {
        if call.path.starts_with("/__sandbox/") {
            return self.inspect(&call);
        }
        let fault = self.rules.meet(&call);
        let before = fault.and_then(|fault| self.answer_before(fault));
        let reached = before.is_none();
        let answer = before.unwrap_or_else(|| self.reached(&call));
        let effect = LogEffect::of(&call, reached.then_some(&answer));
        let answer = spoil(answer, fault);
        lock(&self.log).push(LogEntry::new(self.directory.host(), &call, effect).answered(&answer, fault));
        answer
    }
}

/// The decoded segments of a path.
fn segments(call: &Call) -> Vec<String> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    call.path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
