//! Who owns connections and applications (governance CON-10, CON-17, APP-8).

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use store::{LoginId, Owner, OwnersSet};
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::{Caller, Who};
use crate::documented::{OpenApiRouter, routes};
use crate::routes::connection_sync;
use crate::state::ApiState;
use crate::text::Text;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(of_connection, set_of_connection))
        .routes(routes!(of_application, set_of_application))
}

/// Most owners of one thing.
const MOST: usize = 32;

/// An owner.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnerReply {
    /// Their id, as of `/user`.
    id: String,
    /// The name they sign in with.
    username: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// List the owners of a connection.
#[utoipa::path(
    get,
    path = "/connection/{key}/owner",
    tag = "Owners",
    operation_id = "connection_owner_list",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = [OwnerReply]), (status = 404))
)]
async fn of_connection(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<Vec<OwnerReply>>, ApiError> {
    let connection = connection_sync::find(&state, &key).await?;
    let owners = state.store().connection_owner_list(&connection.key).await?;
    Ok(Json(owners.into_iter().map(OwnerReply::of).collect()))
}

/// Say who owns a connection: these, and nobody else, by their ids. Whoever is new gets an e-mail, unless they said
/// so themselves.
#[utoipa::path(
    put,
    path = "/connection/{key}/owner",
    tag = "Owners",
    operation_id = "connection_owner_set",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = [String],
    responses((status = 200, body = [OwnerReply]), (status = 404), (status = 422))
)]
async fn set_of_connection(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(ids): Body<Vec<Text>>,
) -> Result<Json<Vec<OwnerReply>>, ApiError> {
    let connection = connection_sync::find(&state, &key).await?;
    let (owners, by) = (logins(ids)?, own_id(&caller));
    let set = state.store().connection_owner_set(&connection.key, &owners, (by, caller.actor.clone()));
    set_or_refused(set.await?, &key)?;
    let owners = state.store().connection_owner_list(&connection.key).await?;
    Ok(Json(owners.into_iter().map(OwnerReply::of).collect()))
}

/// List the owners of an application: those who look after it.
#[utoipa::path(
    get,
    path = "/application/{key}/owner",
    tag = "Owners",
    operation_id = "application_owner_list",
    security(("oauth2" = ["system_manager:read"])),
    params(("key" = String, Path, description = "Key of the application")),
    responses((status = 200, body = [OwnerReply]), (status = 404))
)]
async fn of_application(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<Vec<OwnerReply>>, ApiError> {
    if state.store().application_state_find(&key).await?.is_none() {
        return Err(absent(&key));
    }
    Ok(Json(owners(&state, &key).await?))
}

/// Say who owns an application: these, and nobody else, by their ids. Whoever is new gets an e-mail, unless they said
/// so themselves.
#[utoipa::path(
    put,
    path = "/application/{key}/owner",
    tag = "Owners",
    operation_id = "application_owner_set",
    security(("oauth2" = ["system_manager:update"])),
    params(("key" = String, Path, description = "Key of the application")),
    request_body = [String],
    responses((status = 200, body = [OwnerReply]), (status = 404), (status = 422))
)]
async fn set_of_application(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(ids): Body<Vec<Text>>,
) -> Result<Json<Vec<OwnerReply>>, ApiError> {
    set_owners(&state, &caller, (&key, &logins(ids)?)).await?;
    Ok(Json(owners(&state, &key).await?))
}

/// Makes these the owners of an application.
pub(super) async fn set_owners(
    state: &ApiState,
    caller: &Caller,
    (key, owners): (&str, &[LoginId]),
) -> Result<(), ApiError> {
    let by = (own_id(caller), caller.actor.clone());
    set_or_refused(state.store().application_owner_set(key, owners, by).await?, key)
}

/// The people with these ids, each of whom there is.
pub(super) async fn known(state: &ApiState, ids: Vec<Text>) -> Result<Vec<LoginId>, ApiError> {
    let owners = logins(ids)?;
    for owner in &owners {
        if state.store().login_find(owner).await?.is_none() {
            return Err(nobody(owner.as_str()));
        }
    }
    Ok(owners)
}

/// The owners of an application.
pub(super) async fn owners(state: &ApiState, key: &str) -> Result<Vec<OwnerReply>, ApiError> {
    let owners = state.store().application_owner_list(key).await?;
    Ok(owners.into_iter().map(OwnerReply::of).collect())
}

/// There is no application with this key.
pub(super) fn absent(key: &str) -> ApiError {
    ApiError::NotFound(format!("No application found with key '{key}'."))
}

fn own_id(caller: &Caller) -> Option<&LoginId> {
    match &caller.who {
        Who::Login(id) => Some(id),
        Who::RootClient | Who::RootUser | Who::Client(_) => None,
    }
}

fn logins(ids: Vec<Text>) -> Result<Vec<LoginId>, ApiError> {
    let wrong = |message: String| ApiError::invalid("value_error", vec![json!("body")], message);
    if ids.len() > MOST {
        return Err(wrong(format!("at most {MOST} owners")));
    }
    let id = |text: Text| LoginId::parse(&text.0).ok_or_else(|| nobody(&text.0));
    ids.into_iter().map(id).collect()
}

fn nobody(id: &str) -> ApiError {
    ApiError::invalid("value_error", vec![json!("body")], format!("nobody has the id '{id}'"))
}

fn set_or_refused(set: OwnersSet, key: &str) -> Result<(), ApiError> {
    match set {
        OwnersSet::Done => Ok(()),
        OwnersSet::Absent => Err(absent(key)),
        OwnersSet::Unknown(id) => Err(nobody(id.as_str())),
    }
}

impl OwnerReply {
    fn of(owner: Owner) -> Self {
        Self { id: owner.login.as_str().to_owned(), username: owner.username, since: owner.since }
    }
}
