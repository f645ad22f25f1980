//! Which kinds of requests a connection serves.

use axum::Json;
use axum::extract::{Path, State};
use connections::ConfiguredElsewhere;
use model::ConnectionKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(put))
}

/// Which kinds of requests a connection serves.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnabledActions {
    /// The kinds; null: all. It has to be said: nobody switches erasure on by leaving something out.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    enabled_actions: Option<Vec<ServedAction>>,
}

/// A kind of requests.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum ServedAction {
    /// Requests for data.
    Access,
    /// Requests to erase.
    Erasure,
    /// Consent; not carried out yet.
    Consent,
}

impl ServedAction {
    fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Erasure => "erasure",
            Self::Consent => "consent",
        }
    }
}

/// Say which kinds of requests a connection serves. What it does not serve is left out of packages and
/// plans, and their requests say so.
#[utoipa::path(
    put,
    path = "/connection/{connection_key}/enabled-actions",
    tag = "Connections",
    params(("connection_key" = String, Path)),
    security(("oauth2" = ["connection:create_or_update"])),
    request_body = EnabledActions,
    responses((status = 200, body = EnabledActions), (status = 404), (status = 409), (status = 422))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<EnabledActions>,
) -> Result<Json<EnabledActions>, ApiError> {
    let missing = || ApiError::NotFound(format!("No connection configuration found with key '{key}'."));
    let parsed: ConnectionKey = key.parse().map_err(|_| missing())?;
    let found = state.store().connection_find(&parsed).await?.ok_or_else(missing)?;
    ConfiguredElsewhere::check(&found).map_err(|error| ApiError::Conflict(error.to_string()))?;
    let words = |actions: &Vec<ServedAction>| -> Vec<String> {
        actions.iter().map(|action| action.as_str().to_owned()).collect()
    };
    let actions = sent.enabled_actions.as_ref().map(words);
    let put = state.store().connection_enabled_actions_put(&parsed, actions.as_deref(), caller.actor);
    put.await?;
    Ok(Json(sent))
}
