//! Places where packages are put.

mod default;
mod input;
mod secret;
mod upload;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use privacy::storage_book::{StorageBook, StorageBookError};
use serde::Serialize;
use serde_json::Value;
use store::{StorageDestination, StorageFilter};
use utoipa::ToSchema;

use self::input::StorageInput;
use crate::ApiError;
use crate::bulk::{Bulk, BulkReply};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(read, delete))
        .merge(secret::routes())
        .merge(default::routes())
        .merge(upload::routes())
}

/// What stands in place of a link to a folder of the server (privacy-requests ST-4).
pub(crate) const LOCAL_FOLDER: &str = "your local fides_uploads folder";

/// A place for packages. Its secrets are never shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StorageReply {
    /// Its name.
    name: String,
    /// What kind of place it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Settings of its kind.
    #[schema(value_type = Object)]
    details: Value,
    /// Its key.
    key: String,
    /// Form of its packages.
    format: &'static str,
    /// Whether it is the default of its kind.
    is_default: bool,
}

impl StorageReply {
    pub(crate) fn of(destination: StorageDestination) -> Self {
        Self {
            name: destination.name,
            kind: destination.kind.as_str(),
            details: destination.details,
            key: destination.key,
            format: destination.format.as_str(),
            is_default: destination.is_default,
        }
    }
}

/// List places for packages, the newest first.
#[utoipa::path(
    get,
    path = "/storage/config",
    tag = "Storage",
    params(Paging),
    security(("oauth2" = ["storage:read"])),
    responses((status = 200, body = PageOf<StorageReply>))
)]
async fn list(State(state): State<ApiState>, paging: Paging) -> Result<Json<PageOf<StorageReply>>, ApiError> {
    let listed = book(&state).list(StorageFilter::All, paging.window()).await?;
    Ok(Json(paging.of(listed, StorageReply::of)))
}

/// Read a place for packages.
#[utoipa::path(
    get,
    path = "/storage/config/{config_key}",
    tag = "Storage",
    params(("config_key" = String, Path)),
    security(("oauth2" = ["storage:read"])),
    responses((status = 200, body = StorageReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<StorageReply>, ApiError> {
    Ok(Json(StorageReply::of(book(&state).get(&key).await?)))
}

/// Make places for packages, or change those whose keys are given. The secrets of one that leads to
/// another server from then on are removed.
#[utoipa::path(
    patch,
    path = "/storage/config",
    tag = "Storage",
    security(("oauth2" = ["storage:create_or_update"])),
    request_body = Vec<StorageInput>,
    responses((status = 200, body = BulkReply<StorageReply>))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Bulk(elements): Bulk<StorageInput>,
) -> Result<Json<BulkReply<StorageReply>>, ApiError> {
    let book = book(&state);
    let mut reply = BulkReply::default();
    for (draft, data) in input::drafts(elements)? {
        let outcome = match draft {
            Ok(draft) => match book.put(&draft, &caller.actor).await {
                Err(StorageBookError::Store(error)) => return Err(error.into()),
                outcome => outcome.map(StorageReply::of).map_err(|error| error.to_string()),
            },
            Err(unsupported) => Err(unsupported),
        };
        reply.enter(outcome, data);
    }
    Ok(Json(reply))
}

/// Remove a place for packages; refused for defaults, and while a rule names it.
#[utoipa::path(
    delete,
    path = "/storage/config/{config_key}",
    tag = "Storage",
    params(("config_key" = String, Path)),
    security(("oauth2" = ["storage:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    book(&state).remove(&key, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn book(state: &ApiState) -> StorageBook {
    StorageBook::new(state.store().clone())
}

impl From<StorageBookError> for ApiError {
    fn from(error: StorageBookError) -> Self {
        let text = error.to_string();
        match error {
            StorageBookError::NotFound { .. } | StorageBookError::NoDefault { .. } => Self::NotFound(text),
            StorageBookError::IsDefault => Self::BadRequest(text),
            StorageBookError::InUse { .. }
            | StorageBookError::KeyTaken { .. }
            | StorageBookError::NameTaken { .. }
            | StorageBookError::Refused => Self::Conflict(text),
            StorageBookError::NoKey | StorageBookError::LocalFormat | StorageBookError::Unusable { .. } => {
                Self::Unprocessable(text)
            }
            StorageBookError::Store(error) => error.into(),
        }
    }
}
