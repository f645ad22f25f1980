//! Places for packages that are taken where a rule names none.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use store::{StorageDestination, StorageFilter, StorageKind};
use utoipa::ToSchema;

use super::input::DefaultInput;
use super::{StorageReply, book};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(read))
        .routes(routes!(read_active))
        .routes(routes!(read_status))
}

/// The setting that names the kind of the active default.
const ACTIVE: &str = "storage.active_default_storage_type";

/// Whether packages have a place to go.
#[derive(Debug, Serialize, ToSchema)]
struct StorageStatusReply {
    /// `configured` or `not configured`.
    config_status: &'static str,
    /// What is missing.
    detail: String,
}

/// List the defaults of the kinds.
#[utoipa::path(
    get,
    path = "/storage/default",
    tag = "Storage",
    params(Paging),
    security(("oauth2" = ["storage:read"])),
    responses((status = 200, body = PageOf<StorageReply>))
)]
async fn list(State(state): State<ApiState>, paging: Paging) -> Result<Json<PageOf<StorageReply>>, ApiError> {
    let listed = book(&state).list(StorageFilter::Defaults, paging.window()).await?;
    Ok(Json(paging.of(listed, StorageReply::of)))
}

/// Make or change the default of a kind.
#[utoipa::path(
    put,
    path = "/storage/default",
    tag = "Storage",
    security(("oauth2" = ["storage:create_or_update"])),
    request_body = DefaultInput,
    responses((status = 200, body = StorageReply))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<DefaultInput>,
) -> Result<Json<StorageReply>, ApiError> {
    let format = asked.format.kept();
    let destination = book(&state).default_put(&asked.setup()?, format, &caller.actor).await?;
    Ok(Json(StorageReply::of(destination)))
}

/// Read the default of a kind.
#[utoipa::path(
    get,
    path = "/storage/default/{storage_type}",
    tag = "Storage",
    params(("storage_type" = String, Path)),
    security(("oauth2" = ["storage:read"])),
    responses((status = 200, body = StorageReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path(word): Path<String>,
) -> Result<Json<StorageReply>, ApiError> {
    let missing = || ApiError::NotFound(format!("No default config for storage type {word}."));
    let kind = kind_of(&word).ok_or_else(missing)?;
    Ok(Json(StorageReply::of(book(&state).default_of(kind).await?)))
}

/// Read the place that is taken where a rule names none.
#[utoipa::path(
    get,
    path = "/storage/default/active",
    tag = "Storage",
    security(("oauth2" = ["storage:read"])),
    responses((status = 200, body = StorageReply))
)]
async fn read_active(State(state): State<ApiState>) -> Result<Json<StorageReply>, ApiError> {
    let missing = || ApiError::NotFound("No active default storage config found.".to_owned());
    let found = active(&state).await?.ok_or_else(missing)?;
    Ok(Json(StorageReply::of(found)))
}

/// Whether there is a place that can be taken where a rule names none.
#[utoipa::path(
    get,
    path = "/storage/default/status",
    tag = "Storage",
    security(("oauth2" = ["storage:read"])),
    responses((status = 200, body = StorageStatusReply))
)]
async fn read_status(State(state): State<ApiState>) -> Result<Json<StorageStatusReply>, ApiError> {
    let not = |detail: String| StorageStatusReply { config_status: "not configured", detail };
    let Some(found) = active(&state).await? else {
        return Ok(Json(not("No active default storage configuration found".to_owned())));
    };
    let kind = found.kind.as_str();
    Ok(Json(match found.kind {
        StorageKind::S3 | StorageKind::Gcs if !book(&state).has_secrets(&found).await? => {
            not(format!("No secrets found for the active default storage of type {kind}"))
        }
        StorageKind::S3 | StorageKind::Gcs | StorageKind::Local => {
            let detail = format!("Active default storage of type {kind} is configured");
            StorageStatusReply { config_status: "configured", detail }
        }
    }))
}

async fn active(state: &ApiState) -> Result<Option<StorageDestination>, ApiError> {
    let settings = state.store().setting_list().await?;
    let set = settings.iter().find(|(key, _)| key == ACTIVE).and_then(|(_, value)| value.as_str());
    Ok(book(state).active_default(set.and_then(kind_of)).await?)
}

pub(super) fn kind_of(word: &str) -> Option<StorageKind> {
    [StorageKind::S3, StorageKind::Gcs, StorageKind::Local].into_iter().find(|kind| kind.as_str() == word)
}
