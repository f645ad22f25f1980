//! Privacy requests: made, found, decided, followed (fides-api 11).

mod bulk_action;
mod callback;
mod certificate;
mod clarification;
mod config;
mod csv_file;
mod csv_table;
mod dataset_trial;
mod deadline;
mod diagnostics;
mod event;
mod filter;
mod identity;
mod input;
mod list;
mod location;
mod log;
mod operation;
mod plan;
mod preview;
mod redaction;
mod repeat;
mod replay;
mod reply;
mod result;
mod selection;
mod shape;
mod single_action;
mod task;
mod transfer;
mod vendor_mail;
mod webhook_answer;
mod wish;
mod write;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use crypto::Secret;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use model::Row;
use privacy::policy_book::PolicyError;
use privacy::request::{By, NewRequest, RequestError, Submitter};
use serde::Deserialize;
use serde_json::json;
use store::PrivacyRequest;
use utoipa::ToSchema;

use self::filter::Show;
use self::input::{Checked, RequestInput, Source, checked};
use self::reply::RequestReply;
use self::shape::Shaper;
use crate::authorize::bearer_of;
use crate::body::Body;
use crate::bulk::{Bulk, BulkReply};
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, Invalid, Scope};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(list::routes())
        .routes(routes!(create_authenticated))
        .routes(routes!(read))
        .routes(routes!(verify))
        .merge(bulk_action::routes())
        .merge(callback::routes())
        .merge(single_action::routes())
        .merge(log::routes())
        .merge(task::routes())
        .merge(plan::routes())
        .merge(preview::routes())
        .merge(redaction::routes())
        .merge(replay::routes())
        .merge(certificate::routes())
        .merge(event::routes())
        .merge(result::routes())
        .merge(transfer::routes())
        .merge(config::routes())
        .merge(clarification::routes())
        .merge(dataset_trial::routes())
        .merge(deadline::routes())
        .merge(diagnostics::routes())
        .merge(vendor_mail::routes())
        .merge(webhook_answer::routes())
        .merge(write::routes())
        .merge(operation::routes())
}

/// Make privacy requests, as anybody. Each waits until its identities are shown to be the person's: by
/// a code that is sent to them, or by somebody who reviews requests.
#[utoipa::path(
    post,
    path = "/privacy-request",
    tag = "Privacy requests",
    security(()),
    request_body = Vec<RequestInput>,
    responses((status = 200, body = BulkReply<RequestReply>))
)]
async fn create(
    State(state): State<ApiState>,
    Bulk(elements): Bulk<RequestInput>,
) -> Result<Json<BulkReply<RequestReply>>, ApiError> {
    make(&state, None, (checked(elements)?, None)).await.map(Json)
}

/// Make privacy requests for people whose identities the caller vouches for.
///
/// A call whose answer got lost can be made again with the same `Idempotency-Key`: what it made before is
/// given back, and nothing is made twice.
#[utoipa::path(
    post,
    path = "/privacy-request/authenticated",
    tag = "Privacy requests",
    params(repeat::KeyHeader),
    security(("oauth2" = ["privacy-request:create"])),
    request_body = Vec<RequestInput>,
    responses((status = 200, body = BulkReply<RequestReply>))
)]
async fn create_authenticated(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Bulk(elements): Bulk<RequestInput>,
) -> Result<Json<BulkReply<RequestReply>>, ApiError> {
    let key = repeat::key(&headers)?;
    make(&state, Some(caller.by()), (checked(elements)?, key)).await.map(Json)
}

async fn make(
    state: &ApiState,
    by: Option<By>,
    (elements, key): (Vec<Checked>, Option<String>),
) -> Result<BulkReply<RequestReply>, ApiError> {
    let mut shaper = Shaper::new(state, Show::default());
    let mut reply = BulkReply::default();
    for (number, mut element) in elements.into_iter().enumerate() {
        let data = element.data.take();
        if let Some(reason) = unsupported(&element) {
            reply.enter(Err(reason.to_owned()), data);
            continue;
        }
        let mut new = new_request(element);
        new.repeat_key = key.as_ref().map(|key| format!("{number}|{key}"));
        let made = Box::pin(state.requests().create(new, Submitter { caller: by.clone() })).await;
        match made {
            Ok(request) => reply.succeeded.push(shaper.shape(request).await?),
            // The call is made again as a whole, and finds what it made by now.
            Err(RequestError::Store(error) | RequestError::Policy(PolicyError::Store(error)))
                if key.is_some() =>
            {
                return Err(error.into());
            }
            Err(RequestError::Store(error) | RequestError::Policy(PolicyError::Store(error))) => {
                tracing::error!(%error, "a privacy request was not kept");
                reply.enter(Err("This record could not be added".to_owned()), data);
            }
            Err(error) => reply.enter(Err(error.to_string()), data),
        }
    }
    Ok(reply)
}

/// What of a request cannot be done here; then it is not made.
fn unsupported(element: &Checked) -> Option<&'static str> {
    if element.asks_for_consent {
        return Some("this server does not keep consent; leave `consent_preferences` out");
    }
    let trial = "this server makes no trial requests; leave the source `Dataset Test` out";
    (element.source == Some(Source::DatasetTest)).then_some(trial)
}

