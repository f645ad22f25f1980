//! What webhooks answer by calls of their own, with the token that they were given.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use http::HeaderMap;
use model::Identities;
use privacy::webhooks::{AnswerError, Eligibility, Webhooks};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::filter::Show;
use super::find;
use super::reply::RequestReply;
use super::shape::Shaper;
use crate::ApiError;
use crate::authorize::bearer;
use crate::body::Body;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(resume)).routes(routes!(eligible)).routes(routes!(not_eligible))
}

/// What a webhook knows besides.
#[derive(Default, Deserialize, ToSchema)]
struct Resume {
    /// More identities of the person, by kind.
    #[schema(value_type = Option<Object>)]
    derived_identity: Option<BTreeMap<String, Value>>,
}

/// Let a privacy request go on that a webhook halted; with the webhook's token as Bearer.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/resume",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(()),
    request_body = Option<Resume>,
    responses((status = 200, body = RequestReply), (status = 400), (status = 401), (status = 403))
)]
async fn resume(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Option<Resume>>,
) -> Result<Json<RequestReply>, ApiError> {
    let token = bearer(&headers)?;
    let id = named(&state, token, &id).await?;
    let derived = identities(sent.unwrap_or_default())?;
    let request = webhooks(&state).resume(token, &id, &derived).await?;
    Ok(Json(Shaper::new(&state, Show::default()).shape(request).await?))
}

/// Say that a privacy request may be approved; with the webhook's token as Bearer.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/pre-approve/eligible",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(()),
    responses((status = 200), (status = 400), (status = 401), (status = 403))
)]
async fn eligible(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    answer(&state, &headers, (&id, Eligibility::Eligible)).await
}

/// Say that a person has to look at a privacy request; with the webhook's token as Bearer.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/pre-approve/not-eligible",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(()),
    responses((status = 200), (status = 400), (status = 401), (status = 403))
)]
async fn not_eligible(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    answer(&state, &headers, (&id, Eligibility::NotEligible)).await
}

async fn answer(
    state: &ApiState,
    headers: &HeaderMap,
    (id, finding): (&str, Eligibility),
) -> Result<Json<Value>, ApiError> {
    let token = bearer(headers)?;
    let id = named(state, token, id).await?;
    webhooks(state).pre_approve(token, &id, finding).await?;
    Ok(Json(Value::Null))
}

/// The request of the path. Nobody without a webhook's token learns which there are.
async fn named(state: &ApiState, token: &str, id: &str) -> Result<model::PrivacyRequestId, ApiError> {
    if state.store().webhook_call_find(token).await?.is_none() {
        return Err(ApiError::Forbidden(Vec::new()));
    }
    Ok(find(state, id).await?.id)
}

fn identities(sent: Resume) -> Result<Identities, ApiError> {
    let mut identities = Identities::default();
    for (kind, value) in sent.derived_identity.into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let loc = vec![json!("body"), json!("derived_identity"), json!(kind)];
        let text = "expected a text, a whole number, or a list of these";
        identities.insert(kind, value).map_err(|_| ApiError::invalid("value_error", loc, text))?;
    }
    Ok(identities)
}

fn webhooks(state: &ApiState) -> Webhooks {
    let (store, egress) = (state.store().clone(), state.packages().egress.clone());
    Webhooks::new(store, state.requests().clone(), egress, state.clock().clone())
}

impl From<AnswerError> for ApiError {
    fn from(error: AnswerError) -> Self {
        let text = error.to_string();
        match error {
            AnswerError::Token => Self::Forbidden(Vec::new()),
            AnswerError::Expired => Self::Refused(text),
            AnswerError::NotPaused { .. } | AnswerError::NotAsked { .. } | AnswerError::Answered { .. } => {
                Self::BadRequest(text)
            }
            AnswerError::Request(error) => error.into(),
            AnswerError::Store(error) => error.into(),
        }
    }
}
