//! Other passwords.

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use store::LoginChange;
use utoipa::ToSchema;

use super::account::{done, invalid};
use super::{UserReply, find, scopes};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::password::chosen;
use crate::routes::sign_in::password_fits;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(reset)).routes(routes!(force_reset))
}

/// One's own password, and the next one.
#[derive(Deserialize, ToSchema)]
struct PasswordReset {
    /// The password until now.
    old_password: String,
    /// The next one, with what an account's password needs.
    new_password: String,
}

/// Another password for somebody.
#[derive(Deserialize, ToSchema)]
struct PasswordForceReset {
    /// The next one, with what an account's password needs.
    new_password: String,
}

/// Change one's own password; all of one's tokens end.
#[utoipa::path(
    post,
    path = "/user/{user_id}/reset-password",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = [])),
    responses((status = 200, body = UserReply))
)]
async fn reset(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(asked): Body<PasswordReset>,
) -> Result<Json<UserReply>, ApiError> {
    if !caller.is_login(&id) {
        return Err(ApiError::Refused("only one's own password can be changed here".to_owned()));
    }
    let login = find(&state, &id).await?;
    if !password_fits(&state, &login.username, &asked.old_password, Some(&login)).await? {
        return Err(ApiError::NotSignedIn("Incorrect password.".to_owned()));
    }
    let change = change(&state, &asked.new_password).await?;
    let put = state.store().login_change(&login.id, change, caller.actor).await?;
    Ok(Json(UserReply::of(done(put)?)))
}

/// Give somebody another password; all of their tokens end.
#[utoipa::path(
    post,
    path = "/user/{user_id}/force-reset-password",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = ["user:password-reset"])),
    responses((status = 200, body = UserReply))
)]
async fn force_reset(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(asked): Body<PasswordForceReset>,
) -> Result<Json<UserReply>, ApiError> {
    let login = find(&state, &id).await?;
    caller.require_all(scopes(&login))?;
    let change = change(&state, &asked.new_password).await?;
    let put = state.store().login_change(&login.id, change, caller.actor).await?;
    Ok(Json(UserReply::of(done(put)?)))
}

async fn change(state: &ApiState, sent: &str) -> Result<LoginChange, ApiError> {
    let password = chosen(sent).map_err(|lack| ApiError::Invalid(vec![invalid("new_password", lack)]))?;
    Ok(LoginChange::Password(state.passwords().make(password).await?))
}
