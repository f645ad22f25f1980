//! Names of what the interface counts, and of what is asked of the store when somebody looks. Labels
//! are paths as the document writes them, statuses and fixed words: never ids, names or people.

use std::time::Duration;

use http::Method;
use store::{PrivacyRequestStatus, Store, StoreError};

/// Calls, by method, path of the document and status.
pub const CALLS: &str = "tutela_http_requests_total";
/// How long calls took, by method.
pub const DURATION: &str = "tutela_http_request_duration_seconds";
/// Privacy requests, by status.
pub const PRIVACY_REQUESTS: &str = "tutela_privacy_requests";
/// Privacy requests that are due, by whether a worker has them (`waiting`, `held`).
pub const QUEUE: &str = "tutela_privacy_request_queue";
/// Workers that were seen lately.
pub const WORKERS: &str = "tutela_workers";
/// Requests that workers could take at once, and that they have (`all`, `busy`).
pub const SLOTS: &str = "tutela_worker_slots";
/// Entries of the audit log that are not numbered and signed yet.
pub const AUDIT_WAITING: &str = "tutela_audit_entries_waiting";
/// Connections to the database, by kind and whether they are in use (`busy`, `idle`).
pub const DATABASE: &str = "tutela_database_connections";
/// 1 with the program's version.
pub const BUILD: &str = "tutela_build_info";

/// The name of a method that the interface knows; callers may send any.
pub(crate) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts one call.
pub(crate) fn call(method: &'static str, path: String, status: u16, took: Duration) {
    let status = status.to_string();
    metrics::counter!(CALLS, "method" => method, "path" => path, "status" => status).increment(1);
    metrics::histogram!(DURATION, "method" => method).record(took);
}

/// Takes from the store what nobody counts along the way.
pub(crate) async fn look(store: &Store) -> Result<(), StoreError> {
    metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
    let counts = store.privacy_request_count_by_status().await?;
    for status in PrivacyRequestStatus::ALL.map(PrivacyRequestStatus::as_str) {
        let counted = counts.get(status).copied().unwrap_or_default();
        metrics::gauge!(PRIVACY_REQUESTS, "status" => status).set(counted as f64);
    }
    let (waiting, held) = store.privacy_request_queue().await?;
    metrics::gauge!(QUEUE, "state" => "waiting").set(waiting as f64);
    metrics::gauge!(QUEUE, "state" => "held").set(held as f64);
    let workers = store.worker_list(SEEN_WITHIN).await?;
    metrics::gauge!(WORKERS).set(workers.len() as f64);
    let sum =
        |of: fn(&store::WorkerReport) -> u64| workers.iter().map(|worker| of(&worker.report)).sum::<u64>();
    metrics::gauge!(SLOTS, "state" => "all").set(sum(|report| report.slots) as f64);
    metrics::gauge!(SLOTS, "state" => "busy").set(sum(|report| report.busy) as f64);
    metrics::gauge!(AUDIT_WAITING).set(store.audit_waiting().await? as f64);
    for pool in store.database_health().await?.pools {
        let busy = u64::from(pool.open).saturating_sub(pool.idle as u64);
        metrics::gauge!(DATABASE, "pool" => pool.name, "state" => "busy").set(busy as f64);
        metrics::gauge!(DATABASE, "pool" => pool.name, "state" => "idle").set(pool.idle as f64);
    }
    Ok(())
}

/// A worker that said nothing for so long is taken for gone.
pub(crate) const SEEN_WITHIN: Duration = Duration::from_secs(30);
