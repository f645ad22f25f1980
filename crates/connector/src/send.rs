//! The attempt loop: authenticate, pass the door, judge the answer, try again (saas-config 13.10–13.16).

mod error;
mod write;

use egress::{HttpReply, HttpRequest, Retry};
use model::{CallStats, Effect, IncompleteReason};

pub use error::CallError;
pub use write::{WriteAnswer, WriteEnd};

use crate::auth::{AuthError, Draft};
use crate::build::Prepared;
use crate::connector::Connector;
use crate::retry::{default_wait, file_says_again, is_transient, meant_status, wait_after};

/// What a call brought.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    /// An answer that was accepted.
    Accepted(T),
    /// The application says that the thing is not there: a status under `gone`, or an ignored 404
    /// or 410 (architecture law 4).
    Gone,
    /// Any other ignored status: nothing is known.
    Ignored(u16),
}

/// An answer with a good status that the caller cannot use: not JSON, an expected key missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// How the reading is incomplete if it stays so.
    pub(crate) reason: IncompleteReason,
    /// What is wrong with the answer; no personal data.
    pub(crate) problem: String,
    /// Whether another attempt can help.
    pub(crate) retry: Retry,
}

/// An attempt that did not bring what was asked for.
struct Failure {
    error: CallError,
    again: bool,
    /// The answer, if there was one: it may say how long to wait.
    reply: Option<HttpReply>,
}

impl Connector {
    /// Sends `prepared` until an answer is accepted or all attempts are used.
    ///
    /// `accept` looks at each answer with a good status; what it rejects counts as a failed attempt
    /// of the same budget. `stats` counts every attempt, also those of a call that fails.
    pub(crate) async fn call<T, F>(
        &self,
        prepared: &Prepared,
        stats: &mut CallStats,
        accept: F,
    ) -> Result<Answer<T>, CallError>
    where
        F: Fn(HttpReply) -> Result<T, Rejected> + Send,
    {
        if prepared.shared().effect == Effect::Write {
            return Err(CallError::Write { place: prepared.place().to_owned() });
        }
        let attempts = self.settings().attempts.max(1);
        let mut attempt = 1;
        loop {
            let failure =
                match (Attempt { connector: self, prepared, number: attempt }).run(stats, &accept).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => *failure,
                };
            if !failure.again || attempt >= attempts {
                return Err(failure.error);
            }
            let wait = match &failure.reply {
                Some(reply) => wait_after(self.settings(), attempt, reply, self.clock().now()),
                None => default_wait(self.settings(), attempt),
            };
            if failure.reply.is_some_and(|reply| meant_status(&reply) == 429) {
                stats.rate_limit_wait += wait;
            }
            tracing::debug!(
                connection = %self.connection().key, place = prepared.place(), attempt, reason = %failure.error.summary(),
                wait_ms = wait.as_millis() as u64, "request will be tried again"
            );
            self.clock().sleep(wait).await;
            attempt += 1;
        }
    }

    /// The request of one attempt, authenticated (saas-config 6.1).
    async fn authenticated(&self, prepared: &Prepared) -> Result<HttpRequest, AuthError> {
        let shared = prepared.shared();
        let mut draft = Draft {
            url: prepared.url().clone(),
            headers: shared.headers.clone(),
            body: shared.body.clone(),
            redact: Vec::new(),
        };
        self.authenticate(&shared.client, &shared.method, &mut draft).await?;
        let connection = self.connection().key.clone();
        let mut request = draft.into_request(connection, shared.endpoint.clone(), shared.method.clone());
        request.effect = shared.effect;
        request.limits.clone_from(&shared.limits);
        request.redirect_hosts = self.own_hosts().clone();
        request.allowed_hosts = self.allowed_hosts().clone();
        if self.door().heeds_hints() {
            let redact = std::mem::take(&mut request.recording.redact);
            request.recording = shared.recording.clone();
            request.recording.redact.extend(redact);
        }
        Ok(request)
    }
}

/// One attempt of a call.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    connector: &'a Connector,
    prepared: &'a Prepared,
    /// Counted from 1.
    number: u32,
}

impl Attempt<'_> {
    async fn run<T, F>(self, stats: &mut CallStats, accept: &F) -> Result<Answer<T>, Box<Failure>>
    where
        F: Fn(HttpReply) -> Result<T, Rejected>,
    {
        let connection = &self.connector.connection().key;
        let request = self.connector.authenticated(self.prepared).await.map_err(|source| {
            let again = source.retry() == Retry::Yes;
            let error = CallError::Authentication { connection: connection.clone(), source };
            Box::new(Failure { error, again, reply: None })
        })?;
        let reply = self.connector.door().send(request).await.map_err(|source| {
            self.count(stats, error::reached_the_wire(&source));
            let again = source.retry() == Retry::Yes;
            let error = CallError::Connection { connection: connection.clone(), source };
            Box::new(Failure { error, again, reply: None })
        })?;
        self.count(stats, true);
        stats.rate_limit_wait += reply.rate_limit_wait;
        self.judge(reply, accept)
    }

    fn judge<T, F>(self, reply: HttpReply, accept: &F) -> Result<Answer<T>, Box<Failure>>
    where
        F: Fn(HttpReply) -> Result<T, Rejected>,
    {
        let (shared, status) = (self.prepared.shared(), meant_status(&reply));
        let (place, attempts) = (|| self.prepared.place().to_owned(), self.number);
        let failing = || CallError::Status { place: place(), host: shared.client.host(), status, attempts };
        if self.prepared.means_unavailable(status) {
            return Err(Box::new(Failure { error: failing(), again: false, reply: None }));
        }
        if shared.gone.contains(&status) {
            return Ok(Answer::Gone);
        }
        if shared.ignore.covers(status) {
            return Ok(if matches!(status, 404 | 410) { Answer::Gone } else { Answer::Ignored(status) });
        }
        let asked = file_says_again(shared.retry.as_ref(), &reply);
        if status >= 400 {
            let again = asked || is_transient(status);
            return Err(Box::new(Failure { error: failing(), again, reply: Some(reply) }));
        }
        if asked {
            let error = CallError::NeverReady { place: place(), status, attempts };
            return Err(Box::new(Failure { error, again: true, reply: Some(reply) }));
        }
        accept(reply).map(Answer::Accepted).map_err(|Rejected { reason, problem, retry }| {
            let error = CallError::Unusable { place: place(), problem, reason, attempts };
            Box::new(Failure { error, again: retry == Retry::Yes, reply: None })
        })
    }

    fn count(self, stats: &mut CallStats, on_the_wire: bool) {
        if on_the_wire {
            stats.requests += 1;
            stats.retries += u64::from(self.number > 1);
        }
    }
}

#[cfg(test)]
mod tests;
