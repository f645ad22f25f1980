//! The certificate of what was erased for a privacy request, and looking again.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use privacy::certificate::Certificate;
use privacy::{VerifyError, VerifyOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Actor, KeptCertificate, PrivacyRequest};
use utoipa::{IntoParams, ToSchema};

use super::find_live;
use crate::ApiError;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, issue))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Form {
    /// `json` (the signed file, the default) or `html` (for a person to read; proves nothing).
    #[param(inline)]
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Html,
}

/// Fetch the certificate of what was erased, signed; it holds no data of the person.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/certificate",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path), Form),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = Object), (status = 404))
)]
async fn read(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    Query(form): Query<Form>,
) -> Result<Response, ApiError> {
    let request = find_live(&state, &id).await?;
    let missing = || ApiError::NotFound(format!("privacy request {} has no certificate yet", request.id));
    let run = request.change_run.as_ref().ok_or_else(missing)?;
    let kept = state.store().certificate_find(run).await?.ok_or_else(missing)?;
    sent(&state, &kept, (&request, form.format.unwrap_or_default()))
}

fn sent(
    state: &ApiState,
    kept: &KeptCertificate,
    (request, format): (&PrivacyRequest, Format),
) -> Result<Response, ApiError> {
    let (bytes, media, extension) = match format {
        Format::Json => (kept.envelope.clone(), "application/json", "json"),
        Format::Html => {
            let private = |error: Box<dyn std::error::Error + Send + Sync>| ApiError::Private(error);
            let certificate = Certificate::verify(&kept.envelope, &[state.store().public_key()]);
            let page = certificate.map_err(|error| private(Box::new(error)))?.to_html();
            (page.map_err(|error| private(Box::new(error)))?.into_bytes(), "text/html; charset=utf-8", "html")
        }
    };
    let mut response = bytes.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    let name = format!("attachment; filename=certificate_{}.{extension}", request.id);
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// What looking again found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerifiedReply {
    /// Everything that should have gone was looked for in vain.
    proven: bool,
    /// What could not be found out now, in sentences.
    problems: Vec<String>,
    /// The signed certificate.
    #[schema(value_type = Object)]
    certificate: Value,
}

/// Look again for everything that should have gone, and issue the certificate of what is proven. Once
/// all is proven, it is always the same.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/certificate",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review"])),
    responses((status = 200, body = VerifiedReply), (status = 404), (status = 409), (status = 424))
)]
async fn issue(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<VerifiedReply>, ApiError> {
    look_again(&state, &id, caller.actor).await.map(Json)
}

/// Looks again for everything that should have gone.
pub(super) async fn look_again(state: &ApiState, id: &str, actor: Actor) -> Result<VerifiedReply, ApiError> {
    let request = find_live(state, id).await?;
    let run = request.change_run.ok_or_else(|| {
        ApiError::NotFound(format!("nothing was erased for privacy request {}", request.id))
    })?;
    let options = VerifyOptions { patience: std::time::Duration::ZERO, ..VerifyOptions::new(actor) };
    let verified = state.service().await?.verify(&run, options, &|_| {}).await?;
    let certificate = serde_json::from_slice(&verified.file);
    Ok(VerifiedReply {
        proven: verified.is_proven(),
        problems: verified.problems,
        certificate: certificate.map_err(|error| ApiError::Private(Box::new(error)))?,
    })
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        let text = error.to_string();
        match error {
            VerifyError::NotKnownHere { .. } => Self::NotFound(text),
            VerifyError::NotApplied { .. }
            | VerifyError::TooEarly { .. }
            | VerifyError::Forgotten { .. }
            | VerifyError::NotActive { .. }
            | VerifyError::HeldByAnother { .. }
            | VerifyError::NotSequenced => Self::Conflict(text),
            VerifyError::Reading(_) => Self::FailedDependency(text),
            VerifyError::Store(error) => error.into(),
            VerifyError::Stopped { .. } | VerifyError::Damaged { .. } | VerifyError::Page(_) => {
                Self::Private(Box::new(error))
            }
        }
    }
}
