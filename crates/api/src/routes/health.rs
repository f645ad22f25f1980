//! Whether the server works; outside `/api/v1`, for anyone.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ApiError;
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(health))
}

/// What the server says of itself.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy`.
    webserver: &'static str,
}

/// Whether the interface is usable.
#[utoipa::path(get, path = "/health", tag = "Health", security(()), responses((status = 200, body = Health)))]
async fn health(State(state): State<ApiState>) -> Result<Json<Health>, ApiError> {
    state.store().audit_waiting().await?;
    Ok(Json(Health { webserver: "healthy" }))
}
