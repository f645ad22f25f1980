//! The connector library (fides-api 7).

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::IntoResponse;
use connections::{
    OfferedTemplate, RegisterRefused, TemplateRemoveRefused, TemplateVersion, supported_actions,
};
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::body_bytes;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(register))
        .routes(routes!(register_deprecated))
        .routes(routes!(remove))
        .routes(routes!(config))
        .routes(routes!(dataset))
        .routes(routes!(versions))
        .routes(routes!(version_config))
        .routes(routes!(version_dataset))
}

/// One template.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectorTemplateReply {
    /// Its type.
    r#type: String,
    /// Its name for people.
    name: String,
    /// What can be done through it: `access`, `erasure`, `consent`.
    supported_actions: Vec<&'static str>,
    /// Shelf of the catalogue.
    category: Option<String>,
    /// Whether the customer brought it.
    custom: bool,
    /// Whether one of the program's own takes its place when it is removed.
    default_connector_available: bool,
}

/// A version of a template.
#[derive(Debug, Serialize, ToSchema)]
struct VersionReply {
    /// The template's type.
    connector_type: String,
    /// The version, as the file writes it.
    version: String,
    /// Whether the customer brought it.
    is_custom: bool,
    /// When the customer brought it; null for those that come with the program.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
}

/// The templates, by type.
#[utoipa::path(
    get,
    path = "/connector-templates",
    tag = "Connector templates",
    operation_id = "connector_template_list",
    security(("oauth2" = ["connector_template:read"])),
    responses((status = 200, body = [ConnectorTemplateReply]))
)]
async fn list(State(state): State<ApiState>) -> Result<Json<Vec<ConnectorTemplateReply>>, ApiError> {
    let templates = state.connections().template_list().await?;
    Ok(Json(templates.iter().map(ConnectorTemplateReply::from).collect()))
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct DoneReply {
    /// For people.
    message: &'static str,
}

/// Takes a template: an archive with one file that ends in `config.yml`, one that ends in `dataset.yml`,
/// and maybe one that ends in `.svg`. It takes the place of the one of its type, and the connections made
/// from that one are brought up to it.
#[utoipa::path(
    post,
    path = "/connector-templates/register",
    tag = "Connector templates",
    operation_id = "connector_template_register",
    security(("oauth2" = ["connector_template:register"])),
    request_body(content = Vec<u8>, content_type = "application/zip"),
    responses((status = 200, body = DoneReply), (status = 400), (status = 413))
)]
async fn register(
    State(state): State<ApiState>,
    caller: Caller,
    request: Request,
) -> Result<Json<DoneReply>, ApiError> {
    let archive = body_bytes(request, &state).await?;
    state.connections().template_register(&archive, caller.actor).await?;
    Ok(Json(DoneReply { message: "Connector template successfully registered." }))
}

/// The same under its older address.
#[utoipa::path(
    post,
    path = "/connector_template/register",
    tag = "Connector templates",
    operation_id = "connector_template_register_deprecated",
    security(("oauth2" = ["connector_template:register"])),
    request_body(content = Vec<u8>, content_type = "application/zip"),
    responses((status = 200, body = DoneReply), (status = 400), (status = 413))
)]
async fn register_deprecated(
    state: State<ApiState>,
    caller: Caller,
    request: Request,
) -> Result<Json<DoneReply>, ApiError> {
    register(state, caller, request).await
}

/// Takes a template of one's own away; its connections go back to the one that comes with the program.
#[utoipa::path(
    delete,
    path = "/connector-templates/{connector_type}",
    tag = "Connector templates",
    operation_id = "connector_template_remove",
    security(("oauth2" = ["connector_template:register"])),
    params(("connector_type" = String, Path, description = "Its type")),
    responses((status = 200, body = DoneReply), (status = 400), (status = 404))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<DoneReply>, ApiError> {
    state.connections().template_remove(&name, caller.actor).await?;
    Ok(Json(DoneReply { message: "Custom connector template successfully deleted." }))
}

/// The connector file of a template.
#[utoipa::path(
    get,
    path = "/connector-templates/{connector_type}/config",
    tag = "Connector templates",
    operation_id = "connector_template_config",
    security(("oauth2" = ["connector_template:read"])),
    params(("connector_type" = String, Path, description = "Its type")),
    responses((status = 200, body = String, content_type = "text/yaml"), (status = 404))
)]
async fn config(
    State(state): State<ApiState>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find(&state, &name).await?.template.config_text().to_owned()))
}

