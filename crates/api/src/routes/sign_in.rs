//! Signing in and out, for people.

use axum::Json;
use axum::extract::State;
use crypto::{constant_time_eq, sha256};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use store::{Actor, IssuedToken, Login, NewAccessToken, SessionFor, TokenEnd, TokenFor};
use utoipa::ToSchema;

use super::oauth_token::TokenReply;
use super::user::UserReply;
use crate::address::Address;
use crate::body::Body;
use crate::caller::{Caller, Who};
use crate::documented::{OpenApiRouter, routes};
use crate::session::Credential;
use crate::state::ApiState;
use crate::{ApiError, Role, RootUser, Scope};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(logout))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
pub(super) struct LoginForm {
    /// The name.
    username: String,
    /// The password, plain or in base64.
    password: String,
}

/// Who has signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginReply {
    /// The person.
    user_data: UserReply,
    /// Their token.
    token_data: TokenReply,
}

/// Somebody whose password was right.
pub(super) enum SignedIn {
    /// The person that the settings name.
    Root(RootUser),
    /// A person with an account.
    Login(Box<Login>),
}

impl SignedIn {
    /// For the audit log.
    pub(super) fn actor(&self) -> Actor {
        match self {
            Self::Root(user) => Actor::person(&user.username),
            Self::Login(login) => Actor::person(&login.username),
        }
    }

    /// Who they are, as callers are told.
    pub(super) fn reply(&self, state: &ApiState) -> UserReply {
        match self {
            Self::Root(user) => UserReply::of_root(user, state),
            Self::Login(login) => UserReply::of(Login::clone(login)),
        }
    }

    /// All that they may do, in alphabetical order.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        match self {
            Self::Root(_) => Scope::ALL.to_vec(),
            Self::Login(login) => {
                let roles = login.roles.iter().filter_map(|role| Role::find(role));
                let mut scopes: Vec<Scope> = roles.flat_map(Role::scopes).collect();
                scopes.sort_unstable();
                scopes.dedup();
                scopes
            }
        }
    }

    /// What a session is opened with.
    pub(super) fn session(&self) -> Option<SessionFor<'_>> {
        match self {
            Self::Root(user) => Some(SessionFor::Root { root_hash: user.hash() }),
            Self::Login(login) => {
                let password = login.password.as_ref()?;
                Some(SessionFor::Password { id: &login.id, password })
            }
        }
    }

    async fn token(&self, state: &ApiState) -> Result<Option<IssuedToken>, ApiError> {
        let holder = match self {
            Self::Root(user) => TokenFor::Root { root_hash: user.hash() },
            Self::Login(login) => match &login.password {
                Some(password) => TokenFor::Login { id: &login.id, password },
                None => return Ok(None),
            },
        };
        let life = state.settings().token_life;
        let new = NewAccessToken { holder, scopes: &[], life, actor: self.actor() };
        Ok(state.store().access_token_issue(new).await?)
    }
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
    let signed_in = proven(&state, address, &form).await?.ok_or_else(not_signed_in)?;
    welcome(&state, &signed_in).await.map(Json)
}

/// Signs somebody in who has just chosen a password.
pub(super) async fn signed_in(state: &ApiState, login: Login) -> Result<LoginReply, ApiError> {
    welcome(state, &SignedIn::Login(Box::new(login))).await
}

async fn welcome(state: &ApiState, signed_in: &SignedIn) -> Result<LoginReply, ApiError> {
    let issued = signed_in.token(state).await?.ok_or_else(not_signed_in)?;
    Ok(LoginReply { user_data: signed_in.reply(state), token_data: TokenReply::of(&issued) })
}

/// Sign out: all tokens and sessions of a person end, or the one of a program.
#[utoipa::path(post, path = "/logout", tag = "Sign-in", security(("oauth2" = [])), responses((status = 204)))]
async fn logout(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let credential = Credential::of(&headers, &state)?;
    let root_hash = state.settings().root_user.as_ref().map(RootUser::hash);
    let end = match (&caller.who, &root_hash) {
        (Who::Login(id), _) => TokenEnd::Login(id),
        (Who::RootUser, Some(root_hash)) => TokenEnd::Root(root_hash),
        (Who::RootUser | Who::RootClient | Who::Client(_), _) => TokenEnd::Token(credential.text()),
    };
    state.store().access_token_end(end, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who gave the right password; none if it is wrong, or they are kept out.
pub(super) async fn proven(
    state: &ApiState,
    address: Address,
    form: &LoginForm,
) -> Result<Option<SignedIn>, ApiError> {
    state.sign_ins().take(&format!("address {}", address.name()))?;
    let root = state.settings().root_user.as_ref();
    if let Some(root) = root.filter(|root| root.username.eq_ignore_ascii_case(&form.username)) {
        return root_proven(state, root, form).await;
    }
    let login = state.store().login_find_named(&form.username).await?;
    let kept = login.as_ref().filter(|login| !login.disabled);
    let fits = password_fits(state, &form.username, &form.password, kept).await?;
    Ok(login.filter(|_| fits).map(|login| SignedIn::Login(Box::new(login))))
}

/// The password of the settings. Takes as long as those of accounts, so that the time does not tell its
/// name.
async fn root_proven(
    state: &ApiState,
    root: &RootUser,
    form: &LoginForm,
) -> Result<Option<SignedIn>, ApiError> {
    password_fits(state, &form.username, &form.password, None).await?;
    let hash = |text: &str| sha256(text.as_bytes());
    let fits = constant_time_eq(&hash(&form.password), &hash(root.password.expose()));
    if fits {
        state.sign_ins().give_back(&counted(&form.username));
    }
    Ok(fits.then(|| SignedIn::Root(root.clone())))
}

pub(super) fn not_signed_in() -> ApiError {
    tracing::warn!("a person was not signed in");
    ApiError::Refused("Incorrect username or password.".to_owned())
}

/// Whether `password` is that of `kept`; so many wrong ones for a name, and no more are looked at.
pub(super) async fn password_fits(
    state: &ApiState,
    username: &str,
    password: &str,
    kept: Option<&Login>,
) -> Result<bool, ApiError> {
    let name = counted(username);
    // Counted before, so that many at once are not looked at either; one that fits does not count.
    state.sign_ins().take(&name)?;
    let fits = state.passwords().check(password, kept.and_then(|login| login.password.clone())).await?;
    if fits {
        state.sign_ins().give_back(&name);
    }
    Ok(fits)
}

/// What attempts for a name are counted under. Names of any length would fill the memory.
fn counted(username: &str) -> String {
    let name: String = username.to_lowercase().chars().take(100).collect();
    format!("name {name}")
}
