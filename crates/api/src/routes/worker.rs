//! Who carries out privacy requests, and how many wait.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use store::{SeenWorker, StoreError};
use utoipa::ToSchema;

use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::metric::SEEN_WITHIN;
use crate::state::ApiState;

/// Below `/api/v1`.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(stats))
}

/// Outside of it, for anyone.
pub(crate) fn of_health() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(health))
}

/// The one queue that there is.
const QUEUE: &str = "privacy_requests";

/// Workers and what waits for them.
#[derive(Serialize, ToSchema)]
struct Workers {
    /// Whether there are any.
    workers_enabled: bool,
    /// Their names.
    workers: Vec<String>,
    /// Requests that are due and that nobody has, by queue.
    queue_counts: BTreeMap<&'static str, u64>,
}

/// The same with what each worker does.
#[derive(Serialize, ToSchema)]
struct WorkerStats {
    /// By queue.
    queues: BTreeMap<&'static str, Queue>,
    /// By name.
    workers: BTreeMap<String, Worker>,
}

/// What waits.
#[derive(Serialize, ToSchema)]
struct Queue {
    /// Requests that are due and that nobody has.
    messages: u64,
    /// Requests that workers have.
    held: u64,
}

/// One worker.
#[derive(Serialize, ToSchema)]
struct Worker {
    /// The program's version.
    version: String,
    /// How many requests it takes at once.
    slots: u64,
    /// How many it has.
    busy: u64,
    /// Which these are.
    privacy_requests: Vec<String>,
    /// When it was seen first.
    started_at: String,
    /// When it was seen last.
    seen_at: String,
}

/// Says who carries out privacy requests, and how many wait for somebody.
#[utoipa::path(
    get,
    path = "/health/workers",
    tag = "Health",
    security(()),
    responses((status = 200, description = "Workers that were seen lately", body = Workers))
)]
async fn health(State(state): State<ApiState>) -> Result<Json<Workers>, ApiError> {
    let ((waiting, _), workers) = look(&state).await?;
    Ok(Json(Workers {
        workers_enabled: !workers.is_empty(),
        workers: workers.into_iter().map(|worker| worker.report.name).collect(),
        queue_counts: BTreeMap::from([(QUEUE, waiting)]),
    }))
}

/// Says what each worker does, and how many requests wait.
#[utoipa::path(
    get,
    path = "/worker-stats",
    tag = "Health",
    security(("oauth2" = ["worker-stats:read"])),
    responses((status = 200, description = "Workers that were seen lately", body = WorkerStats))
)]
async fn stats(State(state): State<ApiState>) -> Result<Json<WorkerStats>, ApiError> {
    let ((messages, held), workers) = look(&state).await?;
    Ok(Json(WorkerStats {
        queues: BTreeMap::from([(QUEUE, Queue { messages, held })]),
        workers: workers.into_iter().map(shape).collect(),
    }))
}

async fn look(state: &ApiState) -> Result<((u64, u64), Vec<SeenWorker>), StoreError> {
    let store = state.store();
    Ok((store.privacy_request_queue().await?, store.worker_list(SEEN_WITHIN).await?))
}

fn shape(worker: SeenWorker) -> (String, Worker) {
    let SeenWorker { report, started_at, seen_at, requests } = worker;
    let shaped = Worker {
        version: report.version,
        slots: report.slots,
        busy: report.busy,
        privacy_requests: requests.iter().map(ToString::to_string).collect(),
        started_at: started_at.to_string(),
        seen_at: seen_at.to_string(),
    };
    (report.name, shaped)
}