/// The dataset file of a template.
#[utoipa::path(
    get,
    path = "/connector-templates/{connector_type}/dataset",
    tag = "Connector templates",
    operation_id = "connector_template_dataset",
    security(("oauth2" = ["connector_template:read"])),
    params(("connector_type" = String, Path, description = "Its type")),
    responses((status = 200, body = String, content_type = "text/yaml"), (status = 404))
)]
async fn dataset(
    State(state): State<ApiState>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find(&state, &name).await?.template.dataset_text().to_owned()))
}

/// The versions of a template, the newest first.
#[utoipa::path(
    get,
    path = "/connector-templates/{connector_type}/versions",
    tag = "Connector templates",
    operation_id = "connector_template_versions",
    security(("oauth2" = ["connector_template:read"])),
    params(("connector_type" = String, Path, description = "Its type")),
    responses((status = 200, body = [VersionReply]), (status = 404))
)]
async fn versions(
    State(state): State<ApiState>,
    Path(name): Path<String>,
) -> Result<Json<Vec<VersionReply>>, ApiError> {
    let reply = |version: TemplateVersion| VersionReply {
        connector_type: name.clone(),
        version: version.version,
        is_custom: version.is_custom,
        created_at: version.created_at,
    };
    let versions = state.connections().template_versions(&name).await?;
    if versions.is_empty() {
        return Err(absent(&name));
    }
    Ok(Json(versions.into_iter().map(reply).collect()))
}

/// The connector file of a version of a template.
#[utoipa::path(
    get,
    path = "/connector-templates/{connector_type}/versions/{version}/config",
    tag = "Connector templates",
    operation_id = "connector_template_version_config",
    security(("oauth2" = ["connector_template:read"])),
    params(
        ("connector_type" = String, Path, description = "Its type"),
        ("version" = String, Path, description = "The version, as the file writes it")
    ),
    responses((status = 200, body = String, content_type = "text/yaml"), (status = 404))
)]
async fn version_config(
    State(state): State<ApiState>,
    Path((name, version)): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find_version(&state, (&name, &version)).await?.config))
}

/// The dataset file of a version of a template.
#[utoipa::path(
    get,
    path = "/connector-templates/{connector_type}/versions/{version}/dataset",
    tag = "Connector templates",
    operation_id = "connector_template_version_dataset",
    security(("oauth2" = ["connector_template:read"])),
    params(
        ("connector_type" = String, Path, description = "Its type"),
        ("version" = String, Path, description = "The version, as the file writes it")
    ),
    responses((status = 200, body = String, content_type = "text/yaml"), (status = 404))
)]
async fn version_dataset(
    State(state): State<ApiState>,
    Path((name, version)): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find_version(&state, (&name, &version)).await?.dataset))
}

async fn find(state: &ApiState, name: &str) -> Result<OfferedTemplate, ApiError> {
    state.connections().template_find(name).await?.ok_or_else(|| absent(name))
}

async fn find_version(state: &ApiState, (name, version): (&str, &str)) -> Result<TemplateVersion, ApiError> {
    let versions = state.connections().template_versions(name).await?;
    if versions.is_empty() {
        return Err(absent(name));
    }
    let absent = || {
        ApiError::NotFound(format!("No connector template found with type '{name}' and version '{version}'"))
    };
    versions.into_iter().find(|known| known.version == version).ok_or_else(absent)
}

fn absent(name: &str) -> ApiError {
    ApiError::NotFound(format!("No connector template found with type '{name}'"))
}

fn yaml(text: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/yaml; charset=utf-8")], text)
}

impl From<&OfferedTemplate> for ConnectorTemplateReply {
    fn from(offered: &OfferedTemplate) -> Self {
        let file = offered.template.file();
        Self {
            r#type: offered.template.connector_type().to_owned(),
            name: file.name.clone(),
            supported_actions: supported_actions(file)
                .into_iter()
                .map(connections::SupportedAction::as_str)
                .collect(),
            category: file.display.category.clone(),
            custom: offered.is_custom,
            default_connector_available: offered.has_default(),
        }
    }
}

impl From<RegisterRefused> for ApiError {
    fn from(error: RegisterRefused) -> Self {
        match error {
            RegisterRefused::Archive(_) | RegisterRefused::Fault(_) => Self::BadRequest(error.to_string()),
            RegisterRefused::Store(error) => error.into(),
        }
    }
}

impl From<TemplateRemoveRefused> for ApiError {
    fn from(error: TemplateRemoveRefused) -> Self {
        match error {
            TemplateRemoveRefused::Absent { .. } => Self::NotFound(error.to_string()),
            TemplateRemoveRefused::NotCustom { .. } | TemplateRemoveRefused::NoDefault { .. } => {
                Self::BadRequest(error.to_string())
            }
            TemplateRemoveRefused::Store(error) => error.into(),
        }
    }
}
