use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use baton::control::TaskOutcome;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{BatonConnector, BatonTask, BatonTaskId};
use utoipa::{IntoParams, ToSchema};

use super::change::{ConnectorChange, ConnectorTaskInput};
use super::find;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(give)).routes(routes!(get, cancel))
}

/// Longest time that a call waits for a task to end, in seconds.
const LONGEST_WAIT_S: u64 = 50;

/// A piece of work of a connector.
#[derive(Serialize, ToSchema)]
pub(super) struct ConnectorTaskReply {
    /// Its id.
    id: String,
    /// What it is: `sync_full`, `grant`, `revoke`, `create_account` or `delete_resource`.
    kind: String,
    /// How far it is: `queued`, `leased`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// Which process has it, or had it last.
    host_id: Option<String>,
    /// How often it was handed out.
    attempts: u64,
    /// The status that it ended with, as gRPC numbers them; 0 is success.
    code: Option<i64>,
    /// Why it failed.
    error: Option<String>,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was first handed out.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// Since when it is to be given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    cancelled_at: Option<Timestamp>,
    /// When it was over.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

/// A piece of work of a connector, and what the connector answered.
#[derive(Serialize, ToSchema)]
struct ConnectorOutcomeReply {
    /// The task.
    #[serde(flatten)]
    task: ConnectorTaskReply,
    /// The connector's answer, a message in its JSON form; null until it is done.
    #[schema(value_type = Option<Object>)]
    response: Option<Value>,
}

/// Whether a call waits.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Waiting {
    /// For how many seconds the call waits for the task to end.
    #[param(minimum = 0, maximum = 50, default = 0)]
    wait_s: Option<u64>,
}

/// Give a connector a change to make: access to give or to take, an account to make, or a resource to remove. It is made
/// by a process that was started with `--provisioning`; what came of it, `GET …/task/{task_id}` says.
#[utoipa::path(
    post,
    path = "/connection/{key}/self-hosted/task",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["access:change"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = ConnectorTaskInput,
    responses(
        (status = 202, body = ConnectorTaskReply),
        (status = 404),
        (
            status = 409,
            description = "The connector is paused, did not say that it makes such changes, or its connection is for reading only"
        ),
        (status = 422)
    )
)]
async fn give(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<ConnectorTaskInput>,
) -> Result<(StatusCode, Json<ConnectorTaskReply>), ApiError> {
    let connector = find(&state, &key).await?;
    let control = state.control()?;
    let task = match sent.checked()? {
        ConnectorChange::Grant(entitlement, principal) => {
            control.queue_grant(&connector.id, (entitlement, principal), caller.actor).await?
        }
        ConnectorChange::Revoke(grant) => control.queue_revoke(&connector.id, grant, caller.actor).await?,
        ConnectorChange::CreateAccount(account, resource_type) => {
            control.queue_account(&connector.id, (account, resource_type), caller.actor).await?
        }
        ConnectorChange::DeleteResource(resource, parent) => {
            control.queue_delete(&connector.id, (resource, parent), caller.actor).await?
        }
    };
    Ok((StatusCode::ACCEPTED, Json(ConnectorTaskReply::of(task))))
}

/// A piece of work of a connector, and what came of it.
#[utoipa::path(
    get,
    path = "/connection/{key}/self-hosted/task/{task_id}",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["access:read"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("task_id" = String, Path, description = "Id of the task"),
        Waiting
    ),
    responses((status = 200, body = ConnectorOutcomeReply), (status = 404), (status = 422))
)]
async fn get(
    State(state): State<ApiState>,
    Path((key, task)): Path<(String, String)>,
    Query(waiting): Query<Waiting>,
) -> Result<Json<ConnectorOutcomeReply>, ApiError> {
    let wait = waiting.checked()?;
    let connector = find(&state, &key).await?;
    let task = find_task(&state, &connector, &task).await?;
    let outcome = state.control()?.wait(&task.id, wait).await?;
    let TaskOutcome { task, response } = outcome.ok_or_else(|| no_task(task.id.as_str()))?;
    let response = response.as_ref().and_then(|response| protos::json::to_value(response).ok());
    Ok(Json(ConnectorOutcomeReply { task: ConnectorTaskReply::of(task), response }))
}

/// Take a piece of work back. One that waits is over at once; the process that has one is told so with its next
/// sign of life, and what it did by then is done.
#[utoipa::path(
    delete,
    path = "/connection/{key}/self-hosted/task/{task_id}",
    tag = "Self-hosted connectors",
    security(("oauth2" = ["access:change"])),
    params(
        ("key" = String, Path, description = "Key of the connection"),
        ("task_id" = String, Path, description = "Id of the task")
    ),
    responses((status = 200, body = ConnectorTaskReply), (status = 404))
)]
async fn cancel(
    State(state): State<ApiState>,
    caller: Caller,
    Path((key, task)): Path<(String, String)>,
) -> Result<Json<ConnectorTaskReply>, ApiError> {
    let connector = find(&state, &key).await?;
    let task = find_task(&state, &connector, &task).await?;
    let cancelled = state.control()?.cancel(&task.id, caller.actor).await?;
    cancelled.map(ConnectorTaskReply::of).map(Json).ok_or_else(|| no_task(task.id.as_str()))
}

/// The task, if it is one of this connector.
async fn find_task(state: &ApiState, connector: &BatonConnector, id: &str) -> Result<BatonTask, ApiError> {
    let parsed = BatonTaskId::parse(id).ok_or_else(|| no_task(id))?;
    let task = state.store().baton_task_find(&parsed).await?;
    task.filter(|task| task.connector == connector.id).ok_or_else(|| no_task(id))
}

fn no_task(id: &str) -> ApiError {
    ApiError::NotFound(format!("The connector has no task '{id}'."))
}

impl Waiting {
    fn checked(&self) -> Result<Duration, ApiError> {
        match self.wait_s.unwrap_or_default() {
            seconds if seconds <= LONGEST_WAIT_S => Ok(Duration::from_secs(seconds)),
            _ => {
                let loc = vec![json!("query"), json!("wait_s")];
                let text = format!("expected a number from 0 to {LONGEST_WAIT_S}");
                Err(ApiError::invalid("value_error", loc, text))
            }
        }
    }
}

impl ConnectorTaskReply {
    pub(super) fn of(task: BatonTask) -> Self {
        let BatonTask { id, connector: _, kind, state, holder, attempts, cancel_at, .. } = task;
        Self {
            id: id.to_string(),
            kind,
            state: state.as_str(),
            host_id: holder,
            attempts,
            code: task.code,
            error: task.error,
            created_at: task.created_at,
            started_at: task.started_at,
            cancelled_at: cancel_at,
            ended_at: task.ended_at,
        }
    }
}
