use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{self, At, confirm, dismiss, find_state};
use jiff::Timestamp;
use serde::Serialize;
use store::{InventoryCounts, PauseCategory, StoredConnection};
use utoipa::ToSchema;

use super::status::SyncReply;
use super::{elsewhere, find};
use crate::ApiError;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(confirm_held)).routes(routes!(dismiss_held))
}

/// What was read and is held back.
#[derive(Serialize, ToSchema)]
struct HeldReply {
    /// Its state in the inventory.
    state: String,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    read_at: Timestamp,
    /// Why it is held back.
    reason: Option<String>,
    /// What there is in it.
    held: CountsReply,
    /// What is shown meanwhile.
    shown: Option<CountsReply>,
}

/// How much there is.
#[derive(Serialize, ToSchema)]
struct CountsReply {
    /// Resources.
    resources: u64,
    /// Entitlements on them.
    entitlements: u64,
    /// Grants that were reported; those that follow from them are not counted.
    grants: u64,
}

/// What is held back, with what is shown meanwhile.
#[utoipa::path(
    get,
    path = "/connection/{key}/sync/held",
    tag = "Connections that sync",
    operation_id = "connection_sync_held",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = HeldReply), (status = 404))
)]
async fn get(State(state): State<ApiState>, Path(key): Path<String>) -> Result<Json<HeldReply>, ApiError> {
    let connection = find(&state, &key).await?;
    let held = find_state(state.store(), &connection.key, &At::Held).await?;
    let held = held.ok_or_else(|| nothing(&key))?.head;
    let shown = find_state(state.store(), &connection.key, &At::Now).await?;
    Ok(Json(HeldReply {
        state: held.id.as_str().to_owned(),
        read_at: held.read_at,
        reason: held.reason,
        held: CountsReply::of(held.counts),
        shown: shown.map(|shown| CountsReply::of(shown.head.counts)),
    }))
}

/// Confirm what is held back: it is shown from now on, and the connection goes on with a sync.
#[utoipa::path(
    post,
    path = "/connection/{key}/sync/held/confirm",
    tag = "Connections that sync",
    operation_id = "connection_sync_held_confirm",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = SyncReply), (status = 404))
)]
async fn confirm_held(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<SyncReply>, ApiError> {
    let connection = find(&state, &key).await?;
    let held = find_state(state.store(), &connection.key, &At::Held).await?;
    let confirmed = confirm(state.store(), &connection.key, caller.actor.clone()).await?;
    confirmed.ok_or_else(|| nothing(&key))?;
    go_on(&state, &connection, (held, caller)).await
}

/// Dismiss what is held back: what is shown stays, and the connection goes on with a sync, which is measured by what
/// is shown.
#[utoipa::path(
    post,
    path = "/connection/{key}/sync/held/dismiss",
    tag = "Connections that sync",
    operation_id = "connection_sync_held_dismiss",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = SyncReply), (status = 404))
)]
async fn dismiss_held(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<SyncReply>, ApiError> {
    let connection = find(&state, &key).await?;
    let held = find_state(state.store(), &connection.key, &At::Held).await?;
    let dismissed = dismiss(state.store(), &connection.key, caller.actor.clone()).await?;
    dismissed.ok_or_else(|| nothing(&key))?;
    go_on(&state, &connection, (held, caller)).await
}

/// What the guard stopped goes on; what a person stopped stays stopped.
async fn go_on(
    state: &ApiState,
    connection: &StoredConnection,
    (held, caller): (Option<inventory::State>, Caller),
) -> Result<Json<SyncReply>, ApiError> {
    // One that runs elsewhere was stopped by its own upload, for the same reason.
    let elsewhere = elsewhere(state, connection).await?;
    let reason = held.and_then(|held| held.head.reason);
    let stopped =
        elsewhere.filter(|connector| connector.paused_at.is_some() && connector.paused_reason == reason);
    if let Some(connector) = stopped {
        state.control()?.resume(&connector.id, caller.actor.clone()).await?;
    }
    let sync = state.store().connection_sync_find(&connection.key).await?;
    let pause = sync.and_then(|sync| sync.pause);
    if pause.is_some_and(|pause| pause.category == PauseCategory::Anomaly) {
        state.store().connection_sync_resume(&connection.key, caller.actor).await?;
    }
    SyncReply::of(state, connection).await.map(Json)
}

fn nothing(key: &str) -> ApiError {
    ApiError::NotFound(format!("No sync of the connection '{key}' is held back."))
}

impl CountsReply {
    fn of(counts: InventoryCounts) -> Self {
        Self { resources: counts.resources, entitlements: counts.entitlements, grants: counts.grants }
    }
}
