//! Systems that a person looks after.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::Value;
use store::Login;

use super::find;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::routes::system::shown;
use crate::state::ApiState;
use crate::{ApiError, Role};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, set)).routes(routes!(read, remove))
}

/// List the systems that a person looks after.
#[utoipa::path(
    get,
    path = "/user/{user_id}/system-manager",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = ["system_manager:read"])),
    responses((status = 200, body = [Object]), (status = 404))
)]
async fn list(State(state): State<ApiState>, Path(id): Path<String>) -> Result<Json<Vec<Value>>, ApiError> {
    let login = find(&state, &id).await?;
    Ok(Json(managed(&state, &login).await?))
}

/// Say which systems a person looks after: these, and no others.
#[utoipa::path(
    put,
    path = "/user/{user_id}/system-manager",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = ["system_manager:update"])),
    request_body = [String],
    responses((status = 200, body = [Object]), (status = 400), (status = 404))
)]
async fn set(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(keys): Body<Vec<String>>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let login = find(&state, &id).await?;
    if !may_manage(&login) {
        let text = "approvers and respondents cannot look after systems; give the person another role first";
        return Err(ApiError::BadRequest(text.to_owned()));
    }
    let absent = state.store().system_manager_set(&login.id, &keys, caller.actor).await?;
    match absent {
        None => Ok(Json(managed(&state, &login).await?)),
        Some(key) => Err(no_system(&key)),
    }
}

/// Read a system that a person looks after.
#[utoipa::path(
    get,
    path = "/user/{user_id}/system-manager/{system_key}",
    tag = "Users",
    params(("user_id" = String, Path), ("system_key" = String, Path)),
    security(("oauth2" = ["system_manager:read"])),
    responses((status = 200, body = Object), (status = 404))
)]
async fn read(
    State(state): State<ApiState>,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let login = find(&state, &id).await?;
    let systems = state.store().system_manager_list(&login.id).await?;
    let system = systems.iter().find(|system| system.key == key).ok_or_else(|| not_managed(&key))?;
    Ok(Json(shown(system)?))
}

/// A person does not look after a system any more.
#[utoipa::path(
    delete,
    path = "/user/{user_id}/system-manager/{system_key}",
    tag = "Users",
    params(("user_id" = String, Path), ("system_key" = String, Path)),
    security(("oauth2" = ["system_manager:delete"])),
    responses((status = 204), (status = 404))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let login = find(&state, &id).await?;
    if state.store().system_manager_remove(&login.id, &key, caller.actor).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(not_managed(&key))
}

async fn managed(state: &ApiState, login: &Login) -> Result<Vec<Value>, ApiError> {
    let systems = state.store().system_manager_list(&login.id).await?;
    systems.iter().map(shown).collect()
}

/// Who decides about people's requests, or only answers what they are asked, looks after nothing.
fn may_manage(login: &Login) -> bool {
    let cannot = [Role::Approver, Role::Respondent, Role::ExternalRespondent];
    !login.roles.iter().filter_map(|role| Role::find(role)).any(|role| cannot.contains(&role))
}

fn no_system(key: &str) -> ApiError {
    ApiError::NotFound(format!("there is no system `{key}`; nothing was changed"))
}

fn not_managed(key: &str) -> ApiError {
    ApiError::NotFound(format!("this person does not look after a system `{key}`"))
}
