//! Passwords that are chosen with a code from a message.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use crypto::{AccessToken, Secret};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{
    Actor, Login, LoginCodePurpose, LoginCodeUse, MessageKind, NewLoginCode, NewMessage, StoreError,
};
use utoipa::{IntoParams, ToSchema};

use super::account::invalid;
use super::{UserReply, find, scopes};
use crate::ApiError;
use crate::address::Address;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::password::chosen;
use crate::query::Query;
use crate::routes::sign_in::{LoginReply, signed_in};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(accept_invite))
        .routes(routes!(reinvite))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_with_token))
}

/// How long an invitation can be answered.
const INVITATION_LIFE: Duration = Duration::from_hours(48);
/// How long a forgotten password can be replaced.
const RESET_LIFE: Duration = Duration::from_mins(30);

/// Whose invitation is answered.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Invited {
    /// The name to sign in with.
    username: String,
    /// The code of the message.
    invite_code: String,
}

/// The password that is chosen.
#[derive(Deserialize, ToSchema)]
struct PasswordChoice {
    /// The password, with what an account's password needs.
    new_password: String,
}

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
struct Forgotten {
    /// Their e-mail address.
    email: String,
}

/// What is always said.
#[derive(Debug, Serialize, ToSchema)]
struct ForgottenReply {
    /// The text.
    detail: &'static str,
}

/// A password that is chosen with a code.
#[derive(Deserialize, ToSchema)]
struct PasswordWithToken {
    /// The name to sign in with; not needed.
    username: Option<String>,
    /// The code of the message.
    token: String,
    /// The password, with what an account's password needs.
    new_password: String,
}

/// Answer an invitation with a password, and be signed in.
#[utoipa::path(
    post,
    path = "/user/accept-invite",
    tag = "Users",
    params(Invited),
    security(()),
    request_body = PasswordChoice,
    responses((status = 200, body = LoginReply))
)]
async fn accept_invite(
    State(state): State<ApiState>,
    address: Address,
    Query(invited): Query<Invited>,
    Body(asked): Body<PasswordChoice>,
) -> Result<Json<LoginReply>, ApiError> {
    state.sign_ins().take(&format!("address {}", address.name()))?;
    let code = (LoginCodePurpose::Invitation, Secret::new(invited.invite_code));
    let login = take(&state, code, (Some(&invited.username), &asked.new_password)).await?;
    signed_in(&state, login).await.map(Json)
}

/// Invite a person again who has not answered; the code before is of no use any more.
#[utoipa::path(
    post,
    path = "/user/{user_id}/reinvite",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = ["user:create"])),
    responses((status = 200, body = UserReply))
)]
async fn reinvite(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<UserReply>, ApiError> {
    let login = find(&state, &id).await?;
    caller.require_all(scopes(&login))?;
    if login.password.is_some() {
        return Err(ApiError::BadRequest("User has a password already.".to_owned()));
    }
    if !invite(&state, &login, caller.actor).await? {
        let text = "no message can be sent: set a mail server, and give the user an e-mail address";
        return Err(ApiError::BadRequest(text.to_owned()));
    }
    Ok(Json(super::reply(&state, login).await?))
}

/// Ask for a message with a code for another password. Says the same whether there is such a person.
#[utoipa::path(
    post,
    path = "/user/forgot-password",
    tag = "Users",
    security(()),
    request_body = Forgotten,
    responses((status = 200, body = ForgottenReply))
)]
async fn forgot_password(
    State(state): State<ApiState>,
    address: Address,
    Body(asked): Body<Forgotten>,
) -> Result<Json<ForgottenReply>, ApiError> {
    state.sign_ins().take(&format!("address {}", address.name()))?;
    let named: String = asked.email.trim().to_lowercase().chars().take(254).collect();
    state.sign_ins().take(&format!("forgot {named}"))?;
    // Apart from the answer, so that its time tells nothing either.
    tokio::spawn(async move {
        if let Err(error) = reset_mail(&state, &named).await {
            tracing::warn!(error = %error, "a code for a forgotten password was not kept");
        }
    });
    let detail = "If there is an account with this address, a message is on its way.";
    Ok(Json(ForgottenReply { detail }))
}

