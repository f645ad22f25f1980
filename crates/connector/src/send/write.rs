//! Sending one write, once (architecture laws 2, 3).

use std::time::Duration;

use crypto::Secret;
use egress::{HttpReply, Retry, SendError, TimeoutPhase, WritePermit};
use model::{Effect, IncompleteReason, text_form};
use serde_json::Value;
use spec::connector_file::Request;

use super::{CallError, error};
use crate::build::{Build, BuildError};
use crate::connector::Connector;
use crate::postprocessor;
use crate::response::look_up;
use crate::retry::{file_says_again, meant_status};
use crate::values::ValueMap;
use crate::writes::WriteRequest;

/// What became of one write.
#[derive(Debug)]
pub struct WriteAnswer {
    /// How it ended.
    pub end: WriteEnd,
    /// Texts of `extract_for_execution_log` (saas-config 20.11); they may hold personal data.
    pub messages: Vec<String>,
    /// How long it waited for budgets.
    pub rate_limit_wait: Duration,
}

/// How a write ended.
#[derive(Debug)]
pub enum WriteEnd {
    /// The application took it. With `track` it started the job of this id.
    Taken {
        /// The status.
        status: u16,
        /// Id of the job to follow.
        job_id: Option<String>,
    },
    /// The thing was not there: a status under `gone`, or an ignored 404 or 410.
    Absent {
        /// The status.
        status: u16,
    },
    /// Another status that `ignore_errors` lets pass: not done, and no reason to stop.
    Ignored {
        /// The status.
        status: u16,
    },
    /// The application refused it: it had no effect.
    Refused {
        /// The status.
        status: u16,
        /// Whether the same write may be taken later, with a new permit.
        retry: Retry,
        /// How long the application asks to wait.
        wait: Option<Duration>,
    },
    /// It never left: it had no effect.
    NotSent(CallError),
    /// Nobody knows whether it had an effect. It must not be sent again before that is known.
    Unknown(CallError),
}

impl Connector {
    /// Sends `write`, which was prepared from `request`, with `permit`. Once: whatever happens, no
    /// second attempt is made here.
    ///
    /// A failing status is believed only if it says that nothing was done: a status of 500 or more
    /// may come after the effect, and so may a connection that breaks off.
    ///
    /// # Cancel safety
    /// Dropping the future while it waits for the answer leaves the write's fate unknown.
    pub async fn send_write(
        &self,
        write: &WriteRequest,
        request: &Request,
        permit: WritePermit,
    ) -> WriteAnswer {
        self.send_write_asking(write, request, (permit, None)).await
    }

    /// The same with the token that the application is to bring when it answers later (saas-config 23.6).
    ///
    /// # Cancel safety
    /// As that of [`Connector::send_write`].
    pub async fn send_write_asking(
        &self,
        write: &WriteRequest,
        request: &Request,
        (permit, token): (WritePermit, Option<&Secret<String>>),
    ) -> WriteAnswer {
        let not_sent = |error: CallError| WriteAnswer {
            end: WriteEnd::NotSent(error),
            messages: Vec::new(),
            rate_limit_wait: Duration::ZERO,
        };
        let connection = self.connection();
        let values = ValueMap::new();
        let build = Build { connection, endpoint: &write.endpoint, request, params: &[], values: &values };
        let fits = write.place == request.place && request.effect == Effect::Write;
        let token = token.map(|token| token.expose().as_str());
        let restored = write.restore_with(connection, token).filter(|_| fits);
        let prepared = match restored.map(|parts| build.restore(parts)) {
            Some(Ok(prepared)) => prepared,
            Some(Err(error)) => return not_sent(error.into()),
            None => return not_sent(BuildError::Changed { place: write.place.clone() }.into()),
        };
        let mut http = match self.authenticated(&prepared).await {
            Ok(http) => http,
            Err(source) => {
                return not_sent(CallError::Authentication { connection: connection.key.clone(), source });
            }
        };
        http.permit = Some(permit);
        match self.door().send(http).await {
            Ok(reply) => WriteAnswer {
                messages: messages(request, &reply),
                rate_limit_wait: reply.rate_limit_wait,
                end: self.judge_write(request, &prepared.shared().client.host(), &reply),
            },
            Err(source) => {
                let arrived = may_have_arrived(&source);
                let error = CallError::Connection { connection: connection.key.clone(), source };
                let answer = not_sent(error);
                match answer.end {
                    WriteEnd::NotSent(error) if arrived => {
                        WriteAnswer { end: WriteEnd::Unknown(error), ..answer }
                    }
                    end => WriteAnswer { end, ..answer },
                }
            }
        }
    }

    fn judge_write(&self, request: &Request, host: &str, reply: &HttpReply) -> WriteEnd {
        let status = meant_status(reply);
        if request.gone.contains(&status) {
            return WriteEnd::Absent { status };
        }
        if status >= 500 || status == 408 {
            let place = request.place.clone();
            return WriteEnd::Unknown(CallError::Status {
                place,
                host: host.to_owned(),
                status,
                attempts: 1,
            });
        }
        if request.ignore_errors.covers(status) {
            return match status {
                404 | 410 => WriteEnd::Absent { status },
                _ => WriteEnd::Ignored { status },
            };
        }
        let again = file_says_again(request.retry.as_ref(), reply) || matches!(status, 425 | 429);
        if status >= 400 || again {
            let retry = if again { Retry::Yes } else { Retry::No };
            return WriteEnd::Refused { status, retry, wait: reply.retry_after(self.clock().now()) };
        }
        let tracked = request.track.as_ref().and_then(|track| track.id_path.as_ref());
        let polled = request.polling().and_then(|polling| polling.correlation_id_path.as_ref());
        let Some(path) = tracked.or(polled) else {
            return WriteEnd::Taken { status, job_id: None };
        };
        let json: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match look_up(path, &json).value().and_then(text_form).filter(|id| !id.is_empty()) {
            Some(job_id) => WriteEnd::Taken { status, job_id: Some(job_id) },
            None => WriteEnd::Unknown(CallError::Unusable {
                place: request.place.clone(),
                problem: format!("the answer does not name the job: there is no `{path}`"),
                reason: IncompleteReason::Malformed,
                attempts: 1,
            }),
        }
    }
}

fn messages(request: &Request, reply: &HttpReply) -> Vec<String> {
    let json = serde_json::from_slice::<Value>(&reply.body).ok();
    postprocessor::messages(&request.postprocessors, &reply.body, json.as_ref())
}

/// Whether the application may have seen the write. In doubt it may.
fn may_have_arrived(error: &SendError) -> bool {
    let is_before_the_request = matches!(
        error,
        SendError::Connect { .. }
            | SendError::Tls { .. }
            | SendError::Timeout { phase: TimeoutPhase::Connect, .. }
    );
    error::reached_the_wire(error) && !is_before_the_request
}

#[cfg(test)]
mod tests;
