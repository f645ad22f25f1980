//! The connector file of a connection (fides-api 5).

use axum::Json;
use axum::extract::{Path, State};
use connections::{ConnectorFileError, Problem};
use http::StatusCode;
use jiff::Timestamp;
use model::ConnectionKey;
use serde::Serialize;
use serde_json::{Value, json};
use store::ConnectorVersion;
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::problems::{invalid_list, place_in_body};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(validate))
        .routes(routes!(patch, get, remove))
        .routes(routes!(history))
        .routes(routes!(version))
}

/// A document that may be kept.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectorValidated {
    /// The document as it would be kept.
    #[schema(value_type = Object)]
    saas_config: Value,
    /// What the check says.
    validation_details: ValidationDetails,
}

/// What a check says of a document that may be kept.
#[derive(Debug, Serialize, ToSchema)]
struct ValidationDetails {
    /// The result.
    msg: &'static str,
    /// What works, but not as its author may think.
    warnings: Vec<ConnectorWarning>,
}

/// A finding that does not refuse the document.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectorWarning {
    /// The way to it: `body`, then keys and positions.
    loc: Vec<Value>,
    /// What it is.
    msg: String,
}

/// A connector file that a connection had.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryEntry {
    /// Its id.
    id: String,
    /// Its version, as written.
    version: String,
    /// Since when it was kept.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// The same with its content.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryVersion {
    /// Its id.
    id: String,
    /// Its version, as written.
    version: String,
    /// Since when it was kept.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The content.
    #[schema(value_type = Object)]
    config: Value,
    /// The datasets at that time.
    dataset: Option<Vec<Value>>,
}

/// Checks a connector file; keeps nothing. The connection need not exist.
#[utoipa::path(
    put,
    path = "/connection/{key}/validate_saas_config",
    tag = "Connector files",
    operation_id = "connector_file_validate",
    security(("oauth2" = ["saas_config:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = Object,
    responses((status = 200, body = ConnectorValidated), (status = 422))
)]
async fn validate(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Body(document): Body<Value>,
) -> Result<Json<ConnectorValidated>, ApiError> {
    let checked = state.connections().connector_file_check(&parse(&key)?, &document).await?;
    let warnings = checked.warnings.into_iter().map(ConnectorWarning::from).collect();
    let validation_details = ValidationDetails { msg: "Validation successful", warnings };
    Ok(Json(ConnectorValidated { saas_config: checked.connector.document, validation_details }))
}

/// Gives a connection a connector file in place of the one it has.
#[utoipa::path(
    patch,
    path = "/connection/{key}/saas_config",
    tag = "Connector files",
    operation_id = "connector_file_put",
    security(("oauth2" = ["saas_config:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = Object,
    responses((status = 200, body = Object), (status = 400), (status = 404), (status = 422))
)]
async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(document): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    let kept = state.connections().connector_file_put(&parse(&key)?, &document, caller.actor).await?;
    Ok(Json(kept.document))
}

/// The connector file of a connection.
#[utoipa::path(
    get,
    path = "/connection/{key}/saas_config",
    tag = "Connector files",
    operation_id = "connector_file_get",
    security(("oauth2" = ["saas_config:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = Object), (status = 400), (status = 404))
)]
async fn get(State(state): State<ApiState>, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    Ok(Json(state.connections().connector_file_get(&parse(&key)?).await?.document))
}

/// Takes a connection's connector file away, once its dataset and its secrets are gone.
#[utoipa::path(
    delete,
    path = "/connection/{key}/saas_config",
    tag = "Connector files",
    operation_id = "connector_file_remove",
    security(("oauth2" = ["saas_config:delete"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 204), (status = 400), (status = 404))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.connections().connector_file_remove(&parse(&key)?, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The connector files that a connection had, the newest first.
#[utoipa::path(
    get,
    path = "/connection/{key}/saas-history",
    tag = "Connector files",
    operation_id = "connector_file_history",
    security(("oauth2" = ["saas_config:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = [HistoryEntry]), (status = 400), (status = 404))
)]
async fn history(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<Vec<HistoryEntry>>, ApiError> {
    let versions = state.connections().connector_file_history(&parse(&key)?).await?;
    Ok(Json(versions.into_iter().map(HistoryEntry::from).collect()))
}

/// The newest connector file of a version that a connection had.
#[utoipa::path(
    get,
    path = "/connection/{key}/saas-history/{version}",
    tag = "Connector files",
    operation_id = "connector_file_version",
    security(("oauth2" = ["saas_config:read"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("version" = String, Path, description = "The version, as the file writes it")
    ),
    responses((status = 200, body = HistoryVersion), (status = 400), (status = 404))
)]
async fn version(
    State(state): State<ApiState>,
    Path((key, version)): Path<(String, String)>,
) -> Result<Json<HistoryVersion>, ApiError> {
    let found = state.connections().connector_file_version(&parse(&key)?, &version).await?;
    Ok(Json(HistoryVersion::from(found)))
}

/// No connection has a key that is none.
fn parse(key: &str) -> Result<ConnectionKey, ApiError> {
    key.parse().map_err(|_| ApiError::NotFound(format!("No connection config with key '{key}'")))
}

impl From<Problem> for ConnectorWarning {
    fn from(problem: Problem) -> Self {
        let loc = std::iter::once(json!("body")).chain(place_in_body(&problem.place)).collect();
        Self { loc, msg: problem.message }
    }
}

impl From<ConnectorVersion> for HistoryEntry {
    fn from(version: ConnectorVersion) -> Self {
        Self { id: version.id, version: version.version, created_at: version.created_at }
    }
}

impl From<ConnectorVersion> for HistoryVersion {
    fn from(version: ConnectorVersion) -> Self {
        let dataset = match version.datasets {
            Some(Value::Array(datasets)) => Some(datasets),
            Some(one) => Some(vec![one]),
            None => None,
        };
        Self {
            id: version.id,
            version: version.version,
            created_at: version.created_at,
            config: version.document,
            dataset,
        }
    }
}

impl From<ConnectorFileError> for ApiError {
    fn from(error: ConnectorFileError) -> Self {
        match error {
            ConnectorFileError::NoConnection { .. }
            | ConnectorFileError::NoFile { .. }
            | ConnectorFileError::NoVersion { .. } => Self::NotFound(error.to_string()),
            ConnectorFileError::NotAnApplication | ConnectorFileError::InUse(_) => {
                Self::BadRequest(error.to_string())
            }
            ConnectorFileError::Fixed(text) => Self::Unprocessable(text),
            ConnectorFileError::Invalid(problems) => invalid_list(&[json!("body")], &problems),
            ConnectorFileError::Store(error) => error.into(),
        }
    }
}
