//! What a dataset leads to, and what it needs.

use axum::Json;
use axum::extract::{Path, State};
use connections::{ProtectedField, Reachability};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{DatasetFilter, DatasetLinks, Window};
use utoipa::{IntoParams, ToSchema};

use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(inputs))
        .routes(routes!(reachability))
        .routes(routes!(protected_fields))
        .routes(routes!(filter))
}

/// The values that reading a dataset by itself begins with: identities, and fields of other datasets.
#[utoipa::path(
    get,
    path = "/connection/{key}/dataset/{dataset}/inputs",
    tag = "Datasets",
    operation_id = "connection_dataset_inputs",
    security(("oauth2" = ["dataset:read"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("dataset" = String, Path, description = "Key of the dataset")
    ),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn inputs(
    State(state): State<ApiState>,
    Path((key, dataset)): Path<(String, String)>,
) -> Result<Json<Map<String, Value>>, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    let inputs = state.connections().dataset_inputs(&owner, &dataset).await?;
    let inputs = inputs.map_err(ApiError::Unprocessable)?;
    Ok(Json(inputs.names.into_iter().map(|name| (name, Value::Null)).collect()))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReachabilityQuery {
    /// A policy: only what it is about has to be reached.
    policy_key: Option<String>,
}

/// Whether a dataset can be reached.
#[derive(Debug, Serialize, ToSchema)]
struct ReachabilityReply {
    /// It can.
    reachable: bool,
    /// What stands in the way: a text, or a list of texts.
    #[schema(value_type = Option<Object>)]
    details: Value,
}

/// Whether all of a dataset can be reached in all that the server has.
#[utoipa::path(
    get,
    path = "/connection/{key}/dataset/{dataset}/reachability",
    tag = "Datasets",
    operation_id = "connection_dataset_reachability",
    security(("oauth2" = ["dataset:read"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("dataset" = String, Path, description = "Key of the dataset"),
        ReachabilityQuery
    ),
    responses((status = 200, body = ReachabilityReply), (status = 404))
)]
async fn reachability(
    State(state): State<ApiState>,
    Path((key, dataset)): Path<(String, String)>,
    Query(query): Query<ReachabilityQuery>,
) -> Result<Json<ReachabilityReply>, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    let policy = query.policy_key.as_deref();
    let found = state.connections().dataset_reachability(&owner, &dataset, policy).await?;
    Ok(Json(match found {
        Reachability::Reachable => ReachabilityReply { reachable: true, details: Value::Null },
        Reachability::Broken(text) => ReachabilityReply { reachable: false, details: json!(text) },
        Reachability::Unreachable(collections) => {
            let lines: Vec<String> =
                collections.iter().map(|address| format!("Node {address} is not reachable")).collect();
            ReachabilityReply { reachable: false, details: json!(lines) }
        }
    }))
}

/// Parts of an application's dataset that an edit does not change.
#[derive(Debug, Serialize, ToSchema)]
struct ProtectedReply {
    /// Keys of the dataset itself.
    immutable_fields: [&'static str; 1],
    /// Fields that the connector file refers to.
    protected_collection_fields: Vec<ProtectedFieldReply>,
}

/// A field that the connector file refers to.
#[derive(Debug, Serialize, ToSchema)]
struct ProtectedFieldReply {
    /// Its collection.
    collection: String,
    /// Its path in it.
    field: String,
}

impl From<ProtectedField> for ProtectedFieldReply {
    fn from(field: ProtectedField) -> Self {
        Self { collection: field.collection, field: field.field }
    }
}

/// What an edit of a connection's dataset does not change.
#[utoipa::path(
    get,
    path = "/connection/{key}/protected-fields",
    tag = "Datasets",
    operation_id = "connection_dataset_protected_fields",
    security(("oauth2" = ["dataset:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = ProtectedReply), (status = 404))
)]
async fn protected_fields(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<ProtectedReply>, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    let fields = owner.protected_fields().into_iter().map(Into::into).collect();
    Ok(Json(ProtectedReply { immutable_fields: ["fides_key"], protected_collection_fields: fields }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FilterQuery {
    /// Without the datasets of applications.
    #[param(default = true)]
    remove_saas_datasets: Option<bool>,
    /// Only those that belong to no connection.
    #[param(default = false)]
    only_unlinked_datasets: Option<bool>,
}

/// Datasets, by what they belong to.
#[utoipa::path(
    get,
    path = "/filter/dataset",
    tag = "Datasets",
    operation_id = "dataset_filter",
    security(("oauth2" = ["dataset:read"])),
    params(FilterQuery),
    responses((status = 200, body = [Object]))
)]
async fn filter(
    State(state): State<ApiState>,
    Query(query): Query<FilterQuery>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let only_unlinked = query.only_unlinked_datasets.unwrap_or(false);
    let filter = DatasetFilter {
        links: if only_unlinked { DatasetLinks::None } else { DatasetLinks::Any },
        not_of_type: query.remove_saas_datasets.unwrap_or(true).then_some("saas"),
        ..DatasetFilter::default()
    };
    let found = state.store().dataset_list(filter, Window::ALL).await?;
    Ok(Json(found.items.iter().map(connections::shown).collect::<Result<_, _>>()?))
}
