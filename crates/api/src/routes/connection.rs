//! Connections: what they are, their secrets, and whether they work (fides-api 3).

mod enabled_actions;
mod filter;
mod oauth;
mod put;
mod reply;
mod secret;

pub(crate) use put::{ConnectionInput, put_all};
pub(crate) use reply::ConnectionReply;
pub(crate) use secret::{SecretQuery, SentSecrets, put_secrets};

use axum::Json;
use axum::extract::{Path, State};
use connections::{Trial, TrialRefused};
use http::StatusCode;
use model::ConnectionKey;
use serde::Serialize;
use store::{Listed, StoredConnection};
use utoipa::ToSchema;

use self::filter::Filter;
use self::reply::ConnectionDetail;
use crate::ApiError;
use crate::bulk::{Bulk, BulkReply};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, patch))
        .routes(routes!(get, remove))
        .routes(routes!(secret::put, secret::patch))
        .routes(routes!(test))
        .merge(enabled_actions::routes())
        .routes(routes!(oauth::authorize))
        .routes(routes!(oauth::callback))
        .routes(routes!(oauth::put, oauth::patch, oauth::remove))
}

/// The connections, by name.
#[utoipa::path(
    get,
    path = "/connection",
    tag = "Connections",
    operation_id = "connection_list",
    security(("oauth2" = ["connection:read"])),
    params(Filter, Paging),
    responses((status = 200, body = PageOf<ConnectionReply>), (status = 422))
)]
async fn list(
    State(state): State<ApiState>,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<PageOf<ConnectionReply>>, ApiError> {
    let Listed { items, total } = state.connections().list(&filter.checked()?, paging.window()).await?;
    let mut replies = Vec::with_capacity(items.len());
    for view in items {
        replies.push(ConnectionReply::of_view(&state, view).await?);
    }
    Ok(Json(paging.of(Listed { items: replies, total }, |reply| reply)))
}

/// One connection.
#[utoipa::path(
    get,
    path = "/connection/{key}",
    tag = "Connections",
    operation_id = "connection_get",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = ConnectionDetail), (status = 404))
)]
async fn get(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<ConnectionDetail>, ApiError> {
    let connection = find(&state, &key).await?;
    let system_key = connection.system_key.clone();
    let connection = ConnectionReply::of(&state, connection).await?;
    Ok(Json(ConnectionDetail { connection, system_key }))
}

/// Makes connections, or changes those whose keys there are.
#[utoipa::path(
    patch,
    path = "/connection",
    tag = "Connections",
    operation_id = "connection_put_all",
    security(("oauth2" = ["connection:create_or_update"])),
    request_body = [ConnectionInput],
    responses((status = 200, body = BulkReply<ConnectionReply>), (status = 404), (status = 422))
)]
async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Bulk(elements): Bulk<ConnectionInput>,
) -> Result<Json<BulkReply<ConnectionReply>>, ApiError> {
    put_all(&state, &caller, (elements, None)).await.map(Json)
}

/// Removes a connection, with its secrets and what else belongs to it.
#[utoipa::path(
    delete,
    path = "/connection/{key}",
    tag = "Connections",
    operation_id = "connection_remove",
    security(("oauth2" = ["connection:delete"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 204), (status = 404))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    if state.connections().remove(&parse(&key)?, caller.actor).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(not_found(&key))
}

/// What a test of a connection said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionTestReply {
    /// For people.
    msg: String,
    /// `succeeded`, `failed`, `skipped`, or null if it was not tried.
    test_status: Option<&'static str>,
    /// Why it does not work.
    failure_reason: Option<String>,
}

impl ConnectionTestReply {
    fn of(msg: String, trial: Option<Trial>) -> Self {
        let (test_status, failure_reason) = match trial {
            None => (None, None),
            Some(Trial::Succeeded) => (Some("succeeded"), None),
            Some(Trial::Skipped) => (Some("skipped"), None),
            Some(Trial::Failed(reason)) => (Some("failed"), Some(reason)),
        };
        Self { msg, test_status, failure_reason }
    }
}

/// Tries a connection.
#[utoipa::path(
    get,
    path = "/connection/{key}/test",
    tag = "Connections",
    operation_id = "connection_test",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = ConnectionTestReply), (status = 404))
)]
async fn test(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<ConnectionTestReply>, ApiError> {
    let trial = state.connections().test(&parse(&key)?).await?;
    let msg = format!("Test completed for ConnectionConfig with key: {key}.");
    Ok(Json(ConnectionTestReply::of(msg, Some(trial))))
}

/// The connection of a key.
async fn find(state: &ApiState, key: &str) -> Result<StoredConnection, ApiError> {
    state.store().connection_find(&parse(key)?).await?.ok_or_else(|| not_found(key))
}

/// No connection has a key that is none.
fn parse(key: &str) -> Result<ConnectionKey, ApiError> {
    key.parse().map_err(|_| not_found(key))
}

fn not_found(key: &str) -> ApiError {
    ApiError::NotFound(format!("No connection configuration found with key '{key}'."))
}

impl From<TrialRefused> for ApiError {
    fn from(error: TrialRefused) -> Self {
        match error {
            TrialRefused::NoConnection { .. } => Self::NotFound(error.to_string()),
            TrialRefused::Store(error) => error.into(),
        }
    }
}
