//! Connections of a system (fides-api 3.7).

use axum::Json;
use axum::extract::{Path, State};
use connections::SecretsMode;
use http::StatusCode;
use serde_json::{Map, Value};
use store::{ConnectionFilter, Listed, StoredConnection, Window};

use crate::ApiError;
use crate::body::Body;
use crate::bulk::{Bulk, BulkReply};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::routes::connection::{
    ConnectionInput, ConnectionReply, ConnectionTestReply, SecretQuery, SentSecrets, put_all, put_secrets,
};
use crate::routes::connection_instance::{InstanceInput, InstanceReply, make};
use crate::routes::system::find;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, patch, remove))
        .routes(routes!(patch_secrets))
        .routes(routes!(instantiate))
}

/// The connections of a system, by name.
#[utoipa::path(
    get,
    path = "/system/{key}/connection",
    tag = "Systems",
    operation_id = "system_connection_list",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the system"), Paging),
    responses((status = 200, body = PageOf<ConnectionReply>), (status = 404))
)]
async fn list(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    paging: Paging,
) -> Result<Json<PageOf<ConnectionReply>>, ApiError> {
    let filter = ConnectionFilter { system_key: Some(find(&state, &key).await?.key), ..Default::default() };
    let Listed { items, total } = state.connections().list(&filter, paging.window()).await?;
    let mut replies = Vec::with_capacity(items.len());
    for view in items {
        replies.push(ConnectionReply::of_view(&state, view).await?);
    }
    Ok(Json(paging.of(Listed { items: replies, total }, |reply| reply)))
}

/// Makes connections of a system, or changes those whose keys there are; those then belong to it.
#[utoipa::path(
    patch,
    path = "/system/{key}/connection",
    tag = "Systems",
    operation_id = "system_connection_put_all",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the system")),
    request_body = [ConnectionInput],
    responses((status = 200, body = BulkReply<ConnectionReply>), (status = 404), (status = 422))
)]
async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Bulk(elements): Bulk<ConnectionInput>,
) -> Result<Json<BulkReply<ConnectionReply>>, ApiError> {
    let system = find(&state, &key).await?;
    put_all(&state, &caller, (elements, Some(&system.key))).await.map(Json)
}

/// Removes the connection of a system, with its secrets and what else belongs to it.
#[utoipa::path(
    delete,
    path = "/system/{key}/connection",
    tag = "Systems",
    operation_id = "system_connection_remove",
    security(("oauth2" = ["connection:delete"])),
    params(("key" = String, Path, description = "Key of the system")),
    responses((status = 204), (status = 404), (status = 409))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    let connection = only(&state, &key).await?;
    if state.connections().remove(&connection.key, caller.actor).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(none(&key))
}

/// Keeps secrets of the connection of a system beside those it has.
#[utoipa::path(
    patch,
    path = "/system/{key}/connection/secrets",
    tag = "Systems",
    operation_id = "system_connection_secret_patch",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the system"), SecretQuery),
    request_body = Object,
    responses((status = 200, body = ConnectionTestReply), (status = 404), (status = 409), (status = 422))
)]
#[expect(clippy::too_many_arguments, reason = "parts of one call")]
async fn patch_secrets(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<SecretQuery>,
    Body(values): Body<Map<String, Value>>,
) -> Result<Json<ConnectionTestReply>, ApiError> {
    let connection = only(&state, &key).await?;
    let sent = SentSecrets { values, mode: SecretsMode::Merge, query };
    put_secrets(&state, &caller, (connection.key.as_str(), sent)).await.map(Json)
}

/// Makes a connection of a system from a template: file, secrets and dataset at once, or nothing.
#[utoipa::path(
    post,
    path = "/system/{key}/connection/instantiate/{connector_type}",
    tag = "Systems",
    operation_id = "system_connection_instantiate",
    security(("oauth2" = ["connection:instantiate"])),
    params(
        ("key" = String, Path, description = "Key of the system"),
        ("connector_type" = String, Path, description = "Type of the template")
    ),
    request_body = InstanceInput,
    responses((status = 200, body = InstanceReply), (status = 400), (status = 404), (status = 422), (status = 500))
)]
async fn instantiate(
    State(state): State<ApiState>,
    caller: Caller,
    Path((key, connector_type)): Path<(String, String)>,
    Body(input): Body<InstanceInput>,
) -> Result<Json<InstanceReply>, ApiError> {
    let system = find(&state, &key).await?;
    make(&state, caller, (&connector_type, input.into_new(Some(system.key)))).await.map(Json)
}

/// The connection of a system that has one.
async fn only(state: &ApiState, key: &str) -> Result<StoredConnection, ApiError> {
    let filter = ConnectionFilter { system_key: Some(find(state, key).await?.key), ..Default::default() };
    let found = state.store().connection_list(&filter, Window { offset: 0, limit: 2 }).await?;
    let mut items = found.items.into_iter();
    match (items.next(), items.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(none(key)),
        (Some(_), Some(_)) => Err(ApiError::Conflict(format!(
            "system `{key}` has several connections; say which by the calls below /connection/{{key}}"
        ))),
    }
}

fn none(key: &str) -> ApiError {
    ApiError::NotFound(format!("system `{key}` has no connection"))
}
