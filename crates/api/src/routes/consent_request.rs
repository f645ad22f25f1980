//! Consent: known, and not kept yet.

use axum::extract::Path;
use http::StatusCode;

use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(verify)).routes(routes!(read, change))
}

/// Ask about one's consent; answers 501.
#[utoipa::path(
    post,
    path = "/consent-request",
    tag = "Consent",
    security(()),
    responses((status = 501, description = "This server does not keep consent"))
)]
async fn create() -> Result<StatusCode, ApiError> {
    refused()
}

/// Give the code that was sent; answers 501.
#[utoipa::path(
    post,
    path = "/consent-request/{consent_request_id}/verify",
    tag = "Consent",
    params(("consent_request_id" = String, Path)),
    security(()),
    responses((status = 501, description = "This server does not keep consent"))
)]
async fn verify(Path(_consent_request_id): Path<String>) -> Result<StatusCode, ApiError> {
    refused()
}

/// Read one's consent; answers 501.
#[utoipa::path(
    get,
    path = "/consent-request/{consent_request_id}/preferences",
    tag = "Consent",
    params(("consent_request_id" = String, Path)),
    security(()),
    responses((status = 501, description = "This server does not keep consent"))
)]
async fn read(Path(_consent_request_id): Path<String>) -> Result<StatusCode, ApiError> {
    refused()
}

/// Change one's consent; answers 501.
#[utoipa::path(
    patch,
    path = "/consent-request/{consent_request_id}/preferences",
    tag = "Consent",
    params(("consent_request_id" = String, Path)),
    security(()),
    responses((status = 501, description = "This server does not keep consent"))
)]
async fn change(Path(_consent_request_id): Path<String>) -> Result<StatusCode, ApiError> {
    refused()
}

fn refused() -> Result<StatusCode, ApiError> {
    let text = "this server does not keep consent; it carries out access, erasure and rectification";
    Err(ApiError::NotImplemented(text.to_owned()))
}