/// Choose another password with a code; all of one's tokens end.
#[utoipa::path(
    post,
    path = "/user/reset-password-with-token",
    tag = "Users",
    security(()),
    request_body = PasswordWithToken,
    responses((status = 200, body = UserReply))
)]
async fn reset_with_token(
    State(state): State<ApiState>,
    address: Address,
    Body(asked): Body<PasswordWithToken>,
) -> Result<Json<UserReply>, ApiError> {
    state.sign_ins().take(&format!("address {}", address.name()))?;
    let code = (LoginCodePurpose::PasswordReset, Secret::new(asked.token));
    let login = take(&state, code, (asked.username.as_deref(), &asked.new_password)).await?;
    Ok(Json(UserReply::of(login)))
}

/// Mails an invitation; `false` if no message can reach the person.
pub(super) async fn invite(state: &ApiState, login: &Login, actor: Actor) -> Result<bool, ApiError> {
    let Some(address) = login.person.email_address.as_deref() else { return Ok(false) };
    if !state.messages().channels().await?.email {
        return Ok(false);
    }
    let code = AccessToken::random();
    let expires_at = later(state, INVITATION_LIFE);
    let message = NewMessage::to_email(MessageKind::Invitation, address)
        .about(login.id.as_str())
        .until(expires_at)
        .with("username", login.username.as_str())
        .with("code", code.text().expose().as_str())
        .with("hours", INVITATION_LIFE.as_secs() / 3_600);
    let purpose = LoginCodePurpose::Invitation;
    let new = NewLoginCode { login: &login.id, purpose, code: &code, expires_at, message: &message, actor };
    state.store().login_code_put(new).await?;
    Ok(true)
}

async fn reset_mail(state: &ApiState, address: &str) -> Result<(), StoreError> {
    let found = state.store().login_find_addressed(address).await?;
    let Some(login) = found.filter(|login| !login.disabled) else { return Ok(()) };
    let Some(address) = login.person.email_address.as_deref() else { return Ok(()) };
    let code = AccessToken::random();
    let expires_at = later(state, RESET_LIFE);
    let message = NewMessage::to_email(MessageKind::PasswordReset, address)
        .about(login.id.as_str())
        .until(expires_at)
        .with("username", login.username.as_str())
        .with("code", code.text().expose().as_str())
        .with("minutes", RESET_LIFE.as_secs() / 60);
    let (purpose, actor) = (LoginCodePurpose::PasswordReset, Actor::person(&login.username));
    let new = NewLoginCode { login: &login.id, purpose, code: &code, expires_at, message: &message, actor };
    state.store().login_code_put(new).await
}

/// Takes a code in exchange for a password.
async fn take(
    state: &ApiState,
    (purpose, code): (LoginCodePurpose, Secret<String>),
    (username, sent): (Option<&str>, &str),
) -> Result<Login, ApiError> {
    let password = chosen(sent).map_err(|lack| ApiError::Invalid(vec![invalid("new_password", lack)]))?;
    let password = state.passwords().make(password).await?;
    let word = match purpose {
        LoginCodePurpose::Invitation => "Invite code",
        LoginCodePurpose::PasswordReset => "Token",
    };
    match state.store().login_code_use((purpose, &code), username, &password).await? {
        LoginCodeUse::Done(login) => Ok(*login),
        LoginCodeUse::Unknown => Err(ApiError::BadRequest(format!("{word} is invalid."))),
        LoginCodeUse::Expired => Err(ApiError::BadRequest(format!("{word} has expired."))),
    }
}

fn later(state: &ApiState, life: Duration) -> Timestamp {
    let life = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
    state.clock().now().saturating_add(life).unwrap_or(Timestamp::MAX)
}
