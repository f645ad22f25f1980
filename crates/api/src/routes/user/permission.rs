//! What people may do.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Login, LoginChange};
use utoipa::ToSchema;

use super::account::done;
use super::{find, scopes};
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, Role, Scope};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, create, update))
}

/// The roles that a person is to have.
#[derive(Deserialize, ToSchema)]
struct Permission {
    /// Their names.
    roles: Vec<String>,
}

/// What a person may do.
#[derive(Serialize, ToSchema)]
struct PermissionReply {
    /// The id of this.
    id: String,
    /// The person.
    user_id: String,
    /// Their roles.
    roles: Vec<String>,
    /// All that these allow.
    total_scopes: Vec<&'static str>,
}

impl PermissionReply {
    fn of(login: Login) -> Self {
        let mut all: Vec<Scope> = scopes(&login).collect();
        all.sort_unstable();
        all.dedup();
        Self {
            id: login.permission_id,
            user_id: login.id.as_str().to_owned(),
            roles: login.roles,
            total_scopes: all.into_iter().map(Scope::as_str).collect(),
        }
    }
}

/// Read what a person may do; oneself, or with `user-permission:read`.
#[utoipa::path(
    get,
    path = "/user/{user_id}/permission",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = [])),
    responses((status = 200, body = PermissionReply))
)]
async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PermissionReply>, ApiError> {
    if !caller.is_login(&id) {
        caller.require(Scope::UserPermissionRead)?;
    }
    Ok(Json(PermissionReply::of(find(&state, &id).await?)))
}

/// Give a person roles who has none.
#[utoipa::path(
    post,
    path = "/user/{user_id}/permission",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = ["user-permission:create"])),
    responses((status = 201, body = PermissionReply))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(asked): Body<Permission>,
) -> Result<(StatusCode, Json<PermissionReply>), ApiError> {
    let login = find(&state, &id).await?;
    let roles = given(&caller, &asked)?;
    if !login.roles.is_empty() {
        return Err(ApiError::BadRequest("This user already has permissions set.".to_owned()));
    }
    let put = state.store().login_change(&login.id, LoginChange::Roles(roles), caller.actor).await?;
    Ok((StatusCode::CREATED, Json(PermissionReply::of(done(put)?))))
}

/// Say which roles a person has; it holds from their next call on.
#[utoipa::path(
    put,
    path = "/user/{user_id}/permission",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = ["user-permission:update"])),
    responses((status = 200, body = PermissionReply))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(asked): Body<Permission>,
) -> Result<Json<PermissionReply>, ApiError> {
    let login = find(&state, &id).await?;
    caller.require_all(scopes(&login))?;
    let roles = given(&caller, &asked)?;
    let put = state.store().login_change(&login.id, LoginChange::Roles(roles), caller.actor).await?;
    Ok(Json(PermissionReply::of(done(put)?)))
}

/// Roles that `caller` gives away: known ones, and only those whose scopes they have.
fn given(caller: &Caller, asked: &Permission) -> Result<Vec<String>, ApiError> {
    let mut roles = Vec::new();
    for (at, text) in asked.roles.iter().enumerate() {
        roles.push(Role::find(text).ok_or_else(|| unknown(at))?);
    }
    roles.sort_unstable();
    roles.dedup();
    if roles.contains(&Role::Owner) {
        caller.require(Scope::UserPermissionAssignOwners)?;
    }
    caller.require_all(roles.iter().copied().flat_map(Role::scopes))?;
    Ok(roles.into_iter().map(|role| role.as_str().to_owned()).collect())
}

fn unknown(at: usize) -> ApiError {
    let all: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let loc = vec![json!("body"), json!("roles"), json!(at)];
    ApiError::invalid("enum", loc, format!("one of {} is needed", all.join(", ")))
}
