//! Rules of a policy.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use store::{Policy, PolicyRule};

use super::input::RuleInput;
use super::reply::{MaskingDetail, RuleReply};
use super::{book, enter};
use crate::ApiError;
use crate::bulk::{Bulk, BulkReply};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, put))
        .routes(routes!(read, delete))
        .routes(routes!(read_masking))
}

/// List the rules of a policy, in order.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}/rule",
    tag = "Policies",
    params(("policy_key" = String, Path), Paging),
    security(("oauth2" = ["rule:read"])),
    responses((status = 200, body = PageOf<RuleReply>))
)]
async fn list(
    State(state): State<ApiState>,
    Path(policy): Path<String>,
    paging: Paging,
) -> Result<Json<PageOf<RuleReply>>, ApiError> {
    let book = book(&state);
    let policy = book.get(&policy).await?;
    let destinations = book.destinations(&policy.rules).await?;
    Ok(Json(paging.of(paging.part(policy.rules), |rule| RuleReply::of(rule, &destinations))))
}

/// Read a rule of a policy.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}/rule/{rule_key}",
    tag = "Policies",
    params(("policy_key" = String, Path), ("rule_key" = String, Path)),
    security(("oauth2" = ["rule:read"])),
    responses((status = 200, body = RuleReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path((policy, rule)): Path<(String, String)>,
) -> Result<Json<RuleReply>, ApiError> {
    let book = book(&state);
    let rule = attached(book.get(&policy).await?, &rule)?;
    let destinations = book.destinations([&rule]).await?;
    Ok(Json(RuleReply::of(rule, &destinations)))
}

/// Read how a rule of a policy masks, with its configuration.
#[utoipa::path(
    get,
    path = "/dsr/policy/{policy_key}/rule/{rule_key}/masking",
    tag = "Policies",
    params(("policy_key" = String, Path), ("rule_key" = String, Path)),
    security(("oauth2" = ["rule:read"])),
    responses((status = 200, body = MaskingDetail), (status = 404))
)]
async fn read_masking(
    State(state): State<ApiState>,
    Path((policy, key)): Path<(String, String)>,
) -> Result<Json<MaskingDetail>, ApiError> {
    let rule = attached(book(&state).get(&policy).await?, &key)?;
    let none = || ApiError::NotFound(format!("the rule {key} of policy {policy} masks nothing"));
    rule.masking.map(MaskingDetail::of).map(Json).ok_or_else(none)
}

/// Make rules of a policy, or change those whose keys are given; their targets stay.
#[utoipa::path(
    patch,
    path = "/dsr/policy/{policy_key}/rule",
    tag = "Policies",
    params(("policy_key" = String, Path)),
    security(("oauth2" = ["rule:create_or_update"])),
    request_body = Vec<RuleInput>,
    responses((status = 200, body = BulkReply<RuleReply>))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(policy): Path<String>,
    Bulk(elements): Bulk<RuleInput>,
) -> Result<Json<BulkReply<RuleReply>>, ApiError> {
    let book = book(&state);
    let policy = book.get(&policy).await?.key;
    let mut reply = BulkReply::default();
    for element in elements {
        let outcome = match book.rule_put(&policy, &element.input.draft(), &caller.actor).await {
            Ok(rule) => {
                let destinations = book.destinations([&rule]).await?;
                Ok(RuleReply::of(rule, &destinations))
            }
            Err(error) => Err(error),
        };
        enter(&mut reply, outcome, element.data)?;
    }
    Ok(Json(reply))
}

/// Remove a rule of a policy, with its targets.
#[utoipa::path(
    delete,
    path = "/dsr/policy/{policy_key}/rule/{rule_key}",
    tag = "Policies",
    params(("policy_key" = String, Path), ("rule_key" = String, Path)),
    security(("oauth2" = ["rule:delete"])),
    responses((status = 204))
)]
async fn delete(
    State(state): State<ApiState>,
    caller: Caller,
    Path((policy, rule)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    book(&state).rule_remove(&policy, &rule, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A rule out of its policy, for those who read.
pub(super) fn attached(policy: Policy, rule: &str) -> Result<PolicyRule, ApiError> {
    let text = format!("No Rule found for key {rule} attached to policy {}", policy.key);
    policy.rules.into_iter().find(|known| known.key == rule).ok_or(ApiError::NotFound(text))
}
