//! People who sign in.

mod account;
mod mail;
mod password;
mod permission;
mod system_manager;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Login, LoginId, LoginRemoval, NewLogin};
use utoipa::{IntoParams, ToSchema};

pub(super) use self::account::is_email;
use self::account::{UserCreate, UserUpdate};
use crate::body::Body;
use crate::caller::{Caller, Who};
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::state::ApiState;
use crate::{ApiError, Role, RootUser, Scope};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update, delete))
        .merge(mail::routes())
        .merge(password::routes())
        .merge(permission::routes())
        .merge(system_manager::routes())
}

/// A person who signs in.
#[derive(Serialize, ToSchema)]
pub(super) struct UserReply {
    /// The id.
    id: String,
    /// The name they sign in with.
    username: String,
    /// When the account was made.
    created_at: Timestamp,
    /// Their e-mail address.
    email_address: Option<String>,
    /// First name.
    first_name: Option<String>,
    /// Last name.
    last_name: Option<String>,
    /// Kept out.
    disabled: bool,
    /// Why they are kept out.
    disabled_reason: Option<String>,
    /// When their address was proven to be theirs.
    email_verified_at: Option<Timestamp>,
    /// Whether they were invited and have not answered yet.
    has_invite: bool,
    /// Whether that invitation is too old.
    invite_expired: bool,
}

impl UserReply {
    pub(super) fn of(login: Login) -> Self {
        Self {
            id: login.id.as_str().to_owned(),
            username: login.username,
            created_at: login.created_at,
            email_address: login.person.email_address,
            first_name: login.person.first_name,
            last_name: login.person.last_name,
            disabled: login.disabled,
            disabled_reason: login.disabled_reason,
            email_verified_at: login.email_verified_at,
            has_invite: false,
            invite_expired: false,
        }
    }

    /// The same of somebody whose invitation can be answered until then.
    fn invited(self, until: Option<Timestamp>, now: Timestamp) -> Self {
        let invite_expired = until.is_some_and(|until| until <= now);
        Self { has_invite: until.is_some(), invite_expired, ..self }
    }

    /// The person that the settings name.
    pub(super) fn of_root(user: &RootUser, state: &ApiState) -> Self {
        Self {
            id: "root".to_owned(),
            username: user.username.clone(),
            created_at: state.clock().now(),
            email_address: None,
            first_name: None,
            last_name: None,
            disabled: false,
            disabled_reason: None,
            email_verified_at: None,
            has_invite: false,
            invite_expired: false,
        }
    }
}

/// The id of a new account.
#[derive(Serialize, ToSchema)]
struct UserCreated {
    /// The id.
    id: String,
}

/// Which people are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UserFilter {
    /// A part of their name, whatever the case.
    username: Option<String>,
}

/// List people who sign in, newest first.
#[utoipa::path(
    get,
    path = "/user",
    tag = "Users",
    params(Paging, UserFilter),
    security(("oauth2" = ["user:read"])),
    responses((status = 200, body = PageOf<UserReply>))
)]
async fn list(
    State(state): State<ApiState>,
    paging: Paging,
    Query(filter): Query<UserFilter>,
) -> Result<Json<PageOf<UserReply>>, ApiError> {
    let listed = state.store().login_list(filter.username.as_deref(), paging.window()).await?;
    let (invited, now) = (state.store().login_invitation_list().await?, state.clock().now());
    Ok(Json(paging.of(listed, |login| {
        let open = invited.iter().find(|invited| invited.login == login.id);
        UserReply::of(login).invited(open.map(|open| open.expires_at), now)
    })))
}

/// Make an account, with the role of a viewer.
#[utoipa::path(
    post,
    path = "/user",
    tag = "Users",
    security(("oauth2" = ["user:create"])),
    responses((status = 201, body = UserCreated))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<UserCreate>,
) -> Result<(StatusCode, Json<UserCreated>), ApiError> {
    let asked = asked.checked()?;
    let password = match asked.password {
        Some(password) => Some(state.passwords().make(password).await?),
        None => None,
    };
    let new = NewLogin {
        username: asked.username,
        person: asked.person,
        password,
        disabled: asked.disabled,
        roles: vec![Role::Viewer.as_str().to_owned()],
        actor: caller.actor,
    };
    let actor = new.actor.clone();
    let login = account::done(state.store().login_create(new).await?)?;
    if login.password.is_none() {
        // The account is there; the invitation can be asked for again.
        if let Err(error) = mail::invite(&state, &login, actor).await {
            tracing::warn!(status = %error.status(), "a person was not invited");
        }
    }
    Ok((StatusCode::CREATED, Json(UserCreated { id: login.id.as_str().to_owned() })))
}

/// Read an account; one's own, or with `user:read`.
#[utoipa::path(
    get,
    path = "/user/{user_id}",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = [])),
    responses((status = 200, body = UserReply))
)]
async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<UserReply>, ApiError> {
    if !caller.is_login(&id) {
        caller.require(Scope::UserRead)?;
    }
    let login = find(&state, &id).await?;
    reply(&state, login).await.map(Json)
}

/// Change an account; one's own, or with `user:update`. What is not sent stays.
#[utoipa::path(
    put,
    path = "/user/{user_id}",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = [])),
    responses((status = 200, body = UserReply))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(asked): Body<UserUpdate>,
) -> Result<Json<UserReply>, ApiError> {
    let own = caller.is_login(&id);
    if !own || asked.disabled.is_some() {
        caller.require(Scope::UserUpdate)?;
    }
    let mut login = find(&state, &id).await?;
    if !own {
        caller.require_all(scopes(&login))?;
    }
    for change in asked.changes(&login)? {
        let put = state.store().login_change(&login.id, change, caller.actor.clone()).await?;
        login = account::done(put)?;
    }
    Ok(Json(UserReply::of(login)))
}

/// Remove an account; its tokens end at once.
#[utoipa::path(
    delete,
    path = "/user/{user_id}",
    tag = "Users",
    params(("user_id" = String, Path)),
    security(("oauth2" = ["user:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let login = find(&state, &id).await?;
    caller.require_all(scopes(&login))?;
    match state.store().login_remove(&login.id, caller.actor).await? {
        LoginRemoval::Done => Ok(StatusCode::NO_CONTENT),
        LoginRemoval::Absent => Err(not_found()),
        LoginRemoval::LastOwner => Err(account::last_owner()),
    }
}

impl Caller {
    /// Whether they are the person with this id.
    fn is_login(&self, id: &str) -> bool {
        match &self.who {
            Who::Login(own) => own.as_str() == id,
            Who::RootClient | Who::RootUser | Who::Client(_) => false,
        }
    }
}

/// What a person may do.
fn scopes(login: &Login) -> impl Iterator<Item = Scope> {
    login.roles.iter().filter_map(|role| Role::find(role)).flat_map(Role::scopes)
}

/// A person with their invitation.
async fn reply(state: &ApiState, login: Login) -> Result<UserReply, ApiError> {
    let until = state.store().login_invitation_find(&login.id).await?;
    Ok(UserReply::of(login).invited(until, state.clock().now()))
}

async fn find(state: &ApiState, id: &str) -> Result<Login, ApiError> {
    let id = LoginId::parse(id).ok_or_else(not_found)?;
    state.store().login_find(&id).await?.ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::NotFound("User not found".to_owned())
}
