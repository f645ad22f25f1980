//! Signing in and out, for people.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use store::{Actor, IssuedToken, Login, NewAccessToken, TokenEnd, TokenFor};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::oauth_token::TokenReply;
use super::user::UserReply;
use crate::ApiError;
use crate::address::Address;
use crate::authorize::bearer;
use crate::body::Body;
use crate::caller::{Caller, Who};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(logout))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
struct LoginForm {
    /// The name.
    username: String,
    /// The password, plain or in base64.
    password: String,
}

/// Who has signed in.
#[derive(Serialize, ToSchema)]
struct LoginReply {
    /// The person.
    user_data: UserReply,
    /// Their token.
    token_data: TokenReply,
}

/// Sign in with a name and a password.
#[utoipa::path(
    post,
    path = "/login",
    tag = "Sign-in",
    security(()),
    responses((status = 200, body = LoginReply))
)]
async fn login(
    State(state): State<ApiState>,
    address: Address,
    Body(form): Body<LoginForm>,
) -> Result<Json<LoginReply>, ApiError> {
    state.sign_ins().take(&format!("address {}", address.name()))?;
    let login = state.store().login_find_named(&form.username).await?;
    let kept = login.as_ref().filter(|login| !login.disabled);
    let fits = password_fits(&state, &form.username, &form.password, kept).await?;
    let signed_in = match login.filter(|_| fits) {
        Some(login) => issue(&state, &login).await?.map(|issued| (login, issued)),
        None => None,
    };
    let (login, issued) = signed_in.ok_or_else(|| {
        tracing::warn!("a person was not signed in");
        ApiError::Refused("Incorrect username or password.".to_owned())
    })?;
    Ok(Json(LoginReply { user_data: UserReply::of(login), token_data: TokenReply::of(&issued) }))
}

/// Sign out: all tokens of a person end, or the one of a program.
#[utoipa::path(post, path = "/logout", tag = "Sign-in", security(("oauth2" = [])), responses((status = 204)))]
async fn logout(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let end = match &caller.who {
        Who::Login(id) => TokenEnd::Login(id),
        Who::RootClient | Who::Client(_) => TokenEnd::Token(bearer(&headers)?),
    };
    state.store().access_token_end(end, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether `password` is that of `kept`; so many wrong ones for a name, and no more are looked at.
pub(super) async fn password_fits(
    state: &ApiState,
    username: &str,
    password: &str,
    kept: Option<&Login>,
) -> Result<bool, ApiError> {
    // Names of any length would fill the memory.
    let name: String = username.to_lowercase().chars().take(100).collect();
    let name = format!("name {name}");
    // Counted before, so that many at once are not looked at either; one that fits does not count.
    state.sign_ins().take(&name)?;
    let fits = state.passwords().check(password, kept.and_then(|login| login.password.clone())).await?;
    if fits {
        state.sign_ins().give_back(&name);
    }
    Ok(fits)
}

async fn issue(state: &ApiState, login: &Login) -> Result<Option<IssuedToken>, ApiError> {
    let Some(password) = &login.password else { return Ok(None) };
    let new = NewAccessToken {
        holder: TokenFor::Login { id: &login.id, password },
        scopes: &[],
        life: state.settings().token_life,
        actor: Actor::person(&login.username),
    };
    Ok(state.store().access_token_issue(new).await?)
}
