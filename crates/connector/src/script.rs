//! Functions of a script in place of a request (architecture §5, `script`).
//!
//! A script runs in turns: it goes on until it asks for something, stops, and starts anew with the
//! answer. So nothing waits inside of it: turns run on the threads for blocking work, and what it asks
//! for is done here, through the door like any other read.

mod context;
mod error;
mod fetch;
mod learned;
mod paging;
mod signature;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use model::{CallStats, Row};
use serde_json::Value;
use spec::connector_file::{Request, ScriptHook};
use spec::script::{Ask, ScriptCall, ScriptHostError, Step};

pub use error::HookError;
pub(crate) use learned::Learned;
pub(crate) use paging::{ScriptPaging, Turned};

use crate::connector::Connector;

/// How long one call of a function may compute, waiting for answers not counted.
const LONGEST: Duration = Duration::from_secs(10);

/// Members of the context that may speak of the person without being an identity.
const UNDECLARED: &[&str] = &["privacy_request", "custom_fields"];

/// One call of a function, to its end.
pub(crate) struct HookCall<'a> {
    pub(crate) connector: &'a Connector,
    /// The request in whose place it stands.
    pub(crate) request: &'a Request,
    pub(crate) hook: &'a ScriptHook,
    /// Name of the endpoint, for budgets and messages.
    pub(crate) endpoint: &'a str,
    /// Values of the person: a recording replaces them.
    pub(crate) personal: Vec<String>,
    /// What it learned besides.
    pub(crate) learned: Learned,
    /// The first failing status, other than "not there", that it took for an answer.
    pub(crate) ignored: Option<u16>,
}

impl<'a> HookCall<'a> {
    /// A call that knows nothing yet.
    pub(crate) fn new(
        connector: &'a Connector,
        request: &'a Request,
        (hook, endpoint): (&'a ScriptHook, &'a str),
        personal: Vec<String>,
    ) -> Self {
        Self { connector, request, hook, endpoint, personal, learned: Learned::default(), ignored: None }
    }

    /// Runs the function with `context` and these further arguments; `stats` counts its reads.
    ///
    /// # Errors
    /// [`HookError`] with the place in the script.
    ///
    /// # Cancel safety
    /// Dropping the future gives up one read, and the script stops at its next look at the time.
    pub(crate) async fn run(
        &mut self,
        mut context: Row,
        more: impl IntoIterator<Item = Value> + Send,
        stats: &mut CallStats,
    ) -> Result<Value, HookError> {
        let more: Vec<Value> = more.into_iter().collect();
        let connection = self.connector.connection();
        for value in &more {
            context::check_argument((connection, self.request), value)?;
        }
        context::check(&self.request.place, &Value::Object(context.clone()))?;
        context.insert("secrets".to_owned(), context::secrets(connection).into());
        let records = self.connector.records();
        for data in UNDECLARED.iter().filter(|_| records).filter_map(|name| context.get(*name)) {
            self.learned.add(data);
        }
        let arguments = std::iter::once(Value::Object(context)).chain(more).collect();
        let mut turn = Turn::new(self.connector, self.hook, arguments);
        loop {
            let (next, step) = turn.run().await?;
            turn = next;
            let (ask, place) = match step {
                Step::Done(value) => return Ok(value),
                Step::Ask { ask, line, column } => (ask, (line, column)),
            };
            let answer = match ask {
                Ask::Fetch(request) => self.fetch(request, place, stats).await?,
                Ask::Hmac { .. } => {
                    let problem = ScriptHostError::NotHere { function: "hmac_sha256" };
                    return Err(self.hook.stopped(problem, place).into());
                }
            };
            context::check(&self.request.place, &answer)?;
            if records {
                self.learned.add(&answer);
            }
            turn.answers.push(answer);
        }
    }
}

/// The state of a function between two answers.
struct Turn {
    connector: Connector,
    hook: ScriptHook,
    arguments: Vec<Value>,
    answers: Vec<Value>,
    /// How long it computed so far.
    used: Duration,
}

impl Turn {
    fn new(connector: &Connector, hook: &ScriptHook, arguments: Vec<Value>) -> Self {
        let (connector, hook) = (connector.clone(), hook.clone());
        Self { connector, hook, arguments, answers: Vec::new(), used: Duration::ZERO }
    }

    /// Goes on to the next thing that the function asks for.
    async fn run(mut self) -> Result<(Self, Step), HookError> {
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let is_wanted = Arc::clone(&wanted.0);
        let ended = tokio::task::spawn_blocking(move || {
            let started = self.connector.clock().now();
            let left = LONGEST.saturating_sub(self.used);
            let is_out_of_time = || {
                let clock = self.connector.clock();
                !is_wanted.load(Ordering::Relaxed) || since(started, clock.now()) > left
            };
            let call = ScriptCall::new(self.hook.function(), &self.arguments);
            let step = self.hook.script().step(call, &self.answers, &is_out_of_time);
            self.used += since(started, self.connector.clock().now());
            (self, step)
        });
        let (turn, step) = ended.await.map_err(|_| HookError::Ended)?;
        Ok((turn, step?))
    }
}

/// Tells the script that nobody waits for it any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The time from `started` to `now`; none if the clock went back.
fn since(started: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(started).try_into().unwrap_or_default()
}
