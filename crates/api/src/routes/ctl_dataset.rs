//! Datasets by themselves (fides-api 6.4).

use axum::Json;
use axum::extract::{Path, State};
use connections::{UnboundRefused, shown};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{DatasetFilter, DatasetLinks, Listed, Put, PutMode};
use utoipa::IntoParams;

use crate::ApiError;
use crate::body::Body;
use crate::bulk::Bulk;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::PageOrAll;
use crate::query::Query;
use crate::routes::dataset::{MOST, documents, one_document};
use crate::routes::resource::{Removed, Upserted, already_there, not_there};
use crate::state::ApiState;

const KIND: &str = "Dataset";

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create, update))
        .routes(routes!(upsert))
        .routes(routes!(get, remove))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Part of key or name.
    search: Option<String>,
    /// Datasets that use one of these categories.
    #[serde(default)]
    data_categories: Vec<String>,
    /// Without the datasets of applications.
    exclude_saas_datasets: Option<bool>,
    /// Only those that belong to no connection.
    only_unlinked_datasets: Option<bool>,
    /// Without collections.
    minimal: Option<bool>,
}

/// Datasets: a page if `page` or `size` is given, else all.
#[utoipa::path(
    get,
    path = "/dataset",
    tag = "Datasets",
    operation_id = "dataset_list",
    security(("oauth2" = ["ctl_dataset:read"])),
    params(PageOrAll, ListQuery),
    responses((status = 200, body = Object))
)]
async fn list(
    State(state): State<ApiState>,
    paging: PageOrAll,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let only_unlinked = query.only_unlinked_datasets.unwrap_or(false);
    let filter = DatasetFilter {
        search: query.search.as_deref().filter(|text| !text.is_empty()),
        connection: None,
        categories: &query.data_categories,
        links: if only_unlinked { DatasetLinks::None } else { DatasetLinks::Any },
        not_of_type: query.exclude_saas_datasets.unwrap_or(false).then_some("saas"),
    };
    let found = state.store().dataset_list(filter, paging.window()).await?;
    let mut items: Vec<Value> = found.items.iter().map(shown).collect::<Result<_, _>>()?;
    if query.minimal.unwrap_or(false) {
        items
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(|item| drop(item.shift_remove("collections")));
    }
    Ok(Json(paging.of(Listed { items, total: found.total })))
}

/// One dataset.
#[utoipa::path(
    get,
    path = "/dataset/{key}",
    tag = "Datasets",
    operation_id = "dataset_get",
    security(("oauth2" = ["ctl_dataset:read"])),
    params(("key" = String, Path, description = "Key of the dataset")),
    responses((status = 200, body = Object), (status = 404))
)]
async fn get(State(state): State<ApiState>, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let found = state.store().dataset_find(&key).await?.ok_or_else(|| not_there(KIND, &key))?;
    Ok(Json(shown(&found)?))
}

/// Keeps a new dataset.
#[utoipa::path(
    post,
    path = "/dataset",
    tag = "Datasets",
    operation_id = "dataset_create",
    security(("oauth2" = ["ctl_dataset:create"])),
    request_body = Object,
    responses((status = 201, body = Object), (status = 409), (status = 422))
)]
async fn create(
    State(state): State<ApiState>,
    caller: Caller,
    Body(document): Body<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let categories = state.connections().categories().await?;
    let document = one_document((&[json!("body")], &document), &categories)?;
    let kept = state.connections().dataset_put_unbound(document, PutMode::Create, caller.actor).await?;
    Ok((StatusCode::CREATED, Json(kept.document)))
}

/// Replaces a dataset.
#[utoipa::path(
    put,
    path = "/dataset",
    tag = "Datasets",
    operation_id = "dataset_update",
    security(("oauth2" = ["ctl_dataset:update"])),
    request_body = Object,
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Body(document): Body<Value>,
) -> Result<Json<Value>, ApiError> {
    let categories = state.connections().categories().await?;
    let document = one_document((&[json!("body")], &document), &categories)?;
    let kept = state.connections().dataset_put_unbound(document, PutMode::Update, caller.actor).await?;
    Ok(Json(kept.document))
}

/// Keeps datasets, whether there are any of their keys or not: all, or none.
#[utoipa::path(
    post,
    path = "/dataset/upsert",
    tag = "Datasets",
    operation_id = "dataset_upsert",
    security(("oauth2" = ["ctl_dataset:create", "ctl_dataset:update"])),
    request_body = [Object],
    responses((status = 200, body = Upserted), (status = 201, body = Upserted), (status = 422))
)]
async fn upsert(
    State(state): State<ApiState>,
    caller: Caller,
    Bulk(elements): Bulk<Value, MOST>,
) -> Result<(StatusCode, Json<Upserted>), ApiError> {
    let sent: Vec<Value> = elements.into_iter().map(|element| element.input).collect();
    let categories = state.connections().categories().await?;
    let documents = documents((&[json!("body")], &sent), &categories)?;
    let puts: Vec<Put> = state.connections().dataset_put_all(documents, caller.actor).await?;
    Ok(Upserted::reply(&puts, "dataset"))
}

/// Removes a dataset that belongs to no connection.
#[utoipa::path(
    delete,
    path = "/dataset/{key}",
    tag = "Datasets",
    operation_id = "dataset_remove",
    security(("oauth2" = ["ctl_dataset:delete"])),
    params(("key" = String, Path, description = "Key of the dataset")),
    responses((status = 200, body = Removed), (status = 404), (status = 409))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Removed>, ApiError> {
    let resource = state.connections().dataset_remove_unbound(&key, caller.actor).await?;
    Ok(Json(Removed::new(resource)))
}

impl From<UnboundRefused> for ApiError {
    fn from(error: UnboundRefused) -> Self {
        match &error {
            UnboundRefused::Absent { key } => not_there(KIND, key),
            UnboundRefused::Exists { key } => already_there(KIND, key),
            UnboundRefused::Unfit { .. } => Self::Unprocessable(error.to_string()),
            UnboundRefused::InUse { .. } => Self::Conflict(error.to_string()),
            UnboundRefused::Other(_) => match error {
                UnboundRefused::Other(error) => error.into(),
                other => Self::Private(Box::new(other)),
            },
        }
    }
}
