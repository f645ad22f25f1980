use axum::Json;
use axum::extract::{Path, State};
use connections::{SecretsMode, Trial};
use model::ConnectionKey;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::ConnectionTestReply;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::query::Query;
use crate::state::ApiState;

/// What is done with secrets once they are kept.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SecretQuery {
    /// Whether the connection is tried with them; it is unless this is `false`.
    #[param(default = true, required = false)]
    verify: Option<bool>,
}

impl SecretQuery {
    /// Whether the connection is to be tried.
    pub(super) fn is_wanted(&self) -> bool {
        self.verify.unwrap_or(true)
    }
}

/// Secrets that were sent, and what is to be done with them.
pub(crate) struct SentSecrets {
    pub(crate) values: Map<String, Value>,
    pub(crate) mode: SecretsMode,
    pub(crate) query: SecretQuery,
}

/// Keeps the secrets of a connection in place of those it has.
#[utoipa::path(
    put,
    path = "/connection/{key}/secret",
    tag = "Connections",
    operation_id = "connection_secret_put",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection"), SecretQuery),
    request_body = Object,
    responses((status = 200, body = ConnectionTestReply), (status = 404), (status = 422))
)]
pub(super) async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<SecretQuery>,
    Body(values): Body<Map<String, Value>>,
) -> Result<Json<ConnectionTestReply>, ApiError> {
    let sent = SentSecrets { values, mode: SecretsMode::Replace, query };
    put_secrets(&state, &caller, (&key, sent)).await.map(Json)
}

/// Keeps secrets of a connection beside those it has.
#[utoipa::path(
    patch,
    path = "/connection/{key}/secret",
    tag = "Connections",
    operation_id = "connection_secret_patch",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection"), SecretQuery),
    request_body = Object,
    responses((status = 200, body = ConnectionTestReply), (status = 404), (status = 422))
)]
pub(super) async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Query(query): Query<SecretQuery>,
    Body(values): Body<Map<String, Value>>,
) -> Result<Json<ConnectionTestReply>, ApiError> {
    let sent = SentSecrets { values, mode: SecretsMode::Merge, query };
    put_secrets(&state, &caller, (&key, sent)).await.map(Json)
}

/// Keeps secrets, and tries the connection with them unless the caller does not want to know.
pub(crate) async fn put_secrets(
    state: &ApiState,
    caller: &Caller,
    (key, sent): (&str, SentSecrets),
) -> Result<ConnectionTestReply, ApiError> {
    let absent = || ApiError::NotFound(format!("No connection config found with key {key}"));
    let key: ConnectionKey = key.parse().map_err(|_| absent())?;
    let SentSecrets { values, mode, query } = sent;
    let kept = state.connections().put_secrets(&key, (values, mode), caller.actor.clone()).await?;
    let msg = format!("Secrets updated for ConnectionConfig with key: {key}.");
    let cleared = (!kept.cleared.is_empty()).then(|| Trial::Failed(kept.to_string()));
    let trial = match (cleared, query.is_wanted()) {
        (Some(cleared), _) => Some(cleared),
        (None, true) => Some(state.connections().test(&key).await?),
        (None, false) => None,
    };
    Ok(ConnectionTestReply::of(msg, trial))
}
