use std::net::SocketAddr;
use std::time::Duration;

use api::Telemetry;
use axum::Router;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::net::TcpListener;

use super::process;
use crate::failure::Failure;

/// Seconds; from a call that only looks to one that waits for an application.
const BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

/// How often durations that were counted are sorted into buckets.
const SORT_EVERY: Duration = Duration::from_secs(5);

/// Begins to count in this process. Needs a runtime. In a process that counts already, the first who
/// asked tells the numbers.
pub(crate) fn start() -> Telemetry {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
        .expect("there are buckets")
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        return Telemetry::default();
    }
    describe();
    // What is counted lies in a heap until somebody sorts it, whether or not anybody looks.
    let sorting = handle.clone();
    tokio::spawn(async move {
        let mut sort = tokio::time::interval(SORT_EVERY);
        loop {
            sort.tick().await;
            sorting.run_upkeep();
        }
    });
    Telemetry::new(move || {
        process::look();
        handle.render()
    })
}

fn describe() {
    use api::metric as http;
    use egress::metric as out;
    describe_counter!(http::CALLS, "Calls, by method, path of the document and status");
    describe_histogram!(http::DURATION, Unit::Seconds, "How long calls took, by method");
    describe_gauge!(http::PRIVACY_REQUESTS, "Privacy requests, by status");
    describe_gauge!(http::QUEUE, "Privacy requests that are due, by whether a worker has them");
    describe_gauge!(http::WORKERS, "Workers that were seen lately");
    describe_gauge!(http::SLOTS, "Requests that workers can take at once, and that they have");
    describe_gauge!(http::AUDIT_WAITING, "Entries of the audit log that are not signed yet");
    describe_gauge!(http::DATABASE, "Connections to the database, by kind and use");
    describe_gauge!(http::BUILD, "1 with the program's version");
    describe_counter!(out::CALLS, "Calls to applications, by connection and class of the status");
    describe_histogram!(out::DURATION, Unit::Seconds, "How long calls to applications took, by connection");
    describe_histogram!(out::WAIT, Unit::Seconds, "How long calls waited for rate limits, by connection");
    process::describe();
}

/// A port where `/metrics` answers whoever asks; none if the settings name none.
pub(crate) struct MetricsPort(Option<TcpListener>);

impl MetricsPort {
    /// Opens it.
    ///
    /// # Errors
    /// A failure if the port is taken.
    pub(crate) async fn open(address: Option<SocketAddr>) -> Result<Self, Failure> {
        let Some(address) = address else { return Ok(Self(None)) };
        TcpListener::bind(address).await.map(|listener| Self(Some(listener))).map_err(|error| {
            Failure::Failed(format!(
                "{address} cannot be listened on: {error}; name another as `telemetry.metrics_listen`"
            ))
        })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> Option<String> {
        let address = self.0.as_ref()?.local_addr().ok()?;
        Some(format!("http://{address}/metrics"))
    }

    /// Answers without end.
    pub(crate) async fn serve(self, router: Router) {
        let Some(listener) = self.0 else { return };
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "numbers are not told any more");
        }
    }
}
