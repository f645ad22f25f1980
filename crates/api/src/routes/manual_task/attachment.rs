//! Files that people bring: for tasks, and for forms.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use crypto::Secret;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use privacy::manual_task::{FieldKind, LIMITS, TaskSnapshot, checked_name};
use serde::Deserialize;
use serde_json::json;
use store::{AttachmentOwner, ManualTask, NewManualAttachment};
use utoipa::IntoParams;

use super::reply::AttachmentReply;
use super::task_of;
use crate::ApiError;
use crate::body::body_bytes;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(bring)).routes(routes!(read, remove)).routes(routes!(bring_for_form))
}

/// What a file is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct About {
    /// The field that it is brought for.
    field: String,
    /// Its name.
    file_name: String,
}

/// Bring a file for a field of a task: its bytes as they are, in `Content-Type` its kind. Files are sealed,
/// and limited by `server.max_body_bytes`, and to 20 and 32 MiB for one privacy request.
#[utoipa::path(
    post,
    path = "/manual-task/{task_id}/attachment",
    tag = "Manual input",
    params(("task_id" = String, Path), About),
    security(("oauth2" = ["privacy-request:manual-steps:respond"])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = AttachmentReply), (status = 404), (status = 409), (status = 413), (status = 422))
)]
async fn bring(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Query(about): Query<About>,
    request: Request,
) -> Result<(StatusCode, Json<AttachmentReply>), ApiError> {
    let task = task_of(&state, &caller, &id).await?;
    let takes = |field: &str| {
        let fields = TaskSnapshot::of(&task).map(|snapshot| snapshot.asked.fields).unwrap_or_default();
        fields.iter().any(|one| one.name == field && one.kind == FieldKind::Attachment)
    };
    if !takes(&about.field) {
        return Err(no_field());
    }
    let owner = AttachmentOwner::Task(task.id.clone());
    keep(&state, caller, (&task.request, &owner, about), request).await
}

/// Bring a file for a field of the form of a connection (type `file`), while a privacy request waits for
/// it.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/access_manual_webhook/{connection_key}/attachment",
    tag = "Manual input",
    params(("privacy_request_id" = String, Path), ("connection_key" = String, Path), About),
    security(("oauth2" = ["privacy-request:upload_data"])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = AttachmentReply), (status = 404), (status = 409), (status = 413), (status = 422))
)]
async fn bring_for_form(
    State(state): State<ApiState>,
    caller: Caller,
    Path((id, connection)): Path<(String, String)>,
    Query(about): Query<About>,
    request: Request,
) -> Result<(StatusCode, Json<AttachmentReply>), ApiError> {
    let found = state.requests().get_named(&id).await?;
    let found = state.requests().get_live(&found.id).await?;
    let (connection, form) = crate::routes::manual_webhook::form_of(&state, &connection).await?;
    let takes = |label: &str| {
        form.fields.iter().any(|field| field.label == label && privacy::manual::takes_files(field))
    };
    if !takes(&about.field) {
        return Err(no_field());
    }
    let owner = AttachmentOwner::Form(connection.key);
    keep(&state, caller, (&found.id, &owner, about), request).await
}

/// Read a file that was brought for a task.
#[utoipa::path(
    get,
    path = "/manual-task/{task_id}/attachment/{attachment_id}",
    tag = "Manual input",
    params(("task_id" = String, Path), ("attachment_id" = String, Path)),
    security(("oauth2" = ["privacy-request:manual-steps:respond"])),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 404))
)]
async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let task = task_of(&state, &caller, &id).await?;
    if !is_of(&state, &task, &file).await? {
        return Err(missing(&file));
    }
    let contents = state.store().manual_attachment_open(&task.request, &file).await?;
    let contents = contents.ok_or_else(|| missing(&file))?;
    // Never shown in the browser: a stranger may have written it.
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
    ];
    Ok((headers, contents.expose().clone()).into_response())
}

/// Take a file away again, while its task is open.
#[utoipa::path(
    delete,
    path = "/manual-task/{task_id}/attachment/{attachment_id}",
    tag = "Manual input",
    params(("task_id" = String, Path), ("attachment_id" = String, Path)),
    security(("oauth2" = ["privacy-request:manual-steps:respond"])),
    responses((status = 204), (status = 404), (status = 409))
)]
async fn remove(
    State(state): State<ApiState>,
    caller: Caller,
    Path((id, file)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let task = task_of(&state, &caller, &id).await?;
    let owner = AttachmentOwner::Task(task.id);
    let removed =
        state.store().manual_attachment_remove((&task.request, &owner, &file), caller.actor).await?;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(missing(&file)) }
}

async fn is_of(state: &ApiState, task: &ManualTask, file: &str) -> Result<bool, ApiError> {
    let owner = AttachmentOwner::Task(task.id.clone());
    let files = state.store().manual_attachment_list(&task.request).await?;
    Ok(files.iter().any(|one| one.id == file && one.owner == owner))
}

async fn keep(
    state: &ApiState,
    caller: Caller,
    (id, owner, about): (&model::PrivacyRequestId, &AttachmentOwner, About),
    request: Request,
) -> Result<(StatusCode, Json<AttachmentReply>), ApiError> {
    let name = checked_name(&about.file_name).map_err(|fault| {
        ApiError::invalid("value_error", vec![json!("query"), json!("file_name")], fault.to_string())
    })?;
    let content_type = content_type(request.headers())?;
    let contents = Secret::new(body_bytes(request, state).await?.to_vec());
    if contents.expose().is_empty() {
        return Err(ApiError::invalid("value_error", vec![json!("body")], "the file is empty"));
    }
    let new = NewManualAttachment {
        request: id,
        owner,
        field: &about.field,
        name,
        content_type: &content_type,
        contents: &contents,
        actor: caller.actor,
    };
    let kept = state.store().manual_attachment_put(new, LIMITS).await?;
    Ok((StatusCode::CREATED, Json(AttachmentReply::of(kept))))
}

/// The kind of a file, as it stands in packages.
fn content_type(headers: &HeaderMap) -> Result<String, ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok("application/octet-stream".to_owned()) };
    let text = value.to_str().ok().filter(|text| text.len() <= 200);
    let wrong = || ApiError::UnsupportedMedia("write the kind of the file in `Content-Type`".to_owned());
    text.map(str::to_owned).ok_or_else(wrong)
}

fn no_field() -> ApiError {
    let loc = vec![json!("query"), json!("field")];
    ApiError::invalid("value_error", loc, "there is no field of this name that takes files")
}

fn missing(file: &str) -> ApiError {
    ApiError::NotFound(format!("No attachment found with id '{file}'."))
}
