//! Waiting for the end of a sync, without asking again and again.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{At, find_state};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{InventoryKind, InventoryKindStatus, InventoryStanding, StoredConnection};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::find;
use super::history::PastSyncReply;
use super::status::SyncReply;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(end))
}

/// Longest wait of one call; then the caller asks again.
const LONGEST_S: u64 = 30;
/// Between two looks at the connection.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EndQuery {
    /// How many seconds to wait for the end, up to 30; without it the reply comes at once.
    #[param(maximum = 30)]
    wait_s: Option<u64>,
}

/// How far the syncs of a connection are.
#[derive(Serialize, ToSchema)]
struct SyncEndReply {
    /// Whether none is under way, and none that was asked for is still to begin.
    is_over: bool,
    /// How the connection is.
    sync: SyncReply,
    /// The newest sync; none if there was none.
    newest: Option<PastSyncReply>,
    /// What became of the inventory by it; none as long as there is no inventory.
    inventory: Option<KeptReply>,
}

/// What became of the inventory.
#[derive(Serialize, ToSchema)]
struct KeptReply {
    /// The state that is in force, or that is held back.
    state: String,
    /// Whether something of it could not be read to its end.
    incomplete: bool,
    /// Parts that are others than they were before the newest sync.
    changed_parts: u64,
    /// Why it is held back.
    held: Option<String>,
}

/// Wait until the sync that is under way, or was asked for, is over: the reply comes then, or after `wait_s` seconds
/// with `is_over` false. It says of the newest sync how it ended, each kind with its counts, and what became of the
/// inventory.
#[utoipa::path(
    get,
    path = "/connection/{key}/sync/end",
    tag = "Connections that sync",
    operation_id = "connection_sync_end",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection"), EndQuery),
    responses((status = 200, body = SyncEndReply), (status = 404), (status = 422), (status = 429))
)]
async fn end(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<EndQuery>,
) -> Result<Json<SyncEndReply>, ApiError> {
    let wait_s = query.wait_s.unwrap_or_default();
    if wait_s > LONGEST_S {
        let text = format!("write a number from 0 to {LONGEST_S}");
        return Err(ApiError::invalid("value_error", vec![json!("query"), json!("wait_s")], text));
    }
    let full = |_| ApiError::TooManyRequests(60);
    let _place = match wait_s {
        0 => None,
        _ => Some(state.followers().try_acquire_owned().map_err(full)?),
    };
    let until = Instant::now() + Duration::from_secs(wait_s);
    loop {
        let connection = find(&state, &key).await?;
        let sync = SyncReply::of(&state, &connection).await?;
        // One that is switched off is not read, whoever asks; what is under way comes to its end.
        let is_over = sync.is_over() || (connection.disabled && !is_running(&state, &connection).await?);
        if is_over || Instant::now() >= until {
            return told(&state, &connection, (sync, is_over)).await.map(Json);
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn is_running(state: &ApiState, connection: &StoredConnection) -> Result<bool, ApiError> {
    let sync = state.store().connection_sync_find(&connection.key).await?;
    Ok(sync.is_some_and(|sync| sync.is_running))
}

async fn told(
    state: &ApiState,
    connection: &StoredConnection,
    (sync, is_over): (SyncReply, bool),
) -> Result<SyncEndReply, ApiError> {
    let run = state.store().connection_sync_find(&connection.key).await?.and_then(|sync| sync.last_run);
    let newest = match &run {
        Some(run) => state.store().sync_find(run).await?,
        None => None,
    };
    // What is held back is told only of the sync that it came from.
    let is_of_run =
        |source: Option<&str>| source.is_some() && source == run.as_ref().map(model::RunId::as_str);
    let held = find_state(state.store(), &connection.key, &At::Held).await?;
    let held = held.filter(|held| is_of_run(held.head.source.as_deref()));
    let found = match held {
        Some(held) => Some(held),
        None => find_state(state.store(), &connection.key, &At::Now).await?,
    };
    let is_incomplete = |kind: &InventoryKind| kind.status == InventoryKindStatus::Incomplete;
    let inventory = found.map(|found| KeptReply {
        state: found.head.id.as_str().to_owned(),
        incomplete: found.head.kinds.iter().any(is_incomplete),
        changed_parts: if is_of_run(found.head.source.as_deref()) { found.head.changed } else { 0 },
        held: found.head.reason.filter(|_| found.head.standing == InventoryStanding::Held),
    });
    Ok(SyncEndReply { is_over, sync, newest: newest.map(PastSyncReply::of), inventory })
}
