//! Names that packages for people to read do not show.

use axum::Json;
use axum::extract::State;
use privacy::package::{NamePatterns, PatternError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, put))
}

/// Patterns of names.
#[derive(Debug, Serialize, ToSchema)]
struct Patterns {
    /// Regular expressions, in their order.
    patterns: Vec<String>,
}

/// Patterns in place of those before.
#[derive(Debug, Deserialize, ToSchema)]
struct PatternsInput {
    /// Regular expressions, found anywhere in a name and in any case; at most 100.
    #[schema(value_type = Vec<String>)]
    patterns: Vec<Text>,
}

/// Read which names of datasets, collections and fields packages for people to read do not show,
/// besides those that a dataset marks with `redact: name`.
#[utoipa::path(
    get,
    path = "/privacy-request/redaction-patterns",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request-redaction-patterns:read"])),
    responses((status = 200, body = Patterns))
)]
async fn read(State(state): State<ApiState>) -> Result<Json<Patterns>, ApiError> {
    Ok(Json(Patterns { patterns: state.store().redaction_pattern_list().await? }))
}

/// Say which names of datasets, collections and fields packages for people to read do not show from now
/// on: `dataset_1`, `collection_1` and `field_1` stand in their place. Packages that programs read have
/// every name.
#[utoipa::path(
    put,
    path = "/privacy-request/redaction-patterns",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request-redaction-patterns:update"])),
    request_body = PatternsInput,
    responses((status = 200, body = Patterns), (status = 422))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Body(input): Body<PatternsInput>,
) -> Result<Json<Patterns>, ApiError> {
    let patterns: Vec<String> = input.patterns.into_iter().map(|pattern| pattern.0).collect();
    if let Err(error) = NamePatterns::parse(&patterns) {
        let mut loc = vec![json!("body"), json!("patterns")];
        match error {
            PatternError::Bad { position, .. } => loc.push(json!(position)),
            PatternError::TooMany => {}
        }
        return Err(ApiError::invalid("value_error", loc, error.to_string()));
    }
    state.store().redaction_pattern_put(&patterns, caller.actor).await?;
    Ok(Json(Patterns { patterns }))
}
