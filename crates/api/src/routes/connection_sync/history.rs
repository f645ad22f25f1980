use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use model::RunId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AccessSync, SyncLogLine};
use utoipa::{IntoParams, ToSchema};

use super::find;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(syncs)).routes(routes!(log))
}

/// How many syncs are told of.
const MOST: u32 = 1_000;

/// A sync.
#[derive(Serialize, ToSchema)]
pub(super) struct PastSyncReply {
    /// Its run.
    run: String,
    /// How far it is: `running`, `complete`, `incomplete`, `failed` or `replaced`.
    state: &'static str,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// Each kind with its status and its counts, and how many calls were made.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
    /// Why it gave nothing, or stands still.
    error: Option<String>,
}

/// A line of the log.
#[derive(Serialize, ToSchema)]
struct LineReply {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How much it matters: `info`, `warning` or `error`.
    level: &'static str,
    /// The sync that it is about, if it is about one.
    run: Option<String>,
    /// What happened; kinds and counts, nobody.
    line: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// The lines of this sync only.
    run: Option<String>,
}

/// List the syncs of the connection, newest first. The newest 1,000 are told of.
#[utoipa::path(
    get,
    path = "/connection/{key}/sync/history",
    tag = "Connections that sync",
    operation_id = "connection_sync_history",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection"), Paging),
    responses((status = 200, body = PageOf<PastSyncReply>), (status = 404))
)]
async fn syncs(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    paging: Paging,
) -> Result<Json<PageOf<PastSyncReply>>, ApiError> {
    let connection = find(&state, &key).await?;
    let all = state.store().sync_list(&connection.key, MOST).await?;
    Ok(Json(paging.of(paging.part(all), PastSyncReply::of)))
}

/// List the lines of the connection's log, newest first.
#[utoipa::path(
    get,
    path = "/connection/{key}/sync/log",
    tag = "Connections that sync",
    operation_id = "connection_sync_log",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection"), LogQuery, Paging),
    responses((status = 200, body = PageOf<LineReply>), (status = 404))
)]
async fn log(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(asked): Query<LogQuery>,
    paging: Paging,
) -> Result<Json<PageOf<LineReply>>, ApiError> {
    let connection = find(&state, &key).await?;
    let run: Option<RunId> = match asked.run.as_deref().filter(|run| !run.is_empty()) {
        Some(run) => Some(
            run.parse()
                .map_err(|_| ApiError::NotFound(format!("The connection '{key}' has no sync '{run}'.")))?,
        ),
        None => None,
    };
    let lines = state.store();
    let lines = lines.connection_sync_log_list(&connection.key, run.as_ref(), paging.window()).await?;
    Ok(Json(paging.of(lines, LineReply::of)))
}

impl PastSyncReply {
    pub(super) fn of(sync: AccessSync) -> Self {
        Self {
            run: sync.run.to_string(),
            state: sync.state.as_str(),
            started_at: sync.started_at,
            ended_at: sync.ended_at,
            report: sync.report,
            error: sync.error,
        }
    }
}

impl LineReply {
    fn of(line: SyncLogLine) -> Self {
        Self {
            at: line.at,
            level: line.level.as_str(),
            run: line.run.map(|run| run.to_string()),
            line: line.line,
        }
    }
}
