//! Writes of which nobody knows whether they took effect, and what a person found out about them.

use axum::Json;
use axum::extract::{Path, State};
use model::Outcome;
use privacy::{OperationStatus, ResolveDecision, ResolveError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find_live;
use super::plan::with_progress;
use super::reply::RequestReply;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(resolve))
}

/// A write of which nobody knows whether it took effect.
#[derive(Debug, Serialize, ToSchema)]
struct UnknownWrite {
    /// Its number in the plan.
    operation: u64,
    /// Key of the connection: where to look it up.
    connection: String,
    /// What it erases or corrects.
    collections: Vec<String>,
    /// What it is to become (`erased`, `masked`).
    #[schema(value_type = String)]
    expected: Outcome,
    /// How often it was sent.
    attempts: u64,
    /// A fixed word about its end (`interrupted`).
    detail: Option<String>,
}

impl UnknownWrite {
    fn of(status: OperationStatus) -> Self {
        Self {
            operation: status.order,
            connection: status.connection,
            collections: status.collections.iter().map(ToString::to_string).collect(),
            expected: status.expected,
            attempts: status.attempts,
            detail: status.detail,
        }
    }
}

/// List the writes for a privacy request of which nobody knows whether they took effect: the server
/// fell silent, or the application did, before the answer came. Nothing of it is sent again by itself.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/unknown-writes",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = Vec<UnknownWrite>), (status = 404), (status = 422))
)]
async fn list(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Vec<UnknownWrite>>, ApiError> {
    let id = find_live(&state, &id).await?.id;
    let writes = state.requests().unknown_writes(&id).await?;
    Ok(Json(writes.into_iter().map(UnknownWrite::of).collect()))
}

/// What a person found out about a write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Word {
    /// The number of the operation in the plan.
    operation: u64,
    /// What became of it.
    found: Found,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Found {
    /// It took effect, and is not sent again.
    TookEffect,
    /// It did not, and is sent again.
    DidNot,
}

/// Say what became of a write of which nobody knows whether it took effect: look it up in the
/// application first. It stands in the audit log with the caller's name and cannot be taken back. With
/// the last one of them, a request that waited for it goes on.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/resolve",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review"])),
    request_body = Word,
    responses((status = 200, body = RequestReply), (status = 404), (status = 409), (status = 422))
)]
async fn resolve(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(word): Body<Word>,
) -> Result<Json<RequestReply>, ApiError> {
    let id = find_live(&state, &id).await?.id;
    let decision = match word.found {
        Found::TookEffect => ResolveDecision::TookEffect,
        Found::DidNot => ResolveDecision::DidNotTakeEffect,
    };
    let resolved = state.requests().resolve_write(&id, (word.operation, decision), &caller.by()).await?;
    with_progress(&state, resolved).await
}

impl From<ResolveError> for ApiError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::NotKnownHere { .. } => Self::NotFound(error.to_string()),
            ResolveError::NoOperation { order, .. } => {
                Self::NotFound(format!("the plan of this privacy request has no operation {order}"))
            }
            ResolveError::NotUnknown { order, state, .. } => Self::Conflict(format!(
                "operation {order} is {state}, not unknown; there is nothing to decide"
            )),
            ResolveError::Store(error) => error.into(),
        }
    }
}
