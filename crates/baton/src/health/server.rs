use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::TcpListener;

use super::{Health, HealthAnswer, HealthEndpoint, HealthStatus, Readiness};

/// The port on which a connector in service mode tells its health (baton C-18).
#[derive(Debug)]
pub struct HealthServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl HealthServer {
    /// Opens the port.
    ///
    /// # Errors
    /// [`HealthServerError`] if it is taken.
    pub async fn open(address: SocketAddr) -> Result<Self, HealthServerError> {
        let refused = |source| HealthServerError { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `end` completes.
    pub async fn serve(self, health: Health, end: impl Future<Output = ()> + Send + 'static) {
        let router = Router::new()
            .route(HealthEndpoint::Health.path(), get(health_answer))
            .route(HealthEndpoint::Ready.path(), get(ready_answer))
            .route(HealthEndpoint::Live.path(), get(live_answer))
            .with_state(health);
        if let Err(error) = axum::serve(self.listener, router).with_graceful_shutdown(end).await {
            tracing::error!(%error, "health is not told any more");
        }
    }
}

async fn health_answer(State(health): State<Health>) -> (StatusCode, Json<HealthAnswer>) {
    let found = health.validate().await;
    answer(found.at, ("application", found.valid.err()))
}

async fn ready_answer(State(health): State<Health>) -> (StatusCode, Json<HealthAnswer>) {
    let wrong = match health.readiness() {
        Readiness::Ready => None,
        Readiness::NotReady => Some("the work has not begun".to_owned()),
    };
    answer(health.now(), ("connector", wrong))
}

async fn live_answer(State(health): State<Health>) -> (StatusCode, Json<HealthAnswer>) {
    answer(health.now(), ("process", None))
}

/// 200, or 503 with what is wrong.
fn answer(at: Timestamp, (about, wrong): (&str, Option<String>)) -> (StatusCode, Json<HealthAnswer>) {
    let (code, status) = match wrong {
        None => (StatusCode::OK, HealthStatus::Healthy),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, HealthStatus::Unhealthy),
    };
    let details = BTreeMap::from([(about.to_owned(), wrong.unwrap_or_else(|| "well".to_owned()))]);
    (code, Json(HealthAnswer { status, timestamp: at.to_string(), details }))
}

/// A port that cannot be opened.
#[derive(Debug, Error)]
#[error(
    "health cannot be told at {address}: {source}; choose another `health-check-port` or `health-check-bind-address`"
)]
pub struct HealthServerError {
    address: SocketAddr,
    #[source]
    source: std::io::Error,
}
