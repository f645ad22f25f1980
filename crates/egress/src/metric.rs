//! Names of what the door counts. Labels are connections' keys and a few fixed words, never hosts,
//! paths or people.

use std::time::Duration;

use model::ConnectionKey;

use crate::{HttpReply, SendError};

/// Calls, by connection and result: the class of the status (`2xx`), or `failed`.
pub const CALLS: &str = "tutela_outgoing_calls_total";
/// How long calls took, waiting for rate limits not counted.
pub const DURATION: &str = "tutela_outgoing_call_duration_seconds";
/// How long calls waited for rate limits, those that did.
pub const WAIT: &str = "tutela_outgoing_wait_seconds";

/// Counts one call.
pub(crate) fn count(
    connection: &ConnectionKey,
    (waited, took): (Duration, Duration),
    result: &Result<HttpReply, SendError>,
) {
    let connection = connection.to_string();
    let result = match result {
        Ok(reply) => class(reply.status),
        Err(_) => "failed",
    };
    metrics::counter!(CALLS, "connection" => connection.clone(), "result" => result).increment(1);
    metrics::histogram!(DURATION, "connection" => connection.clone()).record(took);
    if !waited.is_zero() {
        metrics::histogram!(WAIT, "connection" => connection).record(waited);
    }
}

fn class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
