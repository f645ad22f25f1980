//! Tokens for connectors that run elsewhere (baton P-5 to P-8).

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use baton::control::TokenReply;
use http::header::CONTENT_TYPE;
use utoipa::ToSchema;

use crate::ApiError;
use crate::address::Address;
use crate::body::body_bytes;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

/// Outside of `/api/v1`: connectors know the path.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(token))
}

/// The form that a connector sends.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is read where tokens are made; this describes it")]
struct ConnectorTokenForm {
    /// The connector's client id.
    client_id: String,
    /// `client_credentials`.
    grant_type: String,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    client_assertion_type: String,
    /// A JWT that the connector signed with its client secret.
    client_assertion: String,
}

/// A token of a connector.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is written where tokens are made; this describes it")]
struct ConnectorToken {
    /// What to send with each call.
    access_token: String,
    /// `Bearer`.
    token_type: String,
    /// For how many seconds it is good.
    expires_in: u64,
}

/// Get a token for a connector that runs elsewhere.
#[utoipa::path(
    post,
    path = "/auth/v1/token",
    tag = "Self-hosted connectors",
    security(()),
    request_body(content = ConnectorTokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, body = ConnectorToken),
        (status = 400, description = "The form is not that of a connector"),
        (status = 401, description = "The client id is not known, or was not shown to be the caller's"),
        (status = 501),
        (status = 503)
    )
)]
async fn token(
    State(state): State<ApiState>,
    address: Address,
    request: Request,
) -> Result<Response, ApiError> {
    let control = state.control()?;
    let form = body_bytes(request, &state).await?;
    let reply = control.token(&form).await;
    if let TokenReply::Issued(_) = reply {
        // Connectors with a good secret are not those that the limit is about.
        state.public_calls().give_back(&address.name());
    }
    Ok((reply.status(), [(CONTENT_TYPE, "application/json")], reply.body()).into_response())
}
