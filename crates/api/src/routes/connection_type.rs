//! Types of connections and the secrets that they take (fides-api 4).

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connections::{
    CatalogueEntry, CatalogueFilter, ConnectionType, SecretSchema, SupportedAction, SystemType,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Listed;
use utoipa::{IntoParams, ToSchema};

use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(secret))
}

/// One type.
#[derive(Debug, Serialize, ToSchema)]
struct TypeReply {
    /// Its name, for `connection_type`, or for `instantiate` if it is a connector.
    identifier: String,
    /// Its kind.
    r#type: &'static str,
    /// Its name for people.
    human_readable: String,
    /// A picture, SVG in base64; the console draws its own.
    encoded_icon: Option<String>,
    /// Whether a person must agree at the vendor's site before it works.
    authorization_required: bool,
    /// A page that explains how to set it up.
    user_guide: Option<String>,
    /// What can be done through it: `access`, `erasure`, `consent`.
    supported_actions: Vec<&'static str>,
    /// Shelf of the catalogue.
    category: Option<String>,
    /// Words to search by.
    tags: Option<Vec<String>>,
    /// What else it is good for.
    enabled_features: Option<Vec<String>>,
    /// Whether the customer brought it.
    custom: bool,
    /// Whether one of the program's own takes its place when it is removed.
    default_connector_available: bool,
}

/// Which types.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// A part of the identifier or the name, in any case.
    search: Option<String>,
    /// Of this kind only.
    #[param(inline, required = false)]
    system_type: Option<SystemTypeName>,
    /// Those that carry consent over.
    consent: Option<bool>,
    /// Those that collect data; together with the others: those that do any of them.
    access: Option<bool>,
    /// Those that erase.
    erasure: Option<bool>,
    /// Seen here only to know whether it was given: these pages have 100 items unless told otherwise.
    #[param(ignore)]
    size: Option<String>,
}

/// Kinds of types.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SystemTypeName {
    DataCatalog,
    Database,
    Email,
    Manual,
    Saas,
    Service,
    System,
    Website,
}

/// The types of connections that can be made, by name.
#[utoipa::path(
    get,
    path = "/connection_type",
    tag = "Connection types",
    operation_id = "connection_type_list",
    security(("oauth2" = ["connection_type:read"])),
    params(Filter, Paging),
    responses((status = 200, body = PageOf<TypeReply>), (status = 422))
)]
async fn list(
    State(state): State<ApiState>,
    Query(filter): Query<Filter>,
    paging: Paging,
) -> Result<Json<PageOf<TypeReply>>, ApiError> {
    let paging = if filter.size.is_none() { Paging { size: 100, ..paging } } else { paging };
    let all = state.connections().catalogue(&filter.into()).await?;
    let total = all.len() as u64;
    let window = paging.window();
    let offset = usize::try_from(window.offset).unwrap_or(usize::MAX);
    let items = all.into_iter().skip(offset).take(window.limit as usize).collect();
    Ok(Json(paging.of(Listed { items, total }, TypeReply::from)))
}

/// The secrets that a type takes, as JSON Schema.
#[utoipa::path(
    get,
    path = "/connection_type/{connection_type}/secret",
    tag = "Connection types",
    operation_id = "connection_type_secret",
    security(("oauth2" = ["connection_type:read"])),
    params(("connection_type" = String, Path, description = "A connector's type, or a built-in one")),
    responses((status = 200, body = Object), (status = 404))
)]
async fn secret(State(state): State<ApiState>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let offered = state.connections().template_find(&name).await?;
    let by_template = offered.map(|offered| SecretSchema::of_connector(offered.template.file()));
    let built_in = || name.parse::<ConnectionType>().ok().and_then(SecretSchema::of_type);
    let schema = by_template.or_else(built_in);
    let schema =
        schema.ok_or_else(|| ApiError::NotFound(format!("No connection type found with name '{name}'.")))?;
    Ok(Json(schema.to_json()))
}

impl From<CatalogueEntry> for TypeReply {
    fn from(entry: CatalogueEntry) -> Self {
        Self {
            identifier: entry.identifier,
            r#type: entry.system_type.as_str(),
            human_readable: entry.human_readable,
            encoded_icon: entry.icon.map(|icon| STANDARD.encode(icon)),
            authorization_required: entry.authorization_required,
            user_guide: entry.user_guide,
            supported_actions: entry.supported_actions.iter().map(|action| action.as_str()).collect(),
            category: entry.category,
            tags: Some(entry.tags).filter(|tags| !tags.is_empty()),
            enabled_features: None,
            custom: entry.is_custom,
            default_connector_available: entry.is_connector && entry.has_default,
        }
    }
}

impl From<Filter> for CatalogueFilter {
    fn from(filter: Filter) -> Self {
        let asked = [
            (SupportedAction::Consent, filter.consent),
            (SupportedAction::Access, filter.access),
            (SupportedAction::Erasure, filter.erasure),
        ];
        Self {
            search: filter.search,
            system_type: filter.system_type.map(SystemType::from),
            actions: asked
                .into_iter()
                .filter(|(_, asked)| *asked == Some(true))
                .map(|(one, _)| one)
                .collect(),
        }
    }
}

impl From<SystemTypeName> for SystemType {
    fn from(name: SystemTypeName) -> Self {
        match name {
            SystemTypeName::DataCatalog => Self::DataCatalog,
            SystemTypeName::Database => Self::Database,
            SystemTypeName::Email => Self::Email,
            SystemTypeName::Manual => Self::Manual,
            SystemTypeName::Saas => Self::Saas,
            SystemTypeName::Service => Self::Service,
            SystemTypeName::System => Self::System,
            SystemTypeName::Website => Self::Website,
        }
    }
}
