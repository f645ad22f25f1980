//! Signing in with a browser.

mod oidc;

use axum::Json;
use axum::extract::State;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use store::{IssuedToken, NewSession, TokenEnd};
use utoipa::ToSchema;

use super::sign_in::{LoginForm, SignedIn, not_signed_in, proven};
use super::user::UserReply;
use crate::address::Address;
use crate::body::Body;
use crate::caller::{Caller, Who};
use crate::documented::{OpenApiRouter, routes};
use crate::session::{Cookie, Credential, csrf_token, is_of_another_site};
use crate::state::ApiState;
use crate::{ApiError, Scope};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, open, end)).routes(routes!(methods)).merge(oidc::routes())
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
struct SessionReply {
    /// The person; null for programs.
    user_data: Option<UserReply>,
    /// All that they may do.
    scopes: Vec<&'static str>,
    /// What to send in `X-CSRF-Token` with every change; null for callers with a token.
    csrf_token: Option<String>,
    /// When it ends at the latest.
    expires_at: Timestamp,
}

/// How people may sign in.
#[derive(Serialize, ToSchema)]
struct SignInMethods {
    /// With a name and a password: `POST /session`.
    password: bool,
    /// With an account of the company, at `GET /session/oidc`; null if there is no such way.
    oidc: Option<OidcMethod>,
}

/// A way to sign in.
#[derive(Serialize, ToSchema)]
struct OidcMethod {
    /// What the button says.
    label: String,
}

/// Sign in with a browser, by name and password.
///
/// The answer sets a cookie that no script can read. Calls that change something need the answer's
/// `csrf_token`, too, in the header `X-CSRF-Token`.
#[utoipa::path(
    post,
    path = "/session",
    tag = "Sign-in",
    security(()),
    responses((status = 200, body = SessionReply), (status = 403))
)]
async fn open(
    State(state): State<ApiState>,
    address: Address,
    headers: HeaderMap,
    Body(form): Body<LoginForm>,
) -> Result<([(http::HeaderName, HeaderValue); 1], Json<SessionReply>), ApiError> {
    if is_of_another_site(&headers) {
        return Err(ApiError::Refused("sign in from a page of this server".to_owned()));
    }
    let signed_in = proven(&state, address, &form).await?.ok_or_else(not_signed_in)?;
    let session = opened(&state, &signed_in).await?.ok_or_else(not_signed_in)?;
    let reply = SessionReply {
        scopes: names(signed_in.scopes()),
        user_data: Some(signed_in.reply(&state)),
        csrf_token: Some(csrf_token(session.token.text().expose())),
        expires_at: session.expires_at,
    };
    Ok(([(SET_COOKIE, cookie(&state, &session))], Json(reply)))
}

/// Who is signed in, and what they may do.
#[utoipa::path(
    get,
    path = "/session",
    tag = "Sign-in",
    security(("oauth2" = [])),
    responses((status = 200, body = SessionReply))
)]
async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Json<SessionReply>, ApiError> {
    let user_data = match &caller.who {
        Who::Login(id) => state.store().login_find(id).await?.map(UserReply::of),
        Who::RootUser => state.settings().root_user.as_ref().map(|user| UserReply::of_root(user, &state)),
        Who::RootClient | Who::Client(_) => None,
    };
    let csrf_token = match Credential::of(&headers, &state)? {
        Credential::Session(text) => Some(csrf_token(&text)),
        Credential::Bearer(_) => None,
    };
    let (scopes, expires_at) = (names(caller.scopes), caller.expires_at);
    Ok(Json(SessionReply { user_data, scopes, csrf_token, expires_at }))
}

/// Sign out this browser, or give up this token.
#[utoipa::path(
    delete,
    path = "/session",
    tag = "Sign-in",
    security(("oauth2" = [])),
    responses((status = 204))
)]
async fn end(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<(StatusCode, [(http::HeaderName, HeaderValue); 1]), ApiError> {
    let credential = Credential::of(&headers, &state)?;
    state.store().access_token_end(TokenEnd::Token(credential.text()), caller.actor).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, Cookie::Session.set(&state, None))]))
}

/// How people may sign in.
#[utoipa::path(
    get,
    path = "/session/methods",
    tag = "Sign-in",
    security(()),
    responses((status = 200, body = SignInMethods))
)]
async fn methods(State(state): State<ApiState>) -> Json<SignInMethods> {
    let oidc = state.oidc().map(|oidc| OidcMethod { label: oidc.label().to_owned() });
    Json(SignInMethods { password: true, oidc })
}

async fn opened(state: &ApiState, signed_in: &SignedIn) -> Result<Option<IssuedToken>, ApiError> {
    let Some(holder) = signed_in.session() else { return Ok(None) };
    let life = state.settings().session_life;
    Ok(state.store().session_open(NewSession { holder, life, actor: signed_in.actor() }).await?)
}

fn cookie(state: &ApiState, session: &IssuedToken) -> HeaderValue {
    let seconds = session.expires_at.duration_since(session.issued_at).as_secs();
    Cookie::Session.set(state, Some((session.token.text().expose(), seconds)))
}

fn names(scopes: impl IntoIterator<Item = Scope>) -> Vec<&'static str> {
    scopes.into_iter().map(Scope::as_str).collect()
}
