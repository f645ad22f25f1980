//! Whether the server works; outside `/api/v1`, for anyone.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use store::{DatabaseHealth, StoreError};
use utoipa::ToSchema;

use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(database))
        .routes(routes!(ready))
        .routes(routes!(live))
}

/// How long the database may take to answer a server that wants calls.
const READY_TIME: Duration = Duration::from_secs(2);

/// Whether calls should be sent here.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// `true`.
    ready: bool,
}

/// That the process answers.
#[derive(Debug, Serialize, ToSchema)]
struct Live {
    /// `true`.
    live: bool,
}

/// What the server says of itself.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy`.
    webserver: &'static str,
    /// The program's version.
    version: &'static str,
    /// `no cache configured`: this server needs none.
    cache: &'static str,
}

/// What the server says of its database.
#[derive(Debug, Serialize, ToSchema)]
struct Database {
    /// `healthy`.
    database: &'static str,
    /// The newest migration of its tables.
    database_revision: String,
    /// Connections to it, by kind.
    pools: Vec<Pool>,
}

/// Connections of one kind.
#[derive(Debug, Serialize, ToSchema)]
struct Pool {
    /// `writer` or `reader`.
    name: &'static str,
    /// How many are open.
    open: u32,
    /// How many of them wait for work.
    idle: usize,
    /// How many there may be.
    most: u32,
}

/// Says that the interface can be used.
///
/// Answers 503 while the database does not, within two seconds.
#[utoipa::path(
    get,
    path = "/health",
    tag = "Health",
    security(()),
    responses(
        (status = 200, description = "It can", body = Health),
        (status = 503, description = "It cannot: see `/health/database`")
    )
)]
async fn health(State(state): State<ApiState>) -> Response {
    let health =
        Health { webserver: "healthy", version: env!("CARGO_PKG_VERSION"), cache: "no cache configured" };
    match tokio::time::timeout(READY_TIME, state.store().database_health()).await {
        Ok(Ok(found)) if found.revision >= found.wanted => Json(health).into_response(),
        Ok(found) => unhealthy(found),
        Err(_) => silent(),
    }
}

/// Says whether the database answers, and has the tables of this version.
#[utoipa::path(
    get,
    path = "/health/database",
    tag = "Health",
    security(()),
    responses(
        (status = 200, description = "It does", body = Database),
        (status = 503, description = "It does not")
    )
)]
async fn database(State(state): State<ApiState>) -> Response {
    match tokio::time::timeout(READY_TIME, state.store().database_health()).await {
        Ok(Ok(found)) if found.revision >= found.wanted => Json(shape(found)).into_response(),
        Ok(found) => unhealthy(found),
        Err(_) => silent(),
    }
}

/// Says whether calls should be sent here: not while the database does not answer within two seconds,
/// or the server was told to end.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "Health",
    security(()),
    responses(
        (status = 200, description = "They should", body = Ready),
        (status = 503, description = "They should not; the text says why", body = serde_json::Value)
    )
)]
async fn ready(State(state): State<ApiState>) -> Response {
    let not_ready = |why: &str| {
        let detail = json!({ "ready": false, "reason": why });
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": detail }))).into_response()
    };
    if state.settings().telemetry.is_ending() {
        return not_ready("the server is ending");
    }
    match tokio::time::timeout(READY_TIME, state.store().database_health()).await {
        Ok(Ok(found)) if found.revision >= found.wanted => Json(Ready { ready: true }).into_response(),
        Ok(Ok(_)) => not_ready("the database needs a migration"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            not_ready("the database does not answer")
        }
        Err(_) => not_ready("the database takes too long to answer"),
    }
}

/// Says that the process answers, whatever the database does: for those who would start it again.
#[utoipa::path(
    get,
    path = "/live",
    tag = "Health",
    security(()),
    responses((status = 200, description = "It does", body = Live))
)]
async fn live() -> Json<Live> {
    Json(Live { live: true })
}

fn shape(found: DatabaseHealth) -> Database {
    let pool =
        |pool: store::PoolHealth| Pool { name: pool.name, open: pool.open, idle: pool.idle, most: pool.most };
    Database {
        database: "healthy",
        database_revision: found.revision.to_string(),
        pools: found.pools.into_iter().map(pool).collect(),
    }
}

/// What is said of a database that does not answer in time.
fn silent() -> Response {
    tracing::error!("the database does not answer in time");
    let detail = json!({ "database": "unhealthy", "database_revision": null });
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": detail }))).into_response()
}

fn unhealthy(found: Result<DatabaseHealth, StoreError>) -> Response {
    let detail = match found {
        Ok(found) => {
            json!({ "database": "needs migration", "database_revision": found.revision.to_string() })
        }
        Err(error) => {
            tracing::error!(%error, "the database is not healthy");
            json!({ "database": "unhealthy", "database_revision": null })
        }
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "detail": detail }))).into_response()
}
