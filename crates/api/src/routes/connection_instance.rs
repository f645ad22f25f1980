//! Connections made from a template (fides-api 7.1).

use axum::Json;
use axum::extract::{Path, State};
use connections::{InstantiateError, Instantiated, NewInstance};
use model::ConnectionKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::problems::invalid_list;
use crate::routes::connection::ConnectionReply;
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(instantiate))
}

/// The same for clients that follow the published guide, which leaves `/api/v1` out.
pub(crate) fn without_prefix() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(instantiate_without_prefix))
}

/// A connection to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct InstanceInput {
    /// Its name for people.
    name: Option<String>,
    /// Its key; none: `instance_key`.
    #[schema(value_type = Option<String>)]
    key: Option<ConnectionKey>,
    /// Free text.
    description: Option<String>,
    /// The secrets that its type takes.
    #[schema(value_type = Object)]
    secrets: Map<String, Value>,
    /// Stands in connector file and dataset for the key; also the key of the dataset.
    #[schema(value_type = String)]
    instance_key: ConnectionKey,
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InstanceReply {
    /// The connection.
    connection: ConnectionReply,
    /// Its dataset.
    #[schema(value_type = Object)]
    dataset: Value,
}

/// Makes a connection from a template: file, secrets and dataset at once, or nothing.
#[utoipa::path(
    post,
    path = "/connection/instantiate/{connector_type}",
    tag = "Connections",
    operation_id = "connection_instantiate",
    security(("oauth2" = ["connection:instantiate"])),
    params(("connector_type" = String, Path, description = "Type of the template")),
    request_body = InstanceInput,
    responses((status = 200, body = InstanceReply), (status = 400), (status = 404), (status = 422), (status = 500))
)]
async fn instantiate(
    State(state): State<ApiState>,
    caller: Caller,
    Path(connector_type): Path<String>,
    Body(input): Body<InstanceInput>,
) -> Result<Json<InstanceReply>, ApiError> {
    make(&state, caller, (&connector_type, input.into_new(None))).await.map(Json)
}

/// As `POST /api/v1/connection/instantiate/{connector_type}`.
#[utoipa::path(
    post,
    path = "/connection/instantiate/{connector_type}",
    tag = "Connections",
    operation_id = "connection_instantiate_without_prefix",
    security(("oauth2" = ["connection:instantiate"])),
    params(("connector_type" = String, Path, description = "Type of the template")),
    request_body = InstanceInput,
    responses((status = 200, body = InstanceReply), (status = 400), (status = 404), (status = 422), (status = 500))
)]
async fn instantiate_without_prefix(
    State(state): State<ApiState>,
    caller: Caller,
    Path(connector_type): Path<String>,
    Body(input): Body<InstanceInput>,
) -> Result<Json<InstanceReply>, ApiError> {
    make(&state, caller, (&connector_type, input.into_new(None))).await.map(Json)
}

/// Makes it and shapes the reply.
pub(crate) async fn make(
    state: &ApiState,
    caller: Caller,
    (connector_type, new): (&str, NewInstance),
) -> Result<InstanceReply, ApiError> {
    let made = state.connections().instantiate(connector_type, new, caller.actor).await?;
    let Instantiated { connection, dataset } = made;
    Ok(InstanceReply { connection: ConnectionReply::of_view(state, connection).await?, dataset })
}

impl InstanceInput {
    /// As the rules take it, for a system of the data map or none.
    pub(crate) fn into_new(self, system_key: Option<String>) -> NewInstance {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        NewInstance {
            key: self.key,
            name: filled(self.name),
            description: filled(self.description),
            instance_key: self.instance_key,
            secrets: self.secrets,
            system_key,
        }
    }
}

impl From<InstantiateError> for ApiError {
    fn from(error: InstantiateError) -> Self {
        match error {
            InstantiateError::UnknownType { .. } => Self::NotFound(error.to_string()),
            InstantiateError::InstanceKeyTaken { .. }
            | InstantiateError::KeyTaken { .. }
            | InstantiateError::NameTaken { .. } => Self::BadRequest(error.to_string()),
            InstantiateError::Secrets(problems) => {
                invalid_list(&[json!("body"), json!("secrets")], &problems)
            }
            InstantiateError::NotMade { .. } => {
                Self::Failed { text: error.to_string(), source: Box::new(error) }
            }
        }
    }
}
