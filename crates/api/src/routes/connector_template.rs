//! The connector library (fides-api 7).

use axum::Json;
use axum::extract::Path;
use axum::response::IntoResponse;
use connections::{CatalogueEntry, Template};
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ApiError;
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(config))
        .routes(routes!(dataset))
        .routes(routes!(versions))
        .routes(routes!(version_config))
        .routes(routes!(version_dataset))
}

/// One template.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateReply {
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
    created_at: Option<String>,
}

/// The templates, by type.
#[utoipa::path(
    get,
    path = "/connector-templates",
    tag = "Connector templates",
    operation_id = "connector_template_list",
    security(("oauth2" = ["connector_template:read"])),
    responses((status = 200, body = [TemplateReply]))
)]
async fn list() -> Json<Vec<TemplateReply>> {
    Json(Template::list().iter().map(|template| TemplateReply::from(template.catalogue_entry())).collect())
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
async fn config(Path(name): Path<String>) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find(&name)?.config_text()))
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
async fn dataset(Path(name): Path<String>) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find(&name)?.dataset_text()))
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
async fn versions(Path(name): Path<String>) -> Result<Json<Vec<VersionReply>>, ApiError> {
    let template = find(&name)?;
    Ok(Json(vec![VersionReply {
        connector_type: template.connector_type().to_owned(),
        version: template.file().version.clone(),
        is_custom: false,
        created_at: None,
    }]))
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
    Path((name, version)): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find_version(&name, &version)?.config_text()))
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
    Path((name, version)): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    Ok(yaml(find_version(&name, &version)?.dataset_text()))
}

fn find(name: &str) -> Result<&'static Template, ApiError> {
    let absent = || ApiError::NotFound(format!("No connector template found with type '{name}'"));
    Template::find(name).ok_or_else(absent)
}

fn find_version(name: &str, version: &str) -> Result<&'static Template, ApiError> {
    let template = find(name)?;
    if template.file().version == version {
        return Ok(template);
    }
    Err(ApiError::NotFound(format!("No connector template found with type '{name}' and version '{version}'")))
}

fn yaml(text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/yaml; charset=utf-8")], text)
}

impl From<CatalogueEntry> for TemplateReply {
    fn from(entry: CatalogueEntry) -> Self {
        Self {
            r#type: entry.identifier,
            name: entry.human_readable,
            supported_actions: entry.supported_actions.iter().map(|action| action.as_str()).collect(),
            category: entry.category,
            custom: false,
            default_connector_available: true,
        }
    }
}
