//! The collections that a privacy request is about, as the engine goes through them.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use graph::{Graph, Targets};
use jiff::Timestamp;
use model::{CollectionAddress, PrivacyRequestId, RunId};
use serde::Serialize;
use store::{Callback, CallbackState, RequestLog, RunKind, Task, TaskState};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{find_live, log};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A collection.
#[derive(Debug, Serialize, ToSchema)]
struct RequestTaskReply {
    /// Its id.
    id: String,
    /// Which collection.
    collection_address: String,
    /// When it was put in line.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When something last happened to it.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Collections that it is read after.
    upstream_tasks: Vec<String>,
    /// Collections that are read after it.
    downstream_tasks: Vec<String>,
    /// What is done (`access`).
    action_type: &'static str,
    /// How far it is: `pending`, `in_processing`, `complete`, `error` or `canceled`; `awaiting_processing` while
    /// an application is to call back, `polling` while it is asked again and again whether its job is done.
    status: &'static str,
}

/// List the collections that a privacy request is about, and how far each is.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/tasks",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = Vec<RequestTaskReply>), (status = 404))
)]
async fn list(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Vec<RequestTaskReply>>, ApiError> {
    let request = find_live(&state, &id).await?;
    let logs = log::all(&state, &request.id).await?;
    let edges = edges(&state, &request.id).await;
    let mut replies = Vec::new();
    for run in [&request.access_run, &request.change_run].into_iter().flatten() {
        replies.extend(of_run(&state, run, (&logs, &edges)).await?);
    }
    Ok(Json(replies))
}

async fn of_run(
    state: &ApiState,
    run: &RunId,
    (logs, edges): (&[RequestLog], &Edges),
) -> Result<Vec<RequestTaskReply>, ApiError> {
    let Some(found) = state.store().run_find(run).await? else { return Ok(Vec::new()) };
    let action = match found.kind {
        RunKind::Access => "access",
        RunKind::Erasure => "erasure",
        RunKind::Rectification => "update",
        // No privacy request has such a run.
        RunKind::Sync | RunKind::AccessChange => return Ok(Vec::new()),
    };
    let tasks = state.store().task_list(run).await?;
    // What else a run does bears no collection's name.
    let tasks = tasks.into_iter().filter(|task| task.name.parse::<CollectionAddress>().is_ok());
    let callbacks = state.store().callback_list(run).await?;
    let jobs = state.store().polling_list(run).await?;
    // What an application is still at work on (privacy-requests X-22).
    let waits = |task: &Task| {
        let is_asked = |one: &Callback| one.state == CallbackState::Asked && one.owner == task.id.as_str();
        if task.state != TaskState::Ready {
            return None;
        }
        if callbacks.iter().any(is_asked) {
            return Some("awaiting_processing");
        }
        jobs.iter().any(|job| job.task == task.id.as_str()).then_some("polling")
    };
    let reply = |task: Task| {
        let reply = reply(&task, (action, found.created_at), (logs, edges));
        match waits(&task) {
            Some(status) => RequestTaskReply { status, ..reply },
            None => reply,
        }
    };
    Ok(tasks.map(reply).collect())
}

fn reply(
    task: &Task,
    (action, begun): (&'static str, Timestamp),
    (logs, edges): (&[RequestLog], &Edges),
) -> RequestTaskReply {
    let created_at = made_at(task.id.as_str()).unwrap_or(begun);
    let of_task = |log: &&RequestLog| {
        let (dataset, collection) = (log.entry.dataset_name.as_deref(), log.entry.collection_name.as_deref());
        let address = dataset.zip(collection).map(|(dataset, collection)| format!("{dataset}:{collection}"));
        address.as_deref() == Some(task.name.as_str()) && log.entry.action_type.as_deref() == Some(action)
    };
    let last = logs.iter().filter(of_task).map(|log| log.at).max();
    let status = match task.state {
        TaskState::Ready => "pending",
        TaskState::Leased => "in_processing",
        TaskState::Done => "complete",
        TaskState::Failed => "error",
        TaskState::Cancelled => "canceled",
    };
    let of = |edges: &HashMap<String, Vec<String>>| edges.get(&task.name).cloned().unwrap_or_default();
    RequestTaskReply {
        upstream_tasks: of(&edges.up),
        downstream_tasks: of(&edges.down),
        collection_address: task.name.clone(),
        updated_at: last.map_or(created_at, |last| last.max(created_at)),
        created_at,
        action_type: action,
        status,
        id: task.id.as_str().to_owned(),
    }
}

/// The time that an id was made at, which is in it.
fn made_at(id: &str) -> Option<Timestamp> {
    let (_, uuid) = id.split_once('_')?;
    let (seconds, nanoseconds) = Uuid::try_parse(uuid).ok()?.get_timestamp()?.to_unix();
    Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
}

/// What is read before and after what.
#[derive(Debug, Default)]
struct Edges {
    up: HashMap<String, Vec<String>>,
    down: HashMap<String, Vec<String>>,
}

/// The edges of the graph as connections are now; none if they do not fit together.
async fn edges(state: &ApiState, id: &PrivacyRequestId) -> Edges {
    let (Ok(service), Ok(identities)) = (state.service().await, state.requests().identities(id).await) else {
        return Edges::default();
    };
    walk(&service.parts().graph, &identities.verified())
}

fn walk(graph: &Graph, identities: &model::Identities) -> Edges {
    let mut edges = Edges::default();
    let Ok(traversal) = graph.traverse(identities, Targets::Everything) else { return edges };
    for node in traversal.nodes() {
        let address = node.address().to_string();
        for parent in node.parents().into_iter().map(ToString::to_string) {
            edges.down.entry(parent.clone()).or_default().push(address.clone());
            edges.up.entry(address.clone()).or_default().push(parent);
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_an_id_is_in_it() {
        let id = format!("tsk_{}", Uuid::new_v7(uuid::Timestamp::from_unix_time(1_700_000_000, 0, 0, 0)));

        assert_eq!(made_at(&id).map(Timestamp::as_second), Some(1_700_000_000));
        assert_eq!(made_at("tsk_x"), None);
        assert_eq!(made_at("x"), None);
    }
}
