//! What is done to one privacy request.

use axum::Json;
use axum::extract::{Path, State};
use crypto::Secret;
use privacy::request::RequestError;
use serde::Deserialize;
use store::PrivacyRequest;
use utoipa::ToSchema;

use super::filter::Show;
use super::find;
use super::reply::RequestReply;
use super::shape::Shaper;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(retry))
        .routes(routes!(requeue))
        .routes(routes!(resubmit))
        .routes(routes!(resume_from_requires_input))
        .routes(routes!(finalize))
        .routes(routes!(soft_delete))
        .routes(routes!(note))
}

/// Try a privacy request again from where it failed.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/retry",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:resume"])),
    responses((status = 200, body = RequestReply), (status = 400), (status = 404))
)]
async fn retry(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = find(&state, &id).await?.id;
    done(&state, state.requests().retry(&id, &caller.by()).await).await
}

/// Put a privacy request in line again that nobody seems to work on.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/requeue",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:resume"])),
    responses((status = 200, body = RequestReply), (status = 400), (status = 404))
)]
async fn requeue(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = find(&state, &id).await?.id;
    done(&state, state.requests().requeue(&id, &caller.by()).await).await
}

/// Begin a privacy request anew, whatever became of it, unless it is complete.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/resubmit",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:create"])),
    responses((status = 200, body = RequestReply), (status = 404), (status = 422))
)]
async fn resubmit(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = match state.requests().get_named(&id).await {
        Ok(request) => request.id,
        Err(RequestError::NotFound { .. }) => {
            return Err(ApiError::NotFound("Privacy request not found".to_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    done(&state, Box::pin(state.requests().resubmit(&id, &caller.by())).await).await
}

/// Let a privacy request go on whose input is there now.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/resume_from_requires_input",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:resume"])),
    responses((status = 200, body = RequestReply), (status = 400), (status = 404))
)]
async fn resume_from_requires_input(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = find(&state, &id).await?.id;
    done(&state, state.requests().resume_from_input(&id, &caller.by()).await).await
}

/// Say of a privacy request that what was left to do by hand is done.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/finalize",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review"])),
    responses((status = 200, body = RequestReply), (status = 400), (status = 404))
)]
async fn finalize(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = find(&state, &id).await?.id;
    done(&state, state.requests().finalize(&id, &caller.by()).await).await
}

/// Delete a privacy request: it stays, and lists leave it out.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/soft-delete",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:delete"])),
    responses((status = 200, description = "Null"), (status = 404), (status = 422))
)]
async fn soft_delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<()>, ApiError> {
    let id = find(&state, &id).await?.id;
    state.requests().soft_delete(&id, &caller.by()).await?;
    Ok(Json(()))
}

/// What somebody wants to remember.
#[derive(Debug, Deserialize, ToSchema)]
struct Note {
    /// In their words.
    #[schema(value_type = String)]
    message: Text,
}

/// Note something about a privacy request; it stands in its log.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/note",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review"])),
    request_body = Note,
    responses((status = 200, description = "Null"), (status = 404), (status = 422))
)]
async fn note(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(note): Body<Note>,
) -> Result<Json<()>, ApiError> {
    let id = find(&state, &id).await?.id;
    state.requests().note(&id, &caller.by(), Secret::new(note.message.0)).await?;
    Ok(Json(()))
}

/// The request as it is now.
async fn done(
    state: &ApiState,
    outcome: Result<PrivacyRequest, RequestError>,
) -> Result<Json<RequestReply>, ApiError> {
    Ok(Json(Shaper::new(state, Show::default()).shape(outcome?).await?))
}
