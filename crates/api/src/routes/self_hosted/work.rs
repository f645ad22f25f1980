use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::task::ConnectorTaskReply;
use super::{done, find};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(sync))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(confirm))
}

/// Why a connector gets no work.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectorPause {
    /// In words, for whoever looks at it next.
    #[schema(value_type = Option<String>)]
    reason: Option<Text>,
}

/// Sync now. A sync that waits or runs already is that one.
#[utoipa::path(
    post,
    path = "/connection/{key}/self-hosted/sync",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 202, body = ConnectorTaskReply), (status = 404), (status = 409))
)]
async fn sync(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<(StatusCode, Json<ConnectorTaskReply>), ApiError> {
    let connector = find(&state, &key).await?;
    let task = state.control()?.queue_sync(&connector.id, caller.actor).await?;
    Ok((StatusCode::ACCEPTED, Json(ConnectorTaskReply::of(task))))
}

/// Give a connector no more work. What it works on goes on.
#[utoipa::path(
    post,
    path = "/connection/{key}/self-hosted/pause",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = Option<ConnectorPause>,
    responses((status = 204), (status = 404))
)]
async fn pause(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<Option<ConnectorPause>>,
) -> Result<StatusCode, ApiError> {
    let connector = find(&state, &key).await?;
    let reason = sent.unwrap_or_default().reason.map(|reason| reason.0).unwrap_or_default();
    state.control()?.pause(&connector.id, &reason, caller.actor).await?;
    Ok(done())
}

/// Give a paused connector work again, first of all a sync.
#[utoipa::path(
    post,
    path = "/connection/{key}/self-hosted/resume",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 202, body = ConnectorTaskReply), (status = 404))
)]
async fn resume(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<(StatusCode, Json<ConnectorTaskReply>), ApiError> {
    let connector = find(&state, &key).await?;
    let task = state.control()?.resume(&connector.id, caller.actor).await?;
    Ok((StatusCode::ACCEPTED, Json(ConnectorTaskReply::of(task))))
}

/// Say that what is gone from a sync that was held back is gone. What it brought is in force then, and the
/// connector gets work again, first of all a sync.
#[utoipa::path(
    post,
    path = "/connection/{key}/self-hosted/confirm",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses(
        (status = 202, body = ConnectorTaskReply),
        (status = 404),
        (status = 409, description = "No sync is held back")
    )
)]
async fn confirm(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<(StatusCode, Json<ConnectorTaskReply>), ApiError> {
    let connector = find(&state, &key).await?;
    let task = state.control()?.confirm_shrink(&connector.id, caller.actor).await?;
    let task = task.ok_or_else(|| ApiError::Conflict(format!("No sync of '{key}' is held back.")))?;
    Ok((StatusCode::ACCEPTED, Json(ConnectorTaskReply::of(task))))
}
