//! When to try again, and how long to wait (saas-config 13.11, architecture §13.15).

use std::time::Duration;

use egress::HttpReply;
use jiff::Timestamp;
use model::Row;
use serde_json::Value;
use spec::connector_file::Retry;

use crate::settings::Settings;

/// Whether this status is always tried again.
pub(crate) fn is_transient(status: u16) -> bool {
    status == 429 || status >= 500
}

/// The status that an answer has in effect: a refusal that tells of a limit is what most applications say by 429. Taken
/// as 403 it would mean that the credentials do not suffice.
pub(crate) fn meant_status(reply: &HttpReply) -> u16 {
    if reply.is_limit() { 429 } else { reply.status }
}

/// Whether the file's own `retry` says "try again" about this answer.
///
/// A condition that cannot be evaluated on this answer (a member that is not there) does not hold.
pub(crate) fn file_says_again(retry: Option<&Retry>, reply: &HttpReply) -> bool {
    let Some(retry) = retry else { return false };
    if retry.statuses.contains(&reply.status) {
        return true;
    }
    let Some(when) = &retry.when else { return false };
    when.evaluate(&variables(reply)).unwrap_or_else(|_| {
        tracing::debug!(status = reply.status, "retry condition does not apply to this answer");
        false
    })
}

/// `status`, `headers` (names in lower case) and `body` (JSON, else text) for a condition.
fn variables(reply: &HttpReply) -> Row {
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
    let headers: Row = reply
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect();
    let body = serde_json::from_slice(&reply.body).unwrap_or_else(|_| text(&reply.body));
    Row::from_iter([
        ("status".to_owned(), reply.status.into()),
        ("headers".to_owned(), Value::Object(headers)),
        ("body".to_owned(), body),
    ])
}

/// The wait after attempt `attempt` (counted from 1): 2, 4, 8 seconds by default.
pub(crate) fn default_wait(settings: &Settings, attempt: u32) -> Duration {
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    settings.retry_wait.saturating_mul(factor)
}

/// The wait after an answer: what it asks for, else the default of this attempt.
///
/// Only 429 is asked for the reset time of its window: other answers carry that as news.
pub(crate) fn wait_after(settings: &Settings, attempt: u32, reply: &HttpReply, now: Timestamp) -> Duration {
    let asks = meant_status(reply) == 429 || reply.headers.contains_key(http::header::RETRY_AFTER);
    let asked = if asks { reply.retry_after(now) } else { None };
    asked.map_or_else(|| default_wait(settings, attempt), |wait| wait.min(settings.max_retry_after))
}
