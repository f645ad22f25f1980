use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::ask::{Asked, rows};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(findings))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FindingsQuery {
    /// As of this time; now, if it is not said.
    at: Option<String>,
    /// Most rows, up to 1,000; 100 if it is not said.
    limit: Option<usize>,
}

/// List what is odd about grants that should bring others: `foreign_source` and `missing_source` bring nothing, as the
/// entitlement whose holders should have it is on another resource, or in no list; of a `circle` each passes its holders
/// on to another. `total` counts them all.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/finding",
    tag = "Access",
    operation_id = "access_findings",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), FindingsQuery),
    responses((status = 200, body = Object), (status = 404), (status = 422))
)]
async fn findings(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<FindingsQuery>,
) -> Result<Json<Value>, ApiError> {
    let limit = rows(query.limit)?;
    let asked = Asked::of(&state, &key, query.at.as_deref()).await?;
    let answer = asked.answer(move |inventory| {
        let items: Vec<_> = inventory.finding_views().take(limit).collect();
        Ok(json!({"items": items, "total": inventory.findings().len()}))
    });
    answer.await.map(Json)
}
