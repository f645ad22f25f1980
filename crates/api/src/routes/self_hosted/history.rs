use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::BatonLogLine;
use utoipa::{IntoParams, ToSchema};

use super::find;
use super::status::ConnectorInstanceReply;
use super::task::ConnectorTaskReply;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(instances)).routes(routes!(log)).routes(routes!(syncs))
}

/// How much is shown where nothing is said, and at most.
const FEW: u32 = 50;
const MOST: u32 = 500;

/// How much of what happened is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Newest {
    /// How many, the newest.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

impl Newest {
    pub(super) fn checked(&self) -> Result<u32, ApiError> {
        match self.limit {
            None => Ok(FEW),
            Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            Some(_) => {
                let loc = vec![json!("query"), json!("limit")];
                Err(ApiError::invalid("value_error", loc, format!("expected a number from 1 to {MOST}")))
            }
        }
    }
}

/// A line of what happened with a connector.
#[derive(Serialize, ToSchema)]
struct ConnectorLogReply {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The process it is about.
    host_id: Option<String>,
    /// What happened.
    line: String,
}

/// The processes of a connector, the one heard of last first.
#[utoipa::path(
    get,
    path = "/connection/{key}/self-hosted/instance",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = [ConnectorInstanceReply]), (status = 404))
)]
async fn instances(
    State(state): State<ApiState>,
    Path(key): Path<String>,
) -> Result<Json<Vec<ConnectorInstanceReply>>, ApiError> {
    let connector = find(&state, &key).await?;
    let hosts = state.control()?.instances(&connector.id).await?;
    Ok(Json(hosts.into_iter().map(ConnectorInstanceReply::of).collect()))
}

/// What happened with a connector, the newest first: who said hello, which task went where and how it ended, what
/// became of each file, and why a token was refused. The last 500 lines are kept.
#[utoipa::path(
    get,
    path = "/connection/{key}/self-hosted/log",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection"), Newest),
    responses((status = 200, body = [ConnectorLogReply]), (status = 404), (status = 422))
)]
async fn log(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(newest): Query<Newest>,
) -> Result<Json<Vec<ConnectorLogReply>>, ApiError> {
    let limit = newest.checked()?;
    let connector = find(&state, &key).await?;
    let lines = state.control()?.log_lines(&connector.id, limit).await?.into_iter();
    let reply = |BatonLogLine { at, host, line }| ConnectorLogReply { at, host_id: host, line };
    Ok(Json(lines.map(reply).collect()))
}

/// The syncs of a connector, the newest first.
#[utoipa::path(
    get,
    path = "/connection/{key}/self-hosted/sync",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection"), Newest),
    responses((status = 200, body = [ConnectorTaskReply]), (status = 404), (status = 422))
)]
async fn syncs(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(newest): Query<Newest>,
) -> Result<Json<Vec<ConnectorTaskReply>>, ApiError> {
    let limit = newest.checked()?;
    let connector = find(&state, &key).await?;
    let syncs = state.control()?.syncs(&connector.id, limit).await?;
    Ok(Json(syncs.into_iter().map(ConnectorTaskReply::of).collect()))
}
