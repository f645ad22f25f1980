//! What is done to several privacy requests at once: decisions, trying again, finalizing, deleting.

use axum::Json;
use axum::extract::State;
use crypto::Secret;
use privacy::request::status::{Event, Refused};
use privacy::request::{By, RequestError};
use serde_json::{Value, json};
use store::{PrivacyRequest, PrivacyRequestStatus, Window};

use super::filter::Show;
use super::reply::RequestReply;
use super::selection::{MOST, Selection, Which, too_many};
use super::shape::Shaper;
use crate::ApiError;
use crate::body::Body;
use crate::bulk::BulkReply;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(approve))
        .routes(routes!(deny))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(finalize))
        .routes(routes!(soft_delete))
}

/// Approve privacy requests that wait for a decision.
#[utoipa::path(
    patch,
    path = "/privacy-request/administrate/approve",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request:review"])),
    request_body = Selection,
    responses((status = 200, body = BulkReply<RequestReply>), (status = 400))
)]
async fn approve(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<BulkReply<RequestReply>>, ApiError> {
    act(&state, &caller, (Action::Approve, &body)).await.map(Json)
}

/// Deny privacy requests that wait for a decision, for good.
#[utoipa::path(
    patch,
    path = "/privacy-request/administrate/deny",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request:review"])),
    request_body = Selection,
    responses((status = 200, body = BulkReply<RequestReply>), (status = 400))
)]
async fn deny(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<BulkReply<RequestReply>>, ApiError> {
    act(&state, &caller, (Action::Deny, &body)).await.map(Json)
}

/// Stop privacy requests for good. What was sent to applications stays sent.
#[utoipa::path(
    patch,
    path = "/privacy-request/administrate/cancel",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request:review"])),
    request_body = Selection,
    responses((status = 200, body = BulkReply<RequestReply>), (status = 400))
)]
async fn cancel(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<BulkReply<RequestReply>>, ApiError> {
    act(&state, &caller, (Action::Cancel, &body)).await.map(Json)
}

/// Try privacy requests again from where they failed.
#[utoipa::path(
    post,
    path = "/privacy-request/bulk/retry",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request:resume"])),
    request_body = Selection,
    responses((status = 200, body = BulkReply<RequestReply>), (status = 400))
)]
async fn retry(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<BulkReply<RequestReply>>, ApiError> {
    act(&state, &caller, (Action::Retry, &body)).await.map(Json)
}

/// Say of privacy requests that what was left to do by hand is done.
#[utoipa::path(
    post,
    path = "/privacy-request/bulk/finalize",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request:review"])),
    request_body = Selection,
    responses((status = 200, body = BulkReply<RequestReply>), (status = 400))
)]
async fn finalize(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<BulkReply<RequestReply>>, ApiError> {
    act(&state, &caller, (Action::Finalize, &body)).await.map(Json)
}

/// Delete privacy requests: they stay, and lists leave them out.
#[utoipa::path(
    post,
    path = "/privacy-request/bulk/soft-delete",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request:delete"])),
    request_body = Selection,
    responses((status = 200, body = BulkReply<String>), (status = 400))
)]
async fn soft_delete(
    State(state): State<ApiState>,
    caller: Caller,
    Body(body): Body<Value>,
) -> Result<Json<BulkReply<String>>, ApiError> {
    let ids = selected(&state, Selection::read(&body)?.which).await?;
    let by = caller.by();
    let mut reply = BulkReply::default();
    for id in ids {
        let outcome = Action::Delete.take(&state, &id, (&by, None)).await;
        let outcome = match outcome {
            Ok(_) => Ok(id.clone()),
            Err(error) => Err(Action::Delete.failure(error, &id)?),
        };
        reply.enter(outcome, json!({"privacy_request_id": id}));
    }
    Ok(Json(reply))
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Approve,
    /// As [`Action::Approve`], for those that a search finds: nobody looked at each, so nobody vouches
    /// for an identity that is not shown to be the person's.
    ApproveFound,
    Deny,
    Cancel,
    Retry,
    Finalize,
    Delete,
}

