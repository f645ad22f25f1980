//! What messages are sent with where nothing else is said. There is one of each service, so that each is
//! the default of its kind.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::input::MessagingInput;
use super::{MessagingReply, MessagingSecretReply, keep, service};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(read_active))
        .routes(routes!(read_status))
        .routes(routes!(read))
        .routes(routes!(put_secret))
}

/// Whether messages can be sent.
#[derive(Debug, Serialize, ToSchema)]
struct MessagingStatusReply {
    /// `configured` or `not configured`.
    config_status: &'static str,
    /// With what, or what is missing.
    detail: String,
}

/// List the defaults of the services.
#[utoipa::path(
    get,
    path = "/messaging/default",
    tag = "Messages",
    params(Paging),
    security(("oauth2" = ["messaging:read"])),
    responses((status = 200, body = PageOf<MessagingReply>))
)]
async fn list(
    State(state): State<ApiState>,
    paging: Paging,
) -> Result<Json<PageOf<MessagingReply>>, ApiError> {
    let listed = state.messages().services(paging.window()).await?;
    Ok(Json(paging.of(listed, MessagingReply::of)))
}

/// Set or change the default of a service.
#[utoipa::path(
    put,
    path = "/messaging/default",
    tag = "Messages",
    security(("oauth2" = ["messaging:create_or_update"])),
    request_body = MessagingInput,
    responses((status = 200, body = MessagingReply))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<MessagingInput>,
) -> Result<Json<MessagingReply>, ApiError> {
    let put = state.messages().service_put(asked.draft()?, &caller.actor).await?;
    Ok(Json(MessagingReply::of(put)))
}

/// Read the default of a service.
#[utoipa::path(
    get,
    path = "/messaging/default/{service_type}",
    tag = "Messages",
    params(("service_type" = String, Path)),
    security(("oauth2" = ["messaging:read"])),
    responses((status = 200, body = MessagingReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path(word): Path<String>,
) -> Result<Json<MessagingReply>, ApiError> {
    Ok(Json(MessagingReply::of(state.messages().service_of(service(&word)?).await?)))
}

/// Keep the secrets of the default of a service; those before are gone.
#[utoipa::path(
    put,
    path = "/messaging/default/{service_type}/secret",
    tag = "Messages",
    params(("service_type" = String, Path)),
    security(("oauth2" = ["messaging:create_or_update"])),
    request_body = Map<String, Value>,
    responses((status = 200, body = MessagingSecretReply))
)]
async fn put_secret(
    State(state): State<ApiState>,
    caller: Caller,
    Path(word): Path<String>,
    Body(sent): Body<Map<String, Value>>,
) -> Result<Json<MessagingSecretReply>, ApiError> {
    let config = state.messages().service_of(service(&word)?).await?;
    keep(&state, &caller, &config, sent).await.map(Json)
}

/// Read the service of the API that messages are sent with.
#[utoipa::path(
    get,
    path = "/messaging/default/active",
    tag = "Messages",
    security(("oauth2" = ["messaging:read"])),
    responses((status = 200, body = MessagingReply))
)]
async fn read_active(State(state): State<ApiState>) -> Result<Json<MessagingReply>, ApiError> {
    let missing = || ApiError::NotFound("No active default messaging config found.".to_owned());
    let active = state.messages().active_service().await?.ok_or_else(missing)?;
    Ok(Json(MessagingReply::of(active)))
}

/// Whether messages can be sent.
#[utoipa::path(
    get,
    path = "/messaging/default/status",
    tag = "Messages",
    security(("oauth2" = ["messaging:read"])),
    responses((status = 200, body = MessagingStatusReply))
)]
async fn read_status(State(state): State<ApiState>) -> Result<Json<MessagingStatusReply>, ApiError> {
    let configured = |detail| MessagingStatusReply { config_status: "configured", detail };
    let not = |detail| MessagingStatusReply { config_status: "not configured", detail };
    if state.messages().has_configured_mail() {
        return Ok(Json(configured("The mail server of the server's settings is configured".to_owned())));
    }
    let Some(active) = state.messages().active_service().await? else {
        return Ok(Json(not("No active default messaging configuration found".to_owned())));
    };
    Ok(Json(if let Some(problem) = state.messages().service_problem(&active).await? {
        not(problem)
    } else {
        let service = active.service.as_str();
        configured(format!("Active default messaging service of type {service} is configured"))
    }))
}
