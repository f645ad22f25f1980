//! What people who make requests have to know before.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(verification))
}

/// How identities are shown to be the person's.
#[derive(Debug, Serialize, ToSchema)]
struct VerificationReply {
    /// A code is sent to the identity first.
    identity_verification_required: bool,
    /// Consent requests go without it.
    disable_consent_identity_verification: bool,
    /// The server can send e-mails.
    valid_email_config_exists: bool,
}

/// Say how identities are shown to be the person's.
#[utoipa::path(
    get,
    path = "/id-verification/config",
    tag = "Privacy requests",
    security(()),
    responses((status = 200, body = VerificationReply))
)]
async fn verification(State(state): State<ApiState>) -> Result<Json<VerificationReply>, ApiError> {
    let settings = state.requests().settings().await?;
    let set = state.store().setting_list().await?;
    let key = "execution.disable_consent_identity_verification";
    let disabled = set.iter().any(|(name, value)| name == key && *value == Value::Bool(true));
    Ok(Json(VerificationReply {
        identity_verification_required: settings.identity_verification,
        disable_consent_identity_verification: disabled,
        valid_email_config_exists: settings.channels.email,
    }))
}
