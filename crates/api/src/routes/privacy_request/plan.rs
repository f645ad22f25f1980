//! The plan of what is written for a privacy request, and its approval.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{PlanDigest, PrivacyRequest};
use utoipa::ToSchema;

use super::filter::Show;
use super::find_live;
use super::reply::RequestReply;
use super::shape::Shaper;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, make)).routes(routes!(approve))
}

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
struct PlanReply {
    /// Its digest: who approves it names it.
    digest: String,
    /// The run that it is carried out by.
    run: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    /// Who approved it.
    approved_by: Option<String>,
    /// When it was approved.
    #[schema(value_type = Option<String>, format = DateTime)]
    approved_at: Option<Timestamp>,
    /// The plan file: each write with its reason, what is not covered, what was read.
    #[schema(value_type = Object)]
    plan: Value,
}

/// Read the plan of a privacy request: every write that is sent once it is approved. It holds data of
/// the person.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/plan",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:view_data"])),
    responses((status = 200, body = PlanReply), (status = 404), (status = 409))
)]
async fn read(State(state): State<ApiState>, Path(id): Path<String>) -> Result<Json<PlanReply>, ApiError> {
    let request = find_live(&state, &id).await?;
    let digest = request.plan.as_ref().ok_or_else(|| no_plan(&request))?;
    let plan = state.store().plan_find(digest).await?.ok_or_else(|| no_plan(&request))?;
    let file = serde_json::from_slice(plan.body.expose());
    let (approved_by, approved_at) = plan.approval.unzip();
    Ok(Json(PlanReply {
        digest: plan.digest.to_string(),
        run: plan.run.to_string(),
        made_at: plan.made_at,
        approved_by,
        approved_at,
        plan: file.map_err(|error| ApiError::Private(Box::new(error)))?,
    }))
}

fn no_plan(request: &PrivacyRequest) -> ApiError {
    let id = &request.id;
    ApiError::NotFound(format!(
        "privacy request {id} has no plan; there is one once it is approved and its data are read, if its policy erases"
    ))
}

/// Ask for the plan of a privacy request that nothing was written for yet; one that waits for approval
/// is made anew. Who asks may be kept from approving it.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/plan",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review"])),
    responses((status = 200, body = RequestReply), (status = 400), (status = 404))
)]
async fn make(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = find_live(&state, &id).await?.id;
    let asked = state.requests().ask_for_plan(&id, &caller.by()).await?;
    with_progress(&state, asked).await
}

/// Which plan is approved.
#[derive(Debug, Deserialize, ToSchema)]
struct Approval {
    /// Its digest, as the plan states it.
    digest: String,
}

/// Approve exactly the plan with this digest; it is then carried out.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/approve",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review"])),
    request_body = Approval,
    responses((status = 200, body = RequestReply), (status = 403), (status = 404), (status = 409))
)]
async fn approve(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<Approval>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = find_live(&state, &id).await?.id;
    let digest: PlanDigest = body.digest.parse().map_err(|_| {
        let text = "write the digest of the plan: `sha256:` and 64 digits";
        ApiError::invalid("value_error", vec![json!("body"), json!("digest")], text)
    })?;
    let approved = state.requests().approve_plan(&id, &digest, &caller.by()).await?;
    with_progress(&state, approved).await
}

pub(super) async fn with_progress(
    state: &ApiState,
    request: PrivacyRequest,
) -> Result<Json<RequestReply>, ApiError> {
    let show = Show { progress: true, ..Show::default() };
    Ok(Json(Shaper::new(state, show).shape(request).await?))
}
