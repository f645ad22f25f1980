//! Connections that are read for who has access: when, how that goes, and stopping it (governance 3.3, 3.4).

mod end;
mod held;
mod history;
pub(super) mod status;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use governance::inventory::{At, find_state};
use governance::worker::{check_schedule, next_sync};
use http::StatusCode;
use model::ConnectionKey;
use serde::Deserialize;
use serde_json::json;
use store::{BatonConnector, StoredConnection, SyncSchedule};
use utoipa::ToSchema;

use self::status::{ScheduleForm, SyncReply};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(get, change, ask))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .merge(end::routes())
        .merge(held::routes())
        .merge(history::routes())
}

/// Kinds that may be switched off at most.
const MOST_KINDS: usize = 200;

/// What is to change; what is not sent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SyncInput {
    /// When it is read.
    schedule: Option<ScheduleForm>,
    /// Whether a sync that lost half of something is held back until a person confirms it.
    guard: Option<bool>,
    /// Ids of the kinds that are switched off, all of them: nothing of these is read or shown, from the next sync on.
    #[schema(value_type = Option<Vec<String>>)]
    kinds_off: Option<Vec<Text>>,
}

/// Why syncs are stopped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PauseInput {
    /// In a sentence, for whoever looks.
    #[schema(value_type = String)]
    reason: Text,
}

/// How the connection is: its label, its newest sync, when the next one comes, and what it lacks.
#[utoipa::path(
    get,
    path = "/connection/{key}/sync",
    tag = "Connections that sync",
    operation_id = "connection_sync_get",
    security(("oauth2" = ["connection:read"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = SyncReply), (status = 404))
)]
async fn get(State(state): State<ApiState>, Path(key): Path<String>) -> Result<Json<SyncReply>, ApiError> {
    let connection = find(&state, &key).await?;
    SyncReply::of(&state, &connection).await.map(Json)
}

/// Say when the connection is read, whether syncs that lost much are held back, and which kinds are left out. A schedule is an interval of at
/// least 30 minutes, or a cron expression with a time zone; it holds for the next sync.
#[utoipa::path(
    patch,
    path = "/connection/{key}/sync",
    tag = "Connections that sync",
    operation_id = "connection_sync_change",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = SyncInput,
    responses((status = 200, body = SyncReply), (status = 404), (status = 422))
)]
async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<SyncInput>,
) -> Result<Json<SyncReply>, ApiError> {
    let connection = find(&state, &key).await?;
    let now = state.clock().now();
    let schedule: Option<SyncSchedule> = sent.schedule.map(ScheduleForm::into_schedule).transpose()?;
    if let Some(schedule) = &schedule {
        check_schedule(schedule, now).map_err(|error| {
            ApiError::invalid("value_error", vec![json!("body"), json!("schedule")], error.to_string())
        })?;
    }
    let next = schedule.as_ref().map(|schedule| (schedule, next_sync(schedule, now)));
    let kinds_off = match sent.kinds_off {
        Some(kinds) => Some(kinds_off(&state, &connection, kinds).await?),
        None => None,
    };
    if next.is_some() || sent.guard.is_some() {
        let changed =
            state.store().connection_sync_set(&connection.key, (next, sent.guard), caller.actor.clone());
        changed.await?;
    }
    if let Some(kinds) = kinds_off {
        state.store().connection_kinds_off_set(&connection.key, &kinds, caller.actor).await?;
    }
    SyncReply::of(&state, &connection).await.map(Json)
}

/// Ask for a sync now. It is queued: one that is under way goes on, and another one follows it.
#[utoipa::path(
    post,
    path = "/connection/{key}/sync",
    tag = "Connections that sync",
    operation_id = "connection_sync_ask",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 202, body = SyncReply), (status = 404), (status = 409))
)]
async fn ask(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<(StatusCode, Json<SyncReply>), ApiError> {
    let connection = find(&state, &key).await?;
    match elsewhere(&state, &connection).await? {
        Some(connector) => {
            state.control()?.queue_sync(&connector.id, caller.actor).await?;
        }
        None => state.store().connection_sync_ask(&connection.key, caller.actor).await?,
    }
    Ok((StatusCode::ACCEPTED, Json(SyncReply::of(&state, &connection).await?)))
}

/// Stop syncs and changes of access. A sync that is under way stops where it stands, and goes on there later; that of a
/// connector elsewhere comes to its end, and it gets no more work. Access
/// that was given for a time and whose end comes meanwhile is taken once the connection goes on.
#[utoipa::path(
    post,
    path = "/connection/{key}/sync/pause",
    tag = "Connections that sync",
    operation_id = "connection_sync_pause",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = PauseInput,
    responses((status = 200, body = SyncReply), (status = 404), (status = 422))
)]
async fn pause(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<PauseInput>,
) -> Result<Json<SyncReply>, ApiError> {
    let connection = find(&state, &key).await?;
    let reason = &sent.reason.0;
    match elsewhere(&state, &connection).await? {
        Some(connector) => state.control()?.pause(&connector.id, reason, caller.actor).await?,
        None => state.store().connection_sync_pause(&connection.key, reason, caller.actor).await?,
    };
    SyncReply::of(&state, &connection).await.map(Json)
}

/// Let syncs and changes of access go on, beginning with a sync now.
#[utoipa::path(
    post,
    path = "/connection/{key}/sync/resume",
    tag = "Connections that sync",
    operation_id = "connection_sync_resume",
    security(("oauth2" = ["connection:create_or_update"])),
    params(("key" = String, Path, description = "Key of the connection")),
    responses((status = 200, body = SyncReply), (status = 404))
)]
async fn resume(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<SyncReply>, ApiError> {
    let connection = find(&state, &key).await?;
    match elsewhere(&state, &connection).await? {
        Some(connector) => {
            state.control()?.resume(&connector.id, caller.actor).await?;
        }
        None => {
            state.store().connection_sync_resume(&connection.key, caller.actor).await?;
        }
    }
    SyncReply::of(&state, &connection).await.map(Json)
}

/// These kinds, unless they are all that there are (governance CON-27).
async fn kinds_off(
    state: &ApiState,
    connection: &StoredConnection,
    kinds: Vec<Text>,
) -> Result<BTreeSet<String>, ApiError> {
    let wrong =
        |message: &str| ApiError::invalid("value_error", vec![json!("body"), json!("kinds_off")], message);
    if kinds.len() > MOST_KINDS {
        return Err(wrong("too many kinds; switch the connection off"));
    }
    let off: BTreeSet<String> = kinds.into_iter().map(|kind| kind.0).collect();
    let known = find_state(state.store(), &connection.key, &At::Now).await?;
    let mut known = known.iter().flat_map(|known| &known.head.kinds).peekable();
    if !off.is_empty() && known.peek().is_some() && known.all(|kind| off.contains(&kind.kind)) {
        return Err(wrong("these are all kinds that it has; pause the connection"));
    }
    Ok(off)
}

/// The connector elsewhere that reads a connection, if one does.
pub(super) async fn elsewhere(
    state: &ApiState,
    connection: &StoredConnection,
) -> Result<Option<BatonConnector>, ApiError> {
    Ok(state.store().baton_connector_of(&connection.key).await?)
}

/// The connection with this key.
pub(super) async fn find(state: &ApiState, key: &str) -> Result<StoredConnection, ApiError> {
    let absent = || ApiError::NotFound(format!("No connection configuration found with key '{key}'."));
    let parsed: ConnectionKey = key.parse().map_err(|_| absent())?;
    state.store().connection_find(&parsed).await?.ok_or_else(absent)
}
