//! The Data Rights Protocol: known, and not spoken yet.

use http::StatusCode;

use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(exercise))
        .routes(routes!(status))
        .routes(routes!(data_rights))
        .routes(routes!(revoke))
}

/// Make a request by the Data Rights Protocol; answers 501.
#[utoipa::path(
    post,
    path = "/drp/exercise",
    tag = "Data Rights Protocol",
    security(()),
    responses((status = 501, description = "This server does not speak the protocol"))
)]
async fn exercise() -> Result<StatusCode, ApiError> {
    refused("make the request with `POST /api/v1/privacy-request`")
}

/// Ask for a request by the Data Rights Protocol; answers 501.
#[utoipa::path(
    get,
    path = "/drp/status",
    tag = "Data Rights Protocol",
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 501, description = "This server does not speak the protocol"))
)]
async fn status() -> Result<StatusCode, ApiError> {
    refused("ask with `GET /api/v1/privacy-request/{id}`")
}

/// Say which rights can be used by the Data Rights Protocol; answers 501.
#[utoipa::path(
    get,
    path = "/drp/data-rights",
    tag = "Data Rights Protocol",
    security(("oauth2" = ["policy:read"])),
    responses((status = 501, description = "This server does not speak the protocol"))
)]
async fn data_rights() -> Result<StatusCode, ApiError> {
    refused("the policies are listed by `GET /api/v1/dsr/policy`")
}

/// Take back a request by the Data Rights Protocol; answers 501.
#[utoipa::path(
    post,
    path = "/drp/revoke",
    tag = "Data Rights Protocol",
    security(("oauth2" = ["privacy-request:review"])),
    responses((status = 501, description = "This server does not speak the protocol"))
)]
async fn revoke() -> Result<StatusCode, ApiError> {
    refused("cancel it with `PATCH /api/v1/privacy-request/administrate/cancel`")
}

fn refused(instead: &str) -> Result<StatusCode, ApiError> {
    Err(ApiError::NotImplemented(format!("this server does not speak the Data Rights Protocol; {instead}")))
}
