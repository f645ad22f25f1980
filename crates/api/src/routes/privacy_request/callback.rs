//! What applications bring by calls of their own, with the token that they were given when they were
//! asked.

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use privacy::callback::{Brought, CallbackError, Callbacks};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ApiError;
use crate::authorize::bearer;
use crate::body::Body;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(call_back))
}

/// What an application was asked for.
#[derive(Default, Deserialize, ToSchema)]
struct CallbackInput {
    /// Rows of the person.
    #[schema(value_type = Option<Vec<Object>>)]
    access_results: Option<Vec<Map<String, Value>>>,
    /// How many rows were masked.
    rows_masked: Option<u64>,
}

/// That it was kept.
#[derive(Debug, Serialize, ToSchema)]
struct CallbackReply {
    /// Whether the privacy request goes on.
    task_queued: bool,
}

/// Bring what an application was asked for, once; with the token of the question (`<reply_to_token>`) as
/// Bearer.
#[utoipa::path(
    post,
    path = "/request-task/callback",
    tag = "Privacy requests",
    security(()),
    request_body = Option<CallbackInput>,
    responses(
        (status = 200, body = CallbackReply),
        (status = 400),
        (status = 401),
        (status = 403),
        (status = 413),
        (status = 422)
    )
)]
async fn call_back(State(state): State<ApiState>, request: Request) -> Result<Json<CallbackReply>, ApiError> {
    let callbacks = Callbacks::new(state.store().clone());
    // Nobody without a token has their body read.
    let callback = callbacks.find(bearer(request.headers())?).await?;
    let Body(brought) = Body::<Option<CallbackInput>>::from_request(request, &state).await?;
    let CallbackInput { access_results, rows_masked } = brought.unwrap_or_default();
    let brought = Brought { rows: access_results.unwrap_or_default(), rows_masked };
    callbacks.take(&callback, brought).await?;
    Ok(Json(CallbackReply { task_queued: true }))
}

impl From<CallbackError> for ApiError {
    fn from(error: CallbackError) -> Self {
        let text = error.to_string();
        match error {
            CallbackError::Token => Self::Forbidden(Vec::new()),
            CallbackError::Expired => Self::Refused(text),
            CallbackError::Request { .. } | CallbackError::Task { .. } => Self::BadRequest(text),
            CallbackError::Store(error) => error.into(),
        }
    }
}