fn new_request(element: Checked) -> NewRequest {
    let fields = element.custom_fields.into_iter();
    let fields: Row =
        fields.map(|(name, field)| (name, json!({"label": field.label.0, "value": field.value}))).collect();
    NewRequest {
        policy: element.policy.to_string(),
        identities: element.sent.identities,
        labels: element.sent.labels,
        custom_fields: fields,
        external_id: element.external_id,
        requested_at: element.requested_at,
        encryption_key: element.encryption_key.map(Secret::new),
        source: element.source.map(|source| source.as_str().to_owned()),
        location: element.location,
        property_id: element.property_id,
        asks_for_plan: element.asks_for_plan,
        repeat_key: None,
        corrections: element.corrections,
        raised: element.raised,
    }
}

/// Read a privacy request, with its identities, its custom fields and how far it is.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = RequestReply), (status = 404))
)]
async fn read(State(state): State<ApiState>, Path(id): Path<String>) -> Result<Json<RequestReply>, ApiError> {
    let request = find(&state, &id).await?;
    let show = Show { identities: true, custom_fields: true, verbose: true, progress: true };
    Ok(Json(Shaper::new(&state, show).shape(request).await?))
}

/// The code that was sent to an identity.
#[derive(Debug, Default, Deserialize, ToSchema)]
struct Code {
    /// Six digits.
    code: Option<String>,
}

/// Give the code back that was sent to an identity: it shows that it is the person's.
///
/// Without a code, and with a token that may review requests: look again for everything that should
/// have been erased, as `POST …/certificate` does.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/verify",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(()),
    request_body = Code,
    responses((status = 200, body = RequestReply), (status = 400), (status = 403), (status = 404))
)]
async fn verify(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Body(body): Body<Option<Code>>,
) -> Result<Response, ApiError> {
    let Some(code) = body.unwrap_or_default().code else {
        return verify_erasure(&state, &headers, &id).await;
    };
    let request = find(&state, &id).await?;
    let verified = Box::pin(state.requests().verify(&request.id, &Secret::new(code))).await?;
    Ok(Json(Shaper::new(&state, Show::default()).shape(verified).await?).into_response())
}

async fn verify_erasure(state: &ApiState, headers: &HeaderMap, id: &str) -> Result<Response, ApiError> {
    if !headers.contains_key(AUTHORIZATION) {
        let loc = vec![json!("body"), json!("code")];
        return Err(ApiError::Invalid(vec![Invalid::new("missing", loc, "Field required")]));
    }
    let caller = bearer_of(state, headers).await?;
    caller.require(Scope::PrivacyRequestReview)?;
    Ok(Json(Box::pin(certificate::look_again(state, id, caller.actor)).await?).into_response())
}

/// The request; deleted ones, too.
async fn find(state: &ApiState, id: &str) -> Result<PrivacyRequest, ApiError> {
    Ok(state.requests().get_named(id).await?)
}

/// The request, unless it was deleted: for all that hands out what was found, planned or done for it.
async fn find_live(state: &ApiState, id: &str) -> Result<PrivacyRequest, ApiError> {
    let id = find(state, id).await?.id;
    Ok(state.requests().get_live(&id).await?)
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let text = error.to_string();
        match error {
            RequestError::NotFound { .. } => Self::NotFound(text),
            RequestError::Deleted { .. }
            | RequestError::Complete
            | RequestError::NoIdentity
            | RequestError::Unlabelled { .. }
            | RequestError::TooLong { .. }
            | RequestError::NoProperty
            | RequestError::KeyReused { .. }
            | RequestError::ConsentOnly { .. }
            | RequestError::NothingToCorrect { .. }
            | RequestError::NoRectification { .. }
            | RequestError::NothingToLimit { .. }
            | RequestError::OfCallers { .. } => Self::Unprocessable(text),
            RequestError::NoPolicy { .. }
            | RequestError::NoPlan { .. }
            | RequestError::NothingSent { .. } => Self::NotFound(text),
            RequestError::Resolve(error) => (*error).into(),
            RequestError::Refused(_)
            | RequestError::UnverifiedDuplicate
            | RequestError::NotCancelable { .. }
            | RequestError::NotFailed { .. }
            | RequestError::NotQueueable { .. }
            | RequestError::NotWaiting { .. }
            | RequestError::StillWaits { .. }
            | RequestError::NotPaused { .. }
            | RequestError::NotFinalizable { .. }
            | RequestError::NotToVerify { .. }
            | RequestError::CodeExpired { .. }
            | RequestError::Over { .. }
            | RequestError::NoLaw
            | RequestError::Deadline(_)
            | RequestError::NotPlannable { .. }
            | RequestError::NoChannel => Self::BadRequest(text),
            RequestError::CodeWrong { .. } | RequestError::CodeSpent { .. } | RequestError::SamePerson => {
                Self::Refused(text)
            }
            RequestError::Forgotten { .. } | RequestError::OtherPlan { .. } | RequestError::Busy => {
                Self::Conflict(text)
            }
            RequestError::EnoughCodes { .. } => Self::TooManyRequests(24 * 60 * 60),
            RequestError::Policy(error) => error.into(),
            RequestError::Store(error) => error.into(),
        }
    }
}
