//! What people are asked to do by hand: the tasks, and their answers.

mod attachment;
mod config;
mod reply;

use axum::Json;
use axum::extract::{Path, State};
use model::{ConnectionKey, Outcome, PrivacyRequestId};
use privacy::manual_task::{self, Answer, AnswerFault, AnswerPlace, TaskError};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::{Listed, LoginId, ManualAction, ManualTask, ManualTaskFilter, ManualTaskState};
use utoipa::{IntoParams, ToSchema};

use self::reply::{ManualTaskReply, TaskDetail};
use crate::body::Body;
use crate::caller::{Caller, Who};
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::state::ApiState;
use crate::text::Text;
use crate::{ApiError, Invalid, Scope};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(list_of_request))
        .routes(routes!(read))
        .routes(routes!(complete))
        .routes(routes!(skip))
        .merge(attachment::routes())
        .merge(config::routes())
}

/// Which tasks.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// How far they are.
    #[param(inline)]
    status: Option<StatusInput>,
    /// For which privacy request.
    privacy_request_id: Option<String>,
    /// Of which connection.
    connection_key: Option<String>,
    /// For what.
    #[param(inline)]
    action_type: Option<ManualActionInput>,
    /// Who is to do them: the id of an account.
    assigned_user_id: Option<String>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StatusInput {
    /// A person is to do it.
    Open,
    /// A person did it.
    Complete,
    /// Nobody does it.
    Skipped,
}

/// What tasks are for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ManualActionInput {
    /// The package of a request.
    Access,
    /// Erasing by hand.
    Erasure,
}

/// What a person says about a task.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskAnswerInput {
    /// Name of a field → its value: a text, or `true` or `false`. Files are brought before.
    #[serde(default)]
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// What became of the data; for tasks to erase.
    outcome: Option<TaskOutcomeInput>,
    /// Why data stay (`exempt`, `unsupported`).
    #[schema(value_type = Option<String>)]
    reason: Option<Text>,
}

/// What became of data that were to be erased by hand.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TaskOutcomeInput {
    /// They were deleted.
    Erased,
    /// They were overwritten.
    Masked,
    /// They were gone already.
    AlreadyAbsent,
    /// There was nothing about the person.
    NotFound,
    /// A law asks to keep them.
    Exempt,
    /// They stay.
    Unsupported,
}

/// Why a task is not done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskSkipInput {
    /// The reason.
    #[schema(value_type = String)]
    reason: Text,
}

/// List tasks, the oldest first: those that the caller is to do; all of them for callers who may review
/// them (`privacy-request:manual-steps:review`).
#[utoipa::path(
    get,
    path = "/manual-task",
    tag = "Manual input",
    params(Paging, Filter),
    security(("oauth2" = ["privacy-request:manual-steps:respond"])),
    responses((status = 200, body = PageOf<ManualTaskReply>))
)]
async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    paging: Paging,
    Query(filter): Query<Filter>,
) -> Result<Json<PageOf<ManualTaskReply>>, ApiError> {
    let nothing = || Listed { items: Vec::new(), total: 0 };
    let found = match filter.of(&caller) {
        Some(filter) => state.store().manual_task_list(&filter, paging.window()).await?,
        None => nothing(),
    };
    Ok(Json(paging.of(found, ManualTaskReply::of)))
}

/// List all tasks of a privacy request, with what was said about them.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/manual-task",
    tag = "Manual input",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:manual-steps:review"])),
    responses((status = 200, body = Vec<TaskDetail>), (status = 404))
)]
async fn list_of_request(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Vec<TaskDetail>>, ApiError> {
    let request = state.requests().get_named(&id).await?;
    let request = state.requests().get_live(&request.id).await?;
    let mut replies = Vec::new();
    for task in state.store().manual_task_list_of(&request.id).await? {
        replies.push(TaskDetail::of(&state, task).await?);
    }
    Ok(Json(replies))
}

/// Read a task: what is asked, about whom, and what was said.
#[utoipa::path(
    get,
    path = "/manual-task/{task_id}",
    tag = "Manual input",
    params(("task_id" = String, Path)),
    security(("oauth2" = ["privacy-request:manual-steps:respond"])),
    responses((status = 200, body = TaskDetail), (status = 404))
)]
async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TaskDetail>, ApiError> {
    let task = task_of(&state, &caller, &id).await?;
    TaskDetail::of(&state, task).await.map(Json)
}

/// Say that a task is done. The last one of a privacy request lets it go on. What became of data that
/// were to be erased is what its person says.
#[utoipa::path(
    post,
    path = "/manual-task/{task_id}/complete",
    tag = "Manual input",
    params(("task_id" = String, Path)),
    security(("oauth2" = ["privacy-request:manual-steps:respond"])),
    request_body = TaskAnswerInput,
    responses((status = 200, body = TaskDetail), (status = 404), (status = 409), (status = 422))
)]
async fn complete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(sent): Body<TaskAnswerInput>,
) -> Result<Json<TaskDetail>, ApiError> {
    let task = task_of(&state, &caller, &id).await?;
    let answer = Answer {
        fields: sent.fields,
        outcome: sent.outcome.map(TaskOutcomeInput::outcome),
        reason: sent.reason.map(|reason| reason.0),
    };
    manual_task::complete(state.store(), &task, (answer, &caller.by())).await?;
    TaskDetail::of(&state, task_of(&state, &caller, &id).await?).await.map(Json)
}