async fn act(
    state: &ApiState,
    caller: &Caller,
    (action, body): (Action, &Value),
) -> Result<BulkReply<RequestReply>, ApiError> {
    let Selection { which, reason } = Selection::read(body)?;
    let action = match (action, &which) {
        (Action::Approve, Which::Found { .. }) => Action::ApproveFound,
        (action, Which::Ids(_) | Which::Found { .. }) => action,
    };
    let ids = selected(state, which).await?;
    let by = caller.by();
    let mut shaper = Shaper::new(state, Show::default());
    let mut reply = BulkReply::default();
    for id in ids {
        match action.take(state, &id, (&by, reason.as_deref())).await {
            Ok(request) => reply.succeeded.push(shaper.shape(request).await?),
            Err(error) => {
                let message = action.failure(error, &id)?;
                let data = failed(&mut shaper, (state, &id)).await?;
                reply.enter(Err(message), data);
            }
        }
    }
    Ok(reply)
}

/// The ids of a selection.
async fn selected(state: &ApiState, which: Which) -> Result<Vec<String>, ApiError> {
    let (filters, except) = match which {
        Which::Ids(ids) => return Ok(ids),
        Which::Found { filters, except } => (filters, except),
    };
    let mut filter = filters.checked("body", state.clock().now())?.filter;
    filter.excluded = except;
    let most = u64::try_from(MOST).unwrap_or(u64::MAX);
    let found = state.store().privacy_request_count(&filter, most + 1).await?;
    if found > most {
        return Err(too_many(found));
    }
    let window = Window { offset: 0, limit: u32::try_from(MOST).unwrap_or(u32::MAX) };
    let listed = state.store().privacy_request_list(&filter, window).await?;
    Ok(listed.items.into_iter().map(|request| request.id.to_string()).collect())
}

/// The request that something was not done to, or its id if there is none.
async fn failed(shaper: &mut Shaper<'_>, (state, id): (&ApiState, &str)) -> Result<Value, ApiError> {
    let found = match state.requests().get_named(id).await {
        Ok(request) => Some(shaper.shape(request).await?),
        Err(_) => None,
    };
    Ok(found.map_or_else(|| json!({"privacy_request_id": id}), |reply| json!(reply)))
}

impl Action {
    /// Does it to one request.
    async fn take(
        self,
        state: &ApiState,
        id: &str,
        (by, reason): (&By, Option<&str>),
    ) -> Result<PrivacyRequest, RequestError> {
        let requests = state.requests();
        let PrivacyRequest { id, status, deleted_at, .. } = requests.get_named(id).await?;
        let reason = reason.map(|reason| Secret::new(reason.to_owned()));
        match self {
            Self::ApproveFound
                if status == PrivacyRequestStatus::IdentityUnverified && deleted_at.is_none() =>
            {
                Err(Refused { status, event: Event::Approve }.into())
            }
            Self::Approve | Self::ApproveFound => requests.approve(&id, by).await,
            Self::Deny => requests.deny(&id, by, reason).await,
            Self::Cancel => requests.cancel(&id, by, reason).await,
            Self::Retry => requests.retry(&id, by).await,
            Self::Finalize => requests.finalize(&id, by).await,
            Self::Delete => requests.soft_delete(&id, by).await,
        }
    }

    /// Why it was not done, in the words of lists; what no other call could do better ends the call.
    fn failure(self, error: RequestError, id: &str) -> Result<String, ApiError> {
        match (self, error) {
            (_, RequestError::Store(error)) => Err(error.into()),
            (_, RequestError::NotFound { .. }) => Ok(format!("No privacy request found with id '{id}'")),
            (
                Self::Approve | Self::ApproveFound | Self::Deny | Self::Cancel,
                RequestError::Deleted { .. },
            ) => Ok("Cannot transition status for a deleted request".to_owned()),
            (Self::Retry, RequestError::Deleted { .. }) => {
                Ok("Cannot restart a deleted privacy request".to_owned())
            }
            (Self::Finalize, RequestError::NotFinalizable { status, .. }) => Ok(format!(
                "Cannot manually finalize privacy request: status is {}, not requires_manual_finalization",
                status.as_str()
            )),
            (Self::Delete, RequestError::Deleted { .. }) => {
                Ok(format!("Privacy request '{id}' has already been deleted."))
            }
            (_, error) => Ok(error.to_string()),
        }
    }
}
