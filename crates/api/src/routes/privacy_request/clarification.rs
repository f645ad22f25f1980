//! Asking a person what they mean.

use axum::Json;
use axum::extract::{Path, State};
use crypto::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Clarification;
use utoipa::ToSchema;

use super::find_live;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, ask)).routes(routes!(answer))
}

/// A question to a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClarificationInput {
    /// The question, as they are sent it.
    #[schema(value_type = String)]
    question: Text,
}

/// What a person said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClarificationAnswerInput {
    /// Their answer.
    #[schema(value_type = String)]
    answer: Text,
}

/// A question to a person, and what they said.
#[derive(Serialize, ToSchema)]
struct ClarificationReply {
    /// The question.
    question: String,
    /// Who asked.
    asked_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    asked_at: Timestamp,
    /// Their answer.
    answer: Option<String>,
    /// Who entered it.
    answered_by: Option<String>,
    /// When they had answered; null: the clock stands still.
    #[schema(value_type = Option<String>, format = DateTime)]
    answered_at: Option<Timestamp>,
}

/// Read what the person of a privacy request was asked, and what they said.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/clarification",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:view_data"])),
    responses((status = 200, body = Vec<ClarificationReply>), (status = 404), (status = 422))
)]
async fn list(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ClarificationReply>>, ApiError> {
    let request = find_live(&state, &id).await?;
    replies(&state, &request.id).await
}

/// Ask the person of a privacy request what they mean. Until they say it, its clock stands still where the
/// law allows it. They are written to at an address that is known to be theirs.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/clarification",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review", "privacy-request:view_data"])),
    request_body = ClarificationInput,
    responses((status = 200, body = Vec<ClarificationReply>), (status = 400), (status = 404), (status = 422))
)]
async fn ask(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(sent): Body<ClarificationInput>,
) -> Result<Json<Vec<ClarificationReply>>, ApiError> {
    let request = find_live(&state, &id).await?;
    let question = said("question", sent.question)?;
    state.requests().ask_what_is_meant(&request.id, question, &caller.by()).await?;
    replies(&state, &request.id).await
}

/// Enter what the person said. The clock goes on.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/clarification/answer",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review", "privacy-request:view_data"])),
    request_body = ClarificationAnswerInput,
    responses((status = 200, body = Vec<ClarificationReply>), (status = 404), (status = 422))
)]
async fn answer(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(sent): Body<ClarificationAnswerInput>,
) -> Result<Json<Vec<ClarificationReply>>, ApiError> {
    let request = find_live(&state, &id).await?;
    let answer = said("answer", sent.answer)?;
    state.requests().say_what_is_meant(&request.id, answer, &caller.by()).await?;
    replies(&state, &request.id).await
}

fn said(name: &str, text: Text) -> Result<Secret<String>, ApiError> {
    if text.0.trim().is_empty() {
        return Err(ApiError::invalid("value_error", vec![json!("body"), json!(name)], "write a text"));
    }
    Ok(Secret::new(text.0))
}

async fn replies(
    state: &ApiState,
    id: &model::PrivacyRequestId,
) -> Result<Json<Vec<ClarificationReply>>, ApiError> {
    let found = state.requests().clarifications(id).await?;
    Ok(Json(found.into_iter().map(ClarificationReply::of).collect()))
}

impl ClarificationReply {
    fn of(one: Clarification) -> Self {
        Self {
            question: one.question.expose().clone(),
            asked_by: one.asked_by,
            asked_at: one.asked_at,
            answer: one.answer.map(|answer| answer.expose().clone()),
            answered_by: one.answered_by,
            answered_at: one.answered_at,
        }
    }
}
