//! What became of each operation of the plan of a privacy request.

use axum::Json;
use axum::extract::{Path, State};
use privacy::{RunStatus, StatusError};

use super::find_live;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Show every operation of the plan of a privacy request, each destination it was passed on to, and what
/// looking again found, as `tutela privacy status` does. Holds no data of the person. Nobody is asked:
/// whoever works on the request asks applications when it is time.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/operations",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = Object), (status = 404))
)]
async fn list(State(state): State<ApiState>, Path(id): Path<String>) -> Result<Json<RunStatus>, ApiError> {
    let request = find_live(&state, &id).await?;
    let none = || ApiError::NotFound(format!("privacy request {} has no plan", request.id));
    let run = request.change_run.as_ref().ok_or_else(none)?;
    match state.service().await?.status_as_kept(run).await {
        Ok(status) => Ok(Json(status)),
        Err(StatusError::NotKnownHere { .. }) => Err(none()),
        Err(StatusError::Store(error)) => Err(error.into()),
    }
}
