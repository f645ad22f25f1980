//! Programs that use the interface.

use axum::Json;
use axum::extract::{Path, State};
use crypto::AccessToken;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Client, ClientChange, ClientId, NewClient};
use utoipa::ToSchema;

use super::oauth_scope::known;
use crate::body::{Body, from_value};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;
use crate::{ApiError, Scope};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, update, delete))
        .routes(routes!(change_secret))
        .routes(routes!(read_scopes, update_scopes))
}

/// A client.
#[derive(Serialize, ToSchema)]
struct ClientReply {
    /// Its id.
    client_id: String,
    /// What people call it.
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// What it may do.
    scopes: Vec<String>,
}

impl ClientReply {
    fn of(client: Client) -> Self {
        Self {
            client_id: client.id.as_str().to_owned(),
            name: client.name,
            description: client.description,
            scopes: client.scopes,
        }
    }
}

/// A client's secret, seen this once.
#[derive(Serialize, ToSchema)]
struct ClientSecretReply {
    /// The client's id.
    client_id: String,
    /// Its secret.
    client_secret: String,
}

impl ClientSecretReply {
    fn of(id: &ClientId, secret: &AccessToken) -> Self {
        Self { client_id: id.as_str().to_owned(), client_secret: secret.text().expose().clone() }
    }
}

/// What a client is to be, or to become.
#[derive(Default, Deserialize, ToSchema)]
struct ClientUpdate {
    /// What people call it.
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// What it may do.
    scopes: Option<Vec<String>>,
}

/// List clients.
#[utoipa::path(
    get,
    path = "/oauth/client",
    tag = "Sign-in",
    params(Paging),
    security(("oauth2" = ["client:read"])),
    responses((status = 200, body = PageOf<ClientReply>))
)]
async fn list(State(state): State<ApiState>, paging: Paging) -> Result<Json<PageOf<ClientReply>>, ApiError> {
    let listed = state.store().client_list(paging.window()).await?;
    Ok(Json(paging.of(listed, ClientReply::of)))
}

/// Make a client; its secret is shown this once.
#[utoipa::path(
    post,
    path = "/oauth/client",
    tag = "Sign-in",
    security(("oauth2" = ["client:create"])),
    request_body(content = ClientUpdate, description = "Or only the list of its scopes, or nothing."),
    responses((status = 200, body = ClientSecretReply))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<Value>,
) -> Result<Json<ClientSecretReply>, ApiError> {
    let asked = ClientUpdate::of(&asked)?;
    let scopes = given(&caller, asked.scopes.as_deref().unwrap_or_default())?;
    let ClientUpdate { name, description, .. } = asked;
    let new = NewClient { name, description, scopes, actor: caller.actor };
    let (client, secret) = state.store().client_create(new).await?;
    Ok(Json(ClientSecretReply::of(&client.id, &secret)))
}

/// Read a client.
#[utoipa::path(
    get,
    path = "/oauth/client/{client_id}",
    tag = "Sign-in",
    params(("client_id" = String, Path)),
    security(("oauth2" = ["client:read"])),
    responses((status = 200, body = ClientReply))
)]
async fn read(State(state): State<ApiState>, Path(id): Path<String>) -> Result<Json<ClientReply>, ApiError> {
    Ok(Json(ClientReply::of(find(&state, &id).await?)))
}

/// Change a client; what is not sent stays.
#[utoipa::path(
    put,
    path = "/oauth/client/{client_id}",
    tag = "Sign-in",
    params(("client_id" = String, Path)),
    security(("oauth2" = ["client:update"])),
    responses((status = 200, body = ClientReply))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(asked): Body<ClientUpdate>,
) -> Result<Json<ClientReply>, ApiError> {
    let client = find(&state, &id).await?;
    let scopes = asked.scopes.map(|scopes| given(&caller, &scopes)).transpose()?;
    let change = ClientChange { name: asked.name, description: asked.description, scopes };
    let changed = state.store().client_change(&client.id, change, caller.actor).await?;
    changed.map(|client| Json(ClientReply::of(client))).ok_or_else(not_found)
}

