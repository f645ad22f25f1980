//! Writing to vendors that erase by hand, before it is time.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::ApiError;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(process))
}

/// What was put on its way.
#[derive(Debug, Serialize, ToSchema)]
struct Processed {
    /// In words.
    message: String,
}

/// Write to every vendor now that is to be told of privacy requests which wait for it, without waiting
/// for the next time of the schedule.
#[utoipa::path(
    post,
    path = "/privacy-request/administrate/process-awaiting-email-send",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request-email-integrations:send"])),
    responses((status = 200, body = Processed))
)]
async fn process(State(state): State<ApiState>, caller: Caller) -> Result<Json<Processed>, ApiError> {
    let sent = state.requests().vendor_mail_send(state.services()).await?;
    tracing::info!(
        actor = %caller.actor, messages = sent.messages, requests = sent.requests, held_up = sent.held_up,
        "vendors are written to before it is time"
    );
    let held_up = match sent.held_up {
        0 => String::new(),
        held_up => {
            format!("; {held_up} wait for vendors that cannot be written to, and the log of each says why")
        }
    };
    let message = format!(
        "{} messages to vendors are on their way, about {} privacy requests{held_up}",
        sent.messages, sent.requests
    );
    Ok(Json(Processed { message }))
}
