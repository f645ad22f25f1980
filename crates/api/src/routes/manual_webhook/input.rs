//! What was brought for a request.

use axum::Json;
use axum::extract::{Path, State};
use model::{PrivacyRequestId, Row};
use privacy::manual;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{ManualAction, PrivacyRequestStatus};
use utoipa::ToSchema;

use super::form_of;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, Invalid};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read_access, bring_access))
        .routes(routes!(read_erasure, bring_erasure))
}

/// What was brought by one form.
#[derive(Serialize, ToSchema)]
struct InputReply {
    /// Whether every field has a value, so that the request can go on.
    checked: bool,
    /// All fields of the form; null where nothing was brought.
    #[schema(value_type = Object)]
    fields: Row,
}

/// Bring data for the package of a request.
#[utoipa::path(
    patch,
    path = "/privacy-request/{privacy_request_id}/access_manual_webhook/{connection_key}",
    tag = "Manual input",
    params(("privacy_request_id" = String, Path), ("connection_key" = String, Path)),
    security(("oauth2" = ["privacy-request:upload_data"])),
    request_body = Object,
    responses((status = 200, body = ()))
)]
async fn bring_access(
    State(state): State<ApiState>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Body(sent): Body<Map<String, Value>>,
) -> Result<Json<()>, ApiError> {
    bring(&state, caller, (place, ManualAction::Access), sent).await
}

/// Say what was erased by hand for a request.
#[utoipa::path(
    patch,
    path = "/privacy-request/{privacy_request_id}/erasure_manual_webhook/{connection_key}",
    tag = "Manual input",
    params(("privacy_request_id" = String, Path), ("connection_key" = String, Path)),
    security(("oauth2" = ["privacy-request:upload_data"])),
    request_body = Object,
    responses((status = 200, body = ()))
)]
async fn bring_erasure(
    State(state): State<ApiState>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Body(sent): Body<Map<String, Value>>,
) -> Result<Json<()>, ApiError> {
    bring(&state, caller, (place, ManualAction::Erasure), sent).await
}

/// Read what was brought for the package of a request.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/access_manual_webhook/{connection_key}",
    tag = "Manual input",
    params(("privacy_request_id" = String, Path), ("connection_key" = String, Path)),
    security(("oauth2" = ["privacy-request:view_data"])),
    responses((status = 200, body = InputReply))
)]
async fn read_access(
    State(state): State<ApiState>,
    Path(place): Path<(String, String)>,
) -> Result<Json<InputReply>, ApiError> {
    read(&state, place, ManualAction::Access).await
}

/// Read what was said to be erased by hand for a request.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/erasure_manual_webhook/{connection_key}",
    tag = "Manual input",
    params(("privacy_request_id" = String, Path), ("connection_key" = String, Path)),
    security(("oauth2" = ["privacy-request:view_data"])),
    responses((status = 200, body = InputReply))
)]
async fn read_erasure(
    State(state): State<ApiState>,
    Path(place): Path<(String, String)>,
) -> Result<Json<InputReply>, ApiError> {
    read(&state, place, ManualAction::Erasure).await
}

async fn bring(
    state: &ApiState,
    caller: Caller,
    ((id, connection), action): ((String, String), ManualAction),
    sent: Row,
) -> Result<Json<()>, ApiError> {
    let request = request_of(state, &id).await?;
    let (connection, form) = form_of(state, &connection).await?;
    let values = manual::check(&form.fields, action, sent).map_err(|unfit| {
        let invalid = |one: manual::Unfit| {
            let kind = match one.why {
                manual::UnfitReason::Unknown => "extra_forbidden",
                manual::UnfitReason::NoText => "string_type",
                manual::UnfitReason::TooLong | manual::UnfitReason::IsFile => "value_error",
                manual::UnfitReason::NoFlag => "bool_type",
            };
            Invalid::new(kind, vec![json!("body"), json!(one.field)], one.why.to_string())
        };
        ApiError::Invalid(unfit.into_iter().map(invalid).collect())
    })?;
    let place = (&request, &connection.key, action);
    manual::keep(state.store(), place, (&values, caller.actor)).await?;
    Ok(Json(()))
}

async fn read(
    state: &ApiState,
    (id, connection): (String, String),
    action: ManualAction,
) -> Result<Json<InputReply>, ApiError> {
    let request = request_of(state, &id).await?;
    let (connection, form) = form_of(state, &connection).await?;
    let brought = manual::brought(state.store(), &request, (&connection.key, &form.fields, action)).await?;
    Ok(Json(InputReply { checked: brought.checked, fields: brought.fields }))
}

/// A request that waits for input.
async fn request_of(state: &ApiState, id: &str) -> Result<PrivacyRequestId, ApiError> {
    let missing = || ApiError::NotFound(format!("No privacy request found with id '{id}'."));
    let parsed: PrivacyRequestId = id.parse().map_err(|_| missing())?;
    let request = state.store().privacy_request_find(&parsed).await?.ok_or_else(missing)?;
    if request.deleted_at.is_some() {
        return Err(ApiError::Unprocessable(format!("Privacy request with id {id} has been deleted.")));
    }
    if request.status != PrivacyRequestStatus::RequiresInput {
        let status = request.status.as_str();
        return Err(ApiError::BadRequest(format!(
            "Invalid access manual webhook upload request: privacy request '{id}' status = {status}."
        )));
    }
    Ok(parsed)
}