/// Remove a client; its tokens end at once.
#[utoipa::path(
    delete,
    path = "/oauth/client/{client_id}",
    tag = "Sign-in",
    params(("client_id" = String, Path)),
    security(("oauth2" = ["client:delete"])),
    responses((status = 200, description = "`null`, also when there was none"))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    if let Some(id) = ClientId::parse(&id) {
        state.store().client_remove(&id, caller.actor).await?;
    }
    Ok(Json(Value::Null))
}

/// Give a client another secret, shown this once; the old one and its tokens end.
#[utoipa::path(
    post,
    path = "/oauth/client/{client_id}/secret",
    tag = "Sign-in",
    params(("client_id" = String, Path)),
    security(("oauth2" = ["client:update"])),
    responses((status = 200, body = ClientSecretReply))
)]
async fn change_secret(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ClientSecretReply>, ApiError> {
    let client = find(&state, &id).await?;
    caller.require_all(client.scopes.iter().filter_map(|scope| Scope::find(scope)))?;
    let secret = state.store().client_secret_change(&client.id, caller.actor).await?;
    secret.map(|secret| Json(ClientSecretReply::of(&client.id, &secret))).ok_or_else(not_found)
}

/// List what a client may do; nothing if there is no such client.
#[utoipa::path(
    get,
    path = "/oauth/client/{client_id}/scope",
    tag = "Sign-in",
    params(("client_id" = String, Path)),
    security(("oauth2" = ["client:read"])),
    responses((status = 200, body = Vec<String>))
)]
async fn read_scopes(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Vec<String>>, ApiError> {
    match find(&state, &id).await {
        Ok(client) => Ok(Json(client.scopes)),
        Err(ApiError::NotFound(_)) => Ok(Json(Vec::new())),
        Err(error) => Err(error),
    }
}

/// Say what a client may do; its tokens may do no more from then on.
#[utoipa::path(
    put,
    path = "/oauth/client/{client_id}/scope",
    tag = "Sign-in",
    params(("client_id" = String, Path)),
    security(("oauth2" = ["client:update"])),
    request_body = Vec<String>,
    responses((status = 200, description = "`null`, also when there is no such client"))
)]
async fn update_scopes(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(scopes): Body<Vec<String>>,
) -> Result<Json<Value>, ApiError> {
    let scopes = given(&caller, &scopes)?;
    if let Some(id) = ClientId::parse(&id) {
        let change = ClientChange { scopes: Some(scopes), ..ClientChange::default() };
        state.store().client_change(&id, change, caller.actor).await?;
    }
    Ok(Json(Value::Null))
}

impl ClientUpdate {
    /// A client to be made: nothing, its scopes alone, or all of it.
    fn of(sent: &Value) -> Result<Self, ApiError> {
        let place = [json!("body")];
        let client = match sent {
            Value::Null => Ok(Self::default()),
            Value::Array(_) => {
                from_value(&place, sent).map(|scopes| Self { scopes: Some(scopes), ..Self::default() })
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                from_value(&place, sent)
            }
        };
        client.map_err(|invalid| ApiError::Invalid(vec![invalid]))
    }
}

/// Scopes that `caller` gives away: known ones, and only those that they have.
fn given(caller: &Caller, scopes: &[String]) -> Result<Vec<String>, ApiError> {
    let scopes = known(scopes)?;
    caller.require_all(scopes.iter().copied())?;
    Ok(scopes.into_iter().map(|scope| scope.as_str().to_owned()).collect())
}

async fn find(state: &ApiState, id: &str) -> Result<Client, ApiError> {
    let id = ClientId::parse(id).ok_or_else(not_found)?;
    state.store().client_find(&id).await?.ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::NotFound("Client not found.".to_owned())
}
