use axum::Json;
use axum::extract::{Path, State};
use model::FidesKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{DatasetLink, OtherLinks};
use utoipa::ToSchema;

use super::reply::DatasetsUpserted;
use super::{MOST, part};
use crate::ApiError;
use crate::bulk::{Bulk, Element};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put, patch, list)).routes(routes!(get))
}

/// A dataset that is to belong to the connection.
#[derive(Debug, Deserialize, ToSchema)]
struct LinkInput {
    /// What the connection calls it.
    #[schema(value_type = String)]
    fides_key: FidesKey,
    /// Its key.
    #[schema(value_type = String)]
    ctl_dataset_fides_key: FidesKey,
}

/// A dataset that belongs to the connection.
#[derive(Debug, Serialize, ToSchema)]
struct LinkReply {
    /// What the connection calls it.
    fides_key: String,
    /// The dataset.
    #[schema(value_type = Object)]
    ctl_dataset: Value,
}

/// Says which kept datasets belong to a connection; others do not any more.
#[utoipa::path(
    put,
    path = "/connection/{key}/datasetconfig",
    tag = "Datasets",
    operation_id = "connection_dataset_link_put",
    security(("oauth2" = ["dataset:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = [LinkInput],
    responses((status = 200, body = DatasetsUpserted), (status = 404), (status = 422))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Bulk(elements): Bulk<LinkInput, MOST>,
) -> Result<Json<DatasetsUpserted>, ApiError> {
    link(&state, caller, &key, (elements, OtherLinks::Remove)).await
}

/// Makes kept datasets belong to a connection; others stay with it.
#[utoipa::path(
    patch,
    path = "/connection/{key}/datasetconfig",
    tag = "Datasets",
    operation_id = "connection_dataset_link_patch",
    security(("oauth2" = ["dataset:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = [LinkInput],
    responses((status = 200, body = DatasetsUpserted), (status = 404), (status = 422))
)]
async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Bulk(elements): Bulk<LinkInput, MOST>,
) -> Result<Json<DatasetsUpserted>, ApiError> {
    link(&state, caller, &key, (elements, OtherLinks::Keep)).await
}

/// The datasets that belong to a connection.
#[utoipa::path(
    get,
    path = "/connection/{key}/datasetconfig",
    tag = "Datasets",
    operation_id = "connection_dataset_link_list",
    security(("oauth2" = ["dataset:read"])),
    params(("key" = String, Path, description = "Key of the connection"), Paging),
    responses((status = 200, body = PageOf<LinkReply>), (status = 404))
)]
async fn list(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    paging: Paging,
) -> Result<Json<PageOf<LinkReply>>, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    let all = state.connections().dataset_list(&owner).await?;
    let reply = |(fides_key, ctl_dataset)| LinkReply { fides_key, ctl_dataset };
    Ok(Json(part(paging, all.into_iter().map(reply).collect())))
}

/// One dataset that belongs to a connection.
#[utoipa::path(
    get,
    path = "/connection/{key}/datasetconfig/{dataset}",
    tag = "Datasets",
    operation_id = "connection_dataset_link_get",
    security(("oauth2" = ["dataset:read"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("dataset" = String, Path, description = "What the connection calls the dataset")
    ),
    responses((status = 200, body = LinkReply), (status = 404))
)]
async fn get(
    State(state): State<ApiState>,
    Path((key, dataset)): Path<(String, String)>,
) -> Result<Json<LinkReply>, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    let ctl_dataset = state.connections().dataset_get(&owner, &dataset).await?;
    Ok(Json(LinkReply { fides_key: dataset, ctl_dataset }))
}

async fn link(
    state: &ApiState,
    caller: Caller,
    key: &str,
    (elements, others): (Vec<Element<LinkInput>>, OtherLinks),
) -> Result<Json<DatasetsUpserted>, ApiError> {
    let owner = state.connections().dataset_owner(key).await?;
    let (links, sent): (Vec<DatasetLink>, Vec<Value>) = elements
        .into_iter()
        .map(|Element { input, data }| {
            let (key, dataset) = (input.fides_key, input.ctl_dataset_fides_key);
            (DatasetLink { key: key.into_string(), dataset: dataset.into_string() }, data)
        })
        .unzip();
    let outcomes = state.connections().dataset_link(&owner, (&links, others), caller.actor).await?;
    let mut reply = DatasetsUpserted::default();
    for (outcome, data) in outcomes.into_iter().zip(sent) {
        match outcome {
            Ok(dataset) => reply.succeeded.push(dataset),
            Err(failure) => reply.fail(&failure, data),
        }
    }
    Ok(Json(reply))
}
