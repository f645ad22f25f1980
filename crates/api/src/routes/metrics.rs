//! Numbers about the server, for Prometheus; outside `/api/v1`.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use store::Store;

use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, Telemetry, metric};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read))
}

/// The same without a token, and nothing else.
pub(crate) fn alone(store: Store, telemetry: Telemetry) -> Router {
    let read = async |State((store, telemetry)): State<(Store, Telemetry)>| page(&store, &telemetry).await;
    Router::new().route("/metrics", get(read)).with_state((store, telemetry))
}

/// Gives the numbers in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Health",
    security(("oauth2" = ["worker-stats:read"])),
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain"))
)]
async fn read(State(state): State<ApiState>) -> Result<Response, ApiError> {
    page(state.store(), &state.settings().telemetry).await
}

async fn page(store: &Store, telemetry: &Telemetry) -> Result<Response, ApiError> {
    metric::look(store).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry.page()).into_response())
}