/// Say that a task is not done, and why. Data that were to be erased by it stay, and its privacy request
/// is left to a person in the end.
#[utoipa::path(
    post,
    path = "/manual-task/{task_id}/skip",
    tag = "Manual input",
    params(("task_id" = String, Path)),
    security(("oauth2" = ["privacy-request:manual-steps:respond"])),
    request_body = TaskSkipInput,
    responses((status = 200, body = TaskDetail), (status = 404), (status = 409), (status = 422))
)]
async fn skip(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(sent): Body<TaskSkipInput>,
) -> Result<Json<TaskDetail>, ApiError> {
    if sent.reason.0.trim().is_empty() {
        let loc = vec![json!("body"), json!("reason")];
        return Err(ApiError::invalid("value_error", loc, "say why it is not done"));
    }
    let task = task_of(&state, &caller, &id).await?;
    manual_task::skip(state.store(), &task, (sent.reason.0, &caller.by())).await?;
    TaskDetail::of(&state, task_of(&state, &caller, &id).await?).await.map(Json)
}

/// The task, if the caller is to do it or may review it; others do not hear that there is one.
async fn task_of(state: &ApiState, caller: &Caller, id: &str) -> Result<ManualTask, ApiError> {
    let missing = || ApiError::NotFound(format!("No manual task found with id '{id}'."));
    let parsed = id.parse().map_err(|_| missing())?;
    let task = state.store().manual_task_find(&parsed).await?.ok_or_else(missing)?;
    let is_theirs = person(caller).is_some_and(|login| task.assigned.contains(login));
    if is_theirs || reviews(caller) { Ok(task) } else { Err(missing()) }
}

fn person(caller: &Caller) -> Option<&LoginId> {
    match &caller.who {
        Who::Login(id) => Some(id),
        Who::RootClient | Who::RootUser | Who::Client(_) => None,
    }
}

fn reviews(caller: &Caller) -> bool {
    caller.scopes.contains(&Scope::PrivacyRequestManualStepsReview)
}

impl Filter {
    /// As the store takes it; `None` if it matches nothing that the caller may see.
    fn of(self, caller: &Caller) -> Option<ManualTaskFilter> {
        let asked = self.assigned_user_id.map(|id| LoginId::parse(&id));
        let assignee = match (asked, reviews(caller), person(caller)) {
            (Some(None), _, _) => return None,
            (Some(Some(asked)), true, _) => Some(asked),
            (None, true, _) => None,
            (Some(Some(asked)), false, own) if own == Some(&asked) => Some(asked),
            (None, false, Some(own)) => Some(own.clone()),
            (_, false, _) => return None,
        };
        let request: Option<PrivacyRequestId> = match self.privacy_request_id {
            Some(id) => Some(id.parse().ok()?),
            None => None,
        };
        let connection: Option<ConnectionKey> = match self.connection_key {
            Some(key) => Some(key.parse().ok()?),
            None => None,
        };
        let state = self.status.map(|status| match status {
            StatusInput::Open => ManualTaskState::Open,
            StatusInput::Complete => ManualTaskState::Complete,
            StatusInput::Skipped => ManualTaskState::Skipped,
        });
        let action = self.action_type.map(|action| match action {
            ManualActionInput::Access => ManualAction::Access,
            ManualActionInput::Erasure => ManualAction::Erasure,
        });
        Some(ManualTaskFilter { state, request, connection, action, assignee })
    }
}

impl TaskOutcomeInput {
    fn outcome(self) -> Outcome {
        match self {
            Self::Erased => Outcome::Erased,
            Self::Masked => Outcome::Masked,
            Self::AlreadyAbsent => Outcome::AlreadyAbsent,
            Self::NotFound => Outcome::NotFound,
            Self::Exempt => Outcome::Exempt,
            Self::Unsupported => Outcome::Unsupported,
        }
    }
}

impl From<TaskError> for ApiError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Answer(faults) => Self::Invalid(faults.into_iter().map(invalid).collect()),
            TaskError::OtherVersion => Self::Conflict(error.to_string()),
            TaskError::Store(error) => error.into(),
        }
    }
}

fn invalid((place, fault): (AnswerPlace, AnswerFault)) -> Invalid {
    let kind = match fault {
        AnswerFault::Unknown => "extra_forbidden",
        AnswerFault::Missing | AnswerFault::NoOutcome | AnswerFault::NoReason => "missing",
        AnswerFault::NoText => "string_type",
        AnswerFault::NoFlag => "bool_type",
        AnswerFault::TooLong | AnswerFault::IsFile | AnswerFault::OutcomeOfAccess => "value_error",
    };
    let mut loc = vec![json!("body")];
    match place {
        AnswerPlace::Field(name) => loc.extend([json!("fields"), json!(name)]),
        AnswerPlace::Outcome => loc.push(json!("outcome")),
        AnswerPlace::Reason => loc.push(json!("reason")),
    }
    Invalid::new(kind, loc, fault.to_string())
}
