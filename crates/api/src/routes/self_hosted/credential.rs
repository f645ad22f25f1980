use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use store::{BatonCredential, BatonCredentialId};
use utoipa::ToSchema;

use super::manifest::manifest;
use super::{done, find, no_connection};
use crate::ApiError;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, rotate)).routes(routes!(revoke))
}

/// A client id and secret, seen this once.
#[derive(Serialize, ToSchema)]
struct FreshCredentialReply {
    /// The client id (`BATON_CLIENT_ID`).
    client_id: String,
    /// The client secret (`BATON_CLIENT_SECRET`). Nobody can show it again.
    client_secret: String,
    /// Both in a Kubernetes manifest that starts the connector of the connection, YAML.
    manifest: String,
}

/// A credential of a connector, without its secret.
#[derive(Serialize, ToSchema)]
struct ConnectorCredentialReply {
    /// Its id.
    id: String,
    /// The client id.
    client_id: String,
    /// Whether it can be used.
    is_good: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When a token was last got with it.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// When it ends by itself, as another took its place.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was taken back.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// The credentials of a connector, the newest first.
#[utoipa::path(
    get,
    path = "/connection/{key}/self-hosted/credential",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = [ConnectorCredentialReply]), (status = 404))
)]
async fn list(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<Vec<ConnectorCredentialReply>>, ApiError> {
    let connector = find(&state, &key).await?;
    let now = state.clock().now();
    let credentials = state.control()?.credentials(&connector.id).await?.into_iter();
    Ok(Json(credentials.map(|credential| ConnectorCredentialReply::of(credential, now)).collect()))
}

/// Rotate: make another client id and secret, shown this once. Those before stay good for as long as
/// `self_hosted.overlap` says.
#[utoipa::path(
    post,
    path = "/connection/{key}/self-hosted/credential",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses(
        (status = 201, body = FreshCredentialReply),
        (status = 404),
        (status = 424, description = "The settings do not say where connectors reach this server")
    )
)]
async fn rotate(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<(StatusCode, Json<FreshCredentialReply>), ApiError> {
    let connector = find(&state, &key).await?;
    let connection = state.store().connection_find(&connector.connection).await?;
    let connection = connection.ok_or_else(|| no_connection(&key))?;
    let fresh = state.control()?.rotate(&connector.id, caller.actor).await?;
    let manifest = manifest(&connection, &fresh);
    let reply = FreshCredentialReply {
        client_id: fresh.client_id.as_str().to_owned(),
        client_secret: fresh.client_secret.expose().clone(),
        manifest,
    };
    Ok((StatusCode::CREATED, Json(reply)))
}

/// Take a credential back. Its tokens end with it, at once.
#[utoipa::path(
    delete,
    path = "/connection/{key}/self-hosted/credential/{credential_id}",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:create_or_update"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("credential_id" = String, Path, description = "Id of the credential")
    ),
    responses((status = 204), (status = 404))
)]
async fn revoke(
    State(state): State<ApiState>,
    caller: Caller,
    Path((key, credential)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let connector = find(&state, &key).await?;
    let revoked = match BatonCredentialId::parse(&credential) {
        Some(id) => state.control()?.revoke_credential(&connector.id, &id, caller.actor).await?,
        None => false,
    };
    if !revoked {
        let text = format!("The connector has no credential '{credential}' that could be taken back.");
        return Err(ApiError::NotFound(text));
    }
    Ok(done())
}

impl ConnectorCredentialReply {
    fn of(credential: BatonCredential, now: Timestamp) -> Self {
        let is_good = credential.is_good(now);
        let BatonCredential { id, client_id, created_at, last_used_at, expires_at, revoked_at, .. } =
            credential;
        let id = id.to_string();
        Self { id, client_id, is_good, created_at, last_used_at, expires_at, revoked_at }
    }
}
