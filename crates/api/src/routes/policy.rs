//! Policies: what is delivered, erased and passed on for a person.

mod input;
mod reply;
mod rule;
mod target;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use privacy::policy_book::{PolicyBook, PolicyError};
use serde_json::Value;
use store::{Policy, PolicyRule};

use self::input::{PolicyInput, exclusive};
use self::reply::PolicyReply;
use crate::ApiError;
use crate::bulk::{Bulk, BulkReply};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(read, delete))
        .merge(rule::routes())
        .merge(target::routes())
}

/// List policies, the newest first.
#[utoipa::path(
    get,
    path = "/dsr/policy",
    tag = "Policies",
    params(Paging),
    security(("oauth2" = ["policy:read"])),
    responses((status = 200, body = PageOf<PolicyReply>))
)]
async fn list(State(state): State<ApiState>, paging: Paging) -> Result<Json<PageOf<PolicyReply>>, ApiError> {
    let book = book(&state);
    let listed = book.list(paging.window()).await?;
    let rules: Vec<&PolicyRule> = listed.items.iter().flat_map(|policy| &policy.rules).collect();
    let destinations = book.destinations(rules).await?;
    Ok(Json(paging.of(listed, |policy| PolicyReply::of(policy, &destinations))))
}

/// Read a policy.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}",
    tag = "Policies",
    params(("policy_key" = String, Path)),
    security(("oauth2" = ["policy:read"])),
    responses((status = 200, body = PolicyReply))
)]
async fn read(State(state): State<ApiState>, Path(key): Path<String>) -> Result<Json<PolicyReply>, ApiError> {
    let book = book(&state);
    let policy = book.get(&key).await?;
    let destinations = book.destinations(&policy.rules).await?;
    Ok(Json(PolicyReply::of(policy, &destinations)))
}

/// Make policies, or change those whose keys are given. Plans made with them need no approval by a
/// person within the limits.
#[utoipa::path(
    patch,
    path = "/dsr/policy",
    tag = "Policies",
    security(("oauth2" = ["policy:create_or_update"])),
    request_body = Vec<PolicyInput>,
    responses((status = 200, body = BulkReply<PolicyReply>))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Bulk(elements): Bulk<PolicyInput>,
) -> Result<Json<BulkReply<PolicyReply>>, ApiError> {
    exclusive(&elements)?;
    let book = book(&state);
    let mut reply = BulkReply::default();
    for element in elements {
        let outcome = match book.put(&element.input.draft(), &caller.actor).await {
            Ok(policy) => {
                let destinations = book.destinations(&policy.rules).await?;
                Ok(PolicyReply::of(policy, &destinations))
            }
            Err(error) => Err(error),
        };
        enter(&mut reply, outcome, element.data)?;
    }
    Ok(Json(reply))
}

/// Remove a policy with its rules; refused while requests refer to it.
#[utoipa::path(
    delete,
    path = "/dsr/policy/{policy_key}",
    tag = "Policies",
    params(("policy_key" = String, Path)),
    security(("oauth2" = ["policy:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    book(&state).remove(&key, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A policy as it is shown.
pub(super) async fn policy_reply(book: &PolicyBook, policy: Policy) -> Result<Value, ApiError> {
    let destinations = book.destinations(&policy.rules).await?;
    let reply = serde_json::to_value(PolicyReply::of(policy, &destinations));
    reply.map_err(|error| ApiError::Private(Box::new(error)))
}

fn book(state: &ApiState) -> PolicyBook {
    PolicyBook::new(state.store().clone())
}

/// Enters what became of one element; what is wrong with the whole call ends it.
fn enter<T>(reply: &mut BulkReply<T>, outcome: Result<T, PolicyError>, data: Value) -> Result<(), ApiError> {
    match outcome {
        Ok(done) => reply.enter(Ok(done), data),
        Err(error) if ends_call(&error) => return Err(error.into()),
        Err(error) => reply.enter(Err(error.to_string()), data),
    }
    Ok(())
}

fn ends_call(error: &PolicyError) -> bool {
    matches!(
        error,
        PolicyError::NoPolicy { .. }
            | PolicyError::NoRule { .. }
            | PolicyError::UnknownCategories { .. }
            | PolicyError::Store(_)
    )
}

impl From<PolicyError> for ApiError {
    fn from(error: PolicyError) -> Self {
        let text = error.to_string();
        match error {
            PolicyError::NoPolicy { .. } | PolicyError::NoRule { .. } | PolicyError::NoTarget { .. } => {
                Self::NotFound(text)
            }
            PolicyError::InUse { .. }
            | PolicyError::KeyTaken { .. }
            | PolicyError::NameTaken { .. }
            | PolicyError::DrpTaken
            | PolicyError::Busy => Self::Conflict(text),
            PolicyError::NoRules { .. }
            | PolicyError::NoKey { .. }
            | PolicyError::UnsupportedDrp { .. }
            | PolicyError::UnsupportedAction { .. }
            | PolicyError::UnsupportedRule { .. }
            | PolicyError::NoMasking
            | PolicyError::StorageOfErasure
            | PolicyError::Strategy(_)
            | PolicyError::NoStorage { .. }
            | PolicyError::SecondConsent { .. }
            | PolicyError::RuleElsewhere { .. }
            | PolicyError::TargetElsewhere { .. }
            | PolicyError::CategoryTwice { .. }
            | PolicyError::UnknownCategories { .. }
            | PolicyError::Conditions(_)
            | PolicyError::ConditionAddress { .. }
            | PolicyError::Overlap { .. } => Self::Unprocessable(text),
            PolicyError::Store(error) => error.into(),
        }
    }
}
