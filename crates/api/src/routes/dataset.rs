//! Datasets of a connection (fides-api 6).

mod body;
mod link;
mod question;
mod reply;
mod trial;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde_json::{Value, json};
use store::{Listed, Window};

use crate::ApiError;
use crate::body::Body;
use crate::bulk::Bulk;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

use body::{YamlDatasets, unfit};
pub(super) use body::{documents, one_document};
use reply::{DatasetValidated, DatasetsUpserted, TraversalDetails};
pub(super) use trial::tools_on;

/// Most datasets in one call.
pub(super) const MOST: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(validate))
        .routes(routes!(patch, put, list))
        .routes(routes!(get, remove))
        .routes(routes!(patch_yaml))
        .merge(link::routes())
        .merge(question::routes())
        .merge(trial::routes())
}

/// Checks a dataset against a connection; keeps nothing.
#[utoipa::path(
    put,
    path = "/connection/{key}/validate_dataset",
    tag = "Datasets",
    operation_id = "connection_dataset_validate",
    security(("oauth2" = ["dataset:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = Object,
    responses((status = 200, body = DatasetValidated), (status = 404), (status = 422))
)]
async fn validate(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Body(document): Body<Value>,
) -> Result<Json<DatasetValidated>, ApiError> {
    let connections = state.connections();
    let owner = connections.dataset_owner(&key).await?;
    let document = one_document((&[json!("body")], &document), &connections.categories().await?)?;
    let prepared = connections.dataset_prepare(&owner, document).await?;
    let prepared = prepared.map_err(|failure| unfit(&failure))?;
    let traversable = owner.traversable(&prepared.document);
    Ok(Json(DatasetValidated {
        dataset: prepared.document.document,
        traversal_details: TraversalDetails {
            is_traversable: traversable.obstacle.is_none(),
            msg: traversable.obstacle,
        },
        warnings: prepared.warnings.into_iter().map(Into::into).collect(),
    }))
}

/// Keeps datasets of a connection, each in place of the one of its key; the others stay.
#[utoipa::path(
    patch,
    path = "/connection/{key}/dataset",
    tag = "Datasets",
    operation_id = "connection_dataset_patch",
    security(("oauth2" = ["dataset:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = [Object],
    responses((status = 200, body = DatasetsUpserted), (status = 404), (status = 422))
)]
async fn patch(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Bulk(elements): Bulk<Value, MOST>,
) -> Result<Json<DatasetsUpserted>, ApiError> {
    let sent = elements.into_iter().map(|element| element.input).collect();
    upsert(&state, &caller, (&key, &[json!("body")]), sent).await
}

/// The same as `PATCH`: nothing that is not sent is removed.
#[utoipa::path(
    put,
    path = "/connection/{key}/dataset",
    tag = "Datasets",
    operation_id = "connection_dataset_put",
    security(("oauth2" = ["dataset:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = [Object],
    responses((status = 200, body = DatasetsUpserted), (status = 404), (status = 422))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Bulk(elements): Bulk<Value, MOST>,
) -> Result<Json<DatasetsUpserted>, ApiError> {
    let sent = elements.into_iter().map(|element| element.input).collect();
    upsert(&state, &caller, (&key, &[json!("body")]), sent).await
}

/// The same as `PATCH`, as YAML with the datasets below `dataset`.
#[utoipa::path(
    patch,
    path = "/yml/connection/{key}/dataset",
    tag = "Datasets",
    operation_id = "connection_dataset_patch_yaml",
    security(("oauth2" = ["dataset:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body(content = String, content_type = "application/x-yaml"),
    responses((status = 200, body = DatasetsUpserted), (status = 400), (status = 404), (status = 415), (status = 422))
)]
async fn patch_yaml(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    YamlDatasets(sent): YamlDatasets,
) -> Result<Json<DatasetsUpserted>, ApiError> {
    upsert(&state, &caller, (&key, &[json!("body"), json!("dataset")]), sent).await
}

/// Datasets of a connection.
#[utoipa::path(
    get,
    path = "/connection/{key}/dataset",
    tag = "Datasets",
    operation_id = "connection_dataset_list",
    security(("oauth2" = ["dataset:read"])),
    params(("key" = String, Path, description = "Key of the connection"), Paging),
    responses((status = 200, body = PageOf<Object>), (status = 404))
)]
async fn list(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    paging: Paging,
) -> Result<Json<PageOf<Value>>, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    let all = state.connections().dataset_list(&owner).await?;
    Ok(Json(part(paging, all.into_iter().map(|(_, dataset)| dataset).collect())))
}

/// One dataset of a connection.
#[utoipa::path(
    get,
    path = "/connection/{key}/dataset/{dataset}",
    tag = "Datasets",
    operation_id = "connection_dataset_get",
    security(("oauth2" = ["dataset:read"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("dataset" = String, Path, description = "Key of the dataset")
    ),
    responses((status = 200, body = Object), (status = 404))
)]
async fn get(
    State(state): State<ApiState>,
    Path((key, dataset)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    Ok(Json(state.connections().dataset_get(&owner, &dataset).await?))
}

/// Removes a dataset of a connection.
#[utoipa::path(
    delete,
    path = "/connection/{key}/dataset/{dataset}",
    tag = "Datasets",
    operation_id = "connection_dataset_remove",
    security(("oauth2" = ["dataset:delete"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("dataset" = String, Path, description = "Key of the dataset")
    ),
    responses((status = 204), (status = 404))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path((key, dataset)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let owner = state.connections().dataset_owner(&key).await?;
    state.connections().dataset_remove(&owner, &dataset, caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All documents are read before the first is kept, so that a bad one aborts the call.
async fn upsert(
    state: &ApiState,
    caller: &Caller,
    (key, base): (&str, &[Value]),
    sent: Vec<Value>,
) -> Result<Json<DatasetsUpserted>, ApiError> {
    let connections = state.connections();
    let owner = connections.dataset_owner(key).await?;
    let documents = documents((base, &sent), &connections.categories().await?)?;
    let mut reply = DatasetsUpserted::default();
    for (document, data) in documents.into_iter().zip(sent) {
        match connections.dataset_put(&owner, document, caller.actor.clone()).await? {
            Ok(prepared) => reply.succeed(prepared),
            Err(failure) => reply.fail(&failure, data),
        }
    }
    Ok(Json(reply))
}

/// The page of a list that is short enough to be read whole.
fn part<T>(paging: Paging, all: Vec<T>) -> PageOf<T> {
    let Window { offset, limit } = paging.window();
    let (total, size) = (all.len() as u64, usize::try_from(limit).unwrap_or(usize::MAX));
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let items = all.into_iter().skip(offset).take(size).collect();
    paging.of(Listed { items, total }, std::convert::identity)
}
