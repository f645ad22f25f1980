//! What a run would ask, without asking it.

use axum::Json;
use axum::extract::State;
use privacy::PreviewError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(preview))
}

/// How a collection would be read.
#[derive(Debug, Serialize, ToSchema)]
struct QueryReply {
    /// The collection.
    #[serde(rename = "collectionAddress")]
    address: AddressReply,
    /// The statement, with `?` in the place of each value; null for applications.
    query: Option<String>,
}

/// Where a collection is.
#[derive(Debug, Serialize, ToSchema)]
struct AddressReply {
    /// Key of its dataset.
    dataset: String,
    /// Its name.
    collection: String,
}

/// Show what a run would ask of these datasets, or of all, in its order. Nobody is asked anything.
#[utoipa::path(
    put,
    path = "/privacy-request/preview",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request:read"])),
    request_body = Option<Vec<String>>,
    responses((status = 200, body = Vec<QueryReply>), (status = 400), (status = 404))
)]
async fn preview(
    State(state): State<ApiState>,
    Body(datasets): Body<Option<Vec<Text>>>,
) -> Result<Json<Vec<QueryReply>>, ApiError> {
    let datasets: Vec<String> = datasets.unwrap_or_default().into_iter().map(|key| key.0).collect();
    let queries = state.service().await?.preview(&datasets).map_err(|error| match error {
        PreviewError::NoDataset { .. } => ApiError::NotFound(error.to_string()),
        PreviewError::Graph(error) => ApiError::BadRequest(format!(
            "{error}. Make sure all referenced datasets are included in the request body."
        )),
        PreviewError::Traversal(_) => ApiError::BadRequest("Dry run failed".to_owned()),
    })?;
    let shown = |one: privacy::PreviewedQuery| QueryReply {
        address: AddressReply {
            dataset: one.address.dataset().to_owned(),
            collection: one.address.collection().to_owned(),
        },
        query: one.query,
    };
    Ok(Json(queries.into_iter().map(shown).collect()))
}
