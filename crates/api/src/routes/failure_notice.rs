//! Who is told of failed privacy requests.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::FailureNotice;
use utoipa::ToSchema;

use super::user::is_email;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, Invalid};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read, put))
}

/// The most addresses.
const MOST: usize = 100;

/// Who is told, and after how many failures.
#[derive(Serialize, Deserialize, ToSchema)]
struct Notice {
    /// E-mail addresses; an empty list turns it off.
    email_addresses: Vec<String>,
    /// After how many failures since they were told last.
    notify_after_failures: u32,
}

/// Read who is told of failed privacy requests.
#[utoipa::path(
    get,
    path = "/privacy-request/notification",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request-notifications:read"])),
    responses((status = 200, body = Notice))
)]
async fn read(State(state): State<ApiState>) -> Result<Json<Notice>, ApiError> {
    let missing = || ApiError::NotFound("No privacy request notification info found".to_owned());
    let found = state.store().failure_notice_find().await?.ok_or_else(missing)?;
    Ok(Json(Notice {
        email_addresses: found.addresses,
        notify_after_failures: u32::try_from(found.after).unwrap_or(u32::MAX),
    }))
}

/// Say who is told of failed privacy requests.
#[utoipa::path(
    put,
    path = "/privacy-request/notification",
    tag = "Privacy requests",
    security(("oauth2" = ["privacy-request-notifications:create_or_update"])),
    request_body = Notice,
    responses((status = 200, body = Notice))
)]
async fn put(
    State(state): State<ApiState>,
    caller: Caller,
    Body(asked): Body<Notice>,
) -> Result<Json<Notice>, ApiError> {
    let at = |place: serde_json::Value| vec![json!("body"), json!("email_addresses"), place];
    let wrong = asked.email_addresses.iter().enumerate().filter(|(_, address)| !is_email(address));
    let mut wrong: Vec<Invalid> = wrong
        .map(|(index, _)| Invalid::new("value_error", at(json!(index)), "an e-mail address is needed"))
        .collect();
    if asked.email_addresses.len() > MOST {
        let loc = vec![json!("body"), json!("email_addresses")];
        wrong.push(Invalid::new("too_long", loc, format!("at most {MOST} addresses")));
    }
    if asked.notify_after_failures == 0 {
        let loc = vec![json!("body"), json!("notify_after_failures")];
        wrong.push(Invalid::new("greater_than", loc, "expected at least 1"));
    }
    if !wrong.is_empty() {
        return Err(ApiError::Invalid(wrong));
    }
    let notice = FailureNotice {
        addresses: asked.email_addresses.clone(),
        after: u64::from(asked.notify_after_failures),
    };
    state.store().failure_notice_put(&notice, caller.actor).await?;
    Ok(Json(asked))
}
