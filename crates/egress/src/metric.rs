//! Names of what the door counts. Labels are connections' keys and a few fixed words, never hosts,
//! paths or people.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Counter, Histogram};
use model::ConnectionKey;

use crate::{HttpReply, SendError};

/// Calls, by connection and result: the class of the status (`2xx`), or `failed`.
pub const CALLS: &str = "tutela_outgoing_calls_total";
/// How long calls took, waiting for rate limits not counted.
pub const DURATION: &str = "tutela_outgoing_call_duration_seconds";
/// How long calls waited for rate limits, those that did.
pub const WAIT: &str = "tutela_outgoing_wait_seconds";

/// What is counted of each connection. The counters are looked up once, when first needed: before that a
/// connection has no numbers.
#[derive(Default)]
pub(crate) struct Metrics {
    connections: RwLock<HashMap<ConnectionKey, Arc<Counters>>>,
}

/// The counters of one connection.
#[derive(Default)]
struct Counters {
    calls: [OnceLock<Counter>; RESULTS.len()],
    duration: OnceLock<Histogram>,
    wait: OnceLock<Histogram>,
}

/// The results that are told apart.
const RESULTS: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "failed"];

impl Metrics {
    /// Counts one call.
    pub(crate) fn count(
        &self,
        connection: &ConnectionKey,
        (waited, took): (Duration, Duration),
        result: &Result<HttpReply, SendError>,
    ) {
        let result = match result {
            Ok(reply) => class(reply.status),
            Err(_) => "failed",
        };
        let counters = self.of(connection);
        let calls = RESULTS.iter().zip(&counters.calls).find(|(name, _)| **name == result);
        if let Some((_, calls)) = calls {
            let new = || metrics::counter!(CALLS, "connection" => connection.to_string(), "result" => result);
            calls.get_or_init(new).increment(1);
        }
        let new = || metrics::histogram!(DURATION, "connection" => connection.to_string());
        counters.duration.get_or_init(new).record(took);
        if !waited.is_zero() {
            let new = || metrics::histogram!(WAIT, "connection" => connection.to_string());
            counters.wait.get_or_init(new).record(waited);
        }
    }

    fn of(&self, connection: &ConnectionKey) -> Arc<Counters> {
        // A poisoned lock only means that a thread died while reading or inserting: the map is whole.
        if let Some(found) = self.connections.read().unwrap_or_else(PoisonError::into_inner).get(connection) {
            return Arc::clone(found);
        }
        let mut connections = self.connections.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(connections.entry(connection.clone()).or_default())
    }
}

/// The counters themselves say nothing.
impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_counter_of_its_own() {
        let classes = [100, 204, 301, 404, 503, 999].map(class);

        assert_eq!(classes, ["1xx", "2xx", "3xx", "4xx", "5xx", "5xx"]);
        assert!(classes.iter().all(|class| RESULTS.contains(class)));
    }
}
