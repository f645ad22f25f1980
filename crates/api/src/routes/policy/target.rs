//! Targets of a rule.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;

use super::input::TargetInput;
use super::reply::TargetReply;
use super::rule::attached;
use super::{book, enter};
use crate::ApiError;
use crate::bulk::{Bulk, BulkReply};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, put)).routes(routes!(read, delete))
}

/// List the targets of a rule, in order.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}/rule/{rule_key}/target",
    tag = "Policies",
    params(("policy_key" = String, Path), ("rule_key" = String, Path), Paging),
    security(("oauth2" = ["rule:read"])),
    responses((status = 200, body = PageOf<TargetReply>))
)]
async fn list(
    State(state): State<ApiState>,
    Path((policy, rule)): Path<(String, String)>,
    paging: Paging,
) -> Result<Json<PageOf<TargetReply>>, ApiError> {
    let rule = attached(book(&state).get(&policy).await?, &rule)?;
    Ok(Json(paging.of(paging.part(rule.targets), TargetReply::of)))
}

/// Read a target of a rule.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}/rule/{rule_key}/target/{rule_target_key}",
    tag = "Policies",
    params(("policy_key" = String, Path), ("rule_key" = String, Path), ("rule_target_key" = String, Path)),
    security(("oauth2" = ["rule:read"])),
    responses((status = 200, body = TargetReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path((policy, rule, target)): Path<(String, String, String)>,
) -> Result<Json<TargetReply>, ApiError> {
    let rule = attached(book(&state).get(&policy).await?, &rule)?;
    let text = format!("No Rule Target found for key {target} attached to rule {}.", rule.key);
    let found = rule.targets.into_iter().find(|known| known.key == target);
    found.map(|target| Json(TargetReply::of(target))).ok_or(ApiError::NotFound(text))
}

/// Make targets of a rule, or change those whose keys are given. A target without key and name is
/// the one of its category, if the rule has one.
#[utoipa::path(
    patch,
    path = "/dsr/policy/{policy_key}/rule/{rule_key}/target",
    tag = "Policies",
    params(("policy_key" = String, Path), ("rule_key" = String, Path)),
    security(("oauth2" = ["rule:create_or_update"])),
    request_body = Vec<TargetInput>,
    responses((status = 200, body = BulkReply<TargetReply>))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path((policy, rule)): Path<(String, String)>,
    Bulk(elements): Bulk<TargetInput>,
) -> Result<Json<BulkReply<TargetReply>>, ApiError> {
    let book = book(&state);
    let rule = book.rule(&policy, &rule).await?.key;
    let mut reply = BulkReply::default();
    for element in elements {
        let outcome = book.target_put((&policy, &rule), &element.input.draft(), &caller.actor).await;
        enter(&mut reply, outcome.map(TargetReply::of), element.data)?;
    }
    Ok(Json(reply))
}

/// Remove a target of a rule.
#[utoipa::path(
    delete,
    path = "/dsr/policy/{policy_key}/rule/{rule_key}/target/{rule_target_key}",
    tag = "Policies",
    params(("policy_key" = String, Path), ("rule_key" = String, Path), ("rule_target_key" = String, Path)),
    security(("oauth2" = ["rule:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path((policy, rule, target)): Path<(String, String, String)>,
) -> Result<StatusCode, ApiError> {
    book(&state).target_remove((&policy, &rule, &target), &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
