//! Connectors that run elsewhere and ask this server for work: who they are, how they are, and what they are to do.

mod change;
mod credential;
mod history;
mod manifest;
mod started;
mod status;
mod task;
mod work;

use axum::Json;
use axum::extract::{Path, State};
use baton::control::ControlError;
use connections::ConfiguredElsewhere;
use http::StatusCode;
use model::ConnectionKey;
use store::BatonConnector;

use self::status::ConnectorReply;
use crate::ApiError;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get, register))
        .merge(credential::routes())
        .merge(history::routes())
        .merge(task::routes())
        .merge(work::routes())
}

/// How the connector of a connection is: its label, its last sync, and when it was last heard of.
#[utoipa::path(
    get,
    path = "/connection/{key}/self-hosted",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = ConnectorReply), (status = 404))
)]
async fn get(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<ConnectorReply>, ApiError> {
    let connector = find(&state, &key).await?;
    ConnectorReply::of(&state, &connector.id).await.map(Json)
}

/// Register a connector for a connection; if it has one, it is that one. It gets its client id and secret by
/// `POST …/credential`.
#[utoipa::path(
    put,
    path = "/connection/{key}/self-hosted",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = ConnectorReply), (status = 404), (status = 409))
)]
async fn register(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<ConnectorReply>, ApiError> {
    let key = connection_key(&key)?;
    let found = state.store().connection_find(&key).await?.ok_or_else(|| no_connection(key.as_str()))?;
    ConfiguredElsewhere::check(&found).map_err(|error| ApiError::Conflict(error.to_string()))?;
    let connector = state.control()?.register(&key, caller.actor).await?;
    ConnectorReply::of(&state, &connector.id).await.map(Json)
}

/// The connector of the connection with this key.
async fn find(state: &ApiState, key: &str) -> Result<BatonConnector, ApiError> {
    let key = connection_key(key)?;
    let found = state.store().baton_connector_of(&key).await?;
    found.ok_or_else(|| {
        let text = "has no self-hosted connector; register one with `PUT`";
        ApiError::NotFound(format!("The connection '{key}' {text}."))
    })
}

fn connection_key(key: &str) -> Result<ConnectionKey, ApiError> {
    key.parse().map_err(|_| no_connection(key))
}

fn no_connection(key: &str) -> ApiError {
    ApiError::NotFound(format!("No connection configuration found with key '{key}'."))
}

/// What was done that has nothing to tell.
fn done() -> StatusCode {
    StatusCode::NO_CONTENT
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Store(error) => error.into(),
            ControlError::NoConnector { .. } => Self::NotFound(error.to_string()),
            ControlError::NotCapable { .. }
            | ControlError::Paused
            | ControlError::ForReading { .. }
            | ControlError::SwitchedOff { .. } => Self::Conflict(error.to_string()),
            ControlError::NoHost => Self::FailedDependency(error.to_string()),
            ControlError::Answer { .. } | ControlError::Clock => Self::Private(Box::new(error)),
        }
    }
}
