//! Access that was given for a time (governance GRA-3).

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{AccessEnd, AccessEndFilter, AccessEndState};
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::moment::Moment;
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::routes::connection_sync::find;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, change, keep))
}

/// Access with an end.
#[derive(Serialize, ToSchema)]
struct EndReply {
    /// Its id.
    id: String,
    /// Key of the connection.
    connection: String,
    /// Id of the entitlement.
    entitlement: String,
    /// Who holds it.
    principal: String,
    /// `pending`: it is being given; `open`: it is there until its time; `ended`: it was taken; `void`: it was not
    /// given, or stays for good; `abandoned`: it was not taken, since its connection is gone.
    state: &'static str,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// When its end is tried next.
    #[schema(value_type = String, format = DateTime)]
    next_at: Timestamp,
    /// How often that was tried in vain.
    attempts: u64,
    /// Why it was, the last time.
    last_error: Option<String>,
    /// When it was noted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Also those that are over.
    #[serde(default)]
    all: bool,
}

/// Another end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EndInput {
    /// When the access ends.
    #[schema(value_type = String, format = DateTime)]
    until: Moment,
}

/// List access that was given for a time, the one that ends first first.
#[utoipa::path(
    get,
    path = "/connection/{key}/access-end",
    tag = "Access",
    operation_id = "access_end_list",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), ListQuery, Paging),
    responses((status = 200, body = PageOf<EndReply>), (status = 404))
)]
async fn list(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(asked): Query<ListQuery>,
    paging: Paging,
) -> Result<Json<PageOf<EndReply>>, ApiError> {
    let connection = find(&state, &key).await?;
    let filter = AccessEndFilter { connection: Some(&connection.key), open_only: !asked.all };
    let ends = state.store().access_end_list(filter, paging.window()).await?;
    Ok(Json(paging.of(ends, EndReply::of)))
}

/// One of them.
#[utoipa::path(
    get,
    path = "/connection/{key}/access-end/{id}",
    tag = "Access",
    operation_id = "access_end_get",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), ("id" = String, Path)),
    responses((status = 200, body = EndReply), (status = 404))
)]
async fn get(
    State(state): State<ApiState>,
    Path((key, id)): Path<(String, String)>,
) -> Result<Json<EndReply>, ApiError> {
    Ok(Json(EndReply::of(end(&state, (&key, &id)).await?)))
}

/// Set another end for access that is there.
#[utoipa::path(
    patch,
    path = "/connection/{key}/access-end/{id}",
    tag = "Access",
    operation_id = "access_end_change",
    security(("oauth2" = ["access:change"])),
    params(("key" = String, Path, description = "Key of the connection"), ("id" = String, Path)),
    request_body = EndInput,
    responses((status = 200, body = EndReply), (status = 404), (status = 409), (status = 422))
)]
async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
    Body(sent): Body<EndInput>,
) -> Result<Json<EndReply>, ApiError> {
    let before = end(&state, (&key, &id)).await?;
    if sent.until.0 <= state.clock().now() {
        let loc = vec![json!("body"), json!("until")];
        return Err(ApiError::invalid(
            "value_error",
            loc,
            "write a time that is yet to come; to end it now, revoke it",
        ));
    }
    if before.state != AccessEndState::Open
        || !state.store().access_end_open(&id, sent.until.0, caller.actor).await?
    {
        return Err(over(&id));
    }
    Ok(Json(EndReply::of(end(&state, (&key, &id)).await?)))
}

/// Remove the end: the access stays for good.
#[utoipa::path(
    delete,
    path = "/connection/{key}/access-end/{id}",
    tag = "Access",
    operation_id = "access_end_keep",
    security(("oauth2" = ["access:change"])),
    params(("key" = String, Path, description = "Key of the connection"), ("id" = String, Path)),
    responses((status = 200, body = EndReply), (status = 404), (status = 409))
)]
async fn keep(
    State(state): State<ApiState>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Json<EndReply>, ApiError> {
    let before = end(&state, (&key, &id)).await?;
    let is_open = before.state == AccessEndState::Open;
    if !is_open || !state.store().access_end_close(&id, AccessEndState::Void, caller.actor).await? {
        return Err(over(&id));
    }
    Ok(Json(EndReply::of(end(&state, (&key, &id)).await?)))
}

async fn end(state: &ApiState, (key, id): (&str, &str)) -> Result<AccessEnd, ApiError> {
    let connection = find(state, key).await?;
    let found = state.store().access_end_find(id).await?;
    let found = found.filter(|end| end.connection == connection.key);
    found.ok_or_else(|| ApiError::NotFound(format!("The connection '{key}' has no end '{id}'.")))
}

fn over(id: &str) -> ApiError {
    ApiError::Conflict(format!("The end '{id}' is over, or the access is still being given."))
}

impl EndReply {
    fn of(end: AccessEnd) -> Self {
        Self {
            id: end.id,
            connection: end.connection.to_string(),
            entitlement: end.access.entitlement,
            principal: format!("{}:{}", end.access.principal_kind, end.access.principal_id),
            state: end.state.as_str(),
            due_at: end.due_at,
            next_at: end.next_at,
            attempts: end.attempts,
            last_error: end.last_error,
            created_at: end.created_at,
            ended_at: end.ended_at,
        }
    }
}
