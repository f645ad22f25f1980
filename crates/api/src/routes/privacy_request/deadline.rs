//! Until when a request is to be answered, and longer times.

use axum::Json;
use axum::extract::{Path, State};
use crypto::Secret;
use jiff::Timestamp;
use jiff::civil::Date;
use privacy::deadline::Forecast;
use privacy::request::{Longer, RequestDeadline};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::find_live;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read)).routes(routes!(extend))
}

/// Until when a request is to be answered.
#[derive(Serialize, ToSchema)]
struct DeadlineReply {
    /// The law that counts: `gdpr`, `uk_gdpr`, `ccpa`, `lgpd`, `pipa`.
    jurisdiction: &'static str,
    /// Where the law says it.
    source: &'static str,
    /// The last day that is in time.
    last_day: String,
    /// The first moment that is late.
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// The last day for telling the person that it takes longer.
    extend_by: String,
    /// The last day that this could give; null if the law gives no longer time, or leaves it open.
    extensible_to: Option<String>,
    /// When the person was told that it takes longer.
    #[schema(value_type = Option<String>, format = DateTime)]
    extended_at: Option<Timestamp>,
    /// The last day for telling the person that the request arrived, where the law asks for it.
    confirm_by: Option<String>,
    /// Whether the clock stands still now, until the person does something.
    paused: bool,
    /// Whether the policy's own time is shorter than that of the law, and counts.
    own: bool,
    /// `in_time`, `may_be_late` or `late`.
    forecast: &'static str,
    /// Connections whose applications may take longer than there is time; the latest first.
    slow: Vec<SlowReply>,
}

/// An application that may take longer than there is time.
#[derive(Serialize, ToSchema)]
struct SlowReply {
    /// Key of its connection.
    connection: String,
    /// The last moment that its own terms allow it.
    #[schema(value_type = String, format = DateTime)]
    done_by: Timestamp,
}

/// A longer time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LongerInput {
    /// Why, as the person is told.
    #[schema(value_type = String)]
    reason: Text,
    /// The last day, where the law leaves it open.
    #[schema(value_type = Option<String>, format = Date)]
    last_day: Option<Date>,
}

/// Read until when a request is to be answered, and what stands against it.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/deadline",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = DeadlineReply))
)]
async fn read(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<DeadlineReply>, ApiError> {
    let request = find_live(&state, &id).await?;
    let missing = || {
        let text = "no law that is known here says by when this request is to be answered";
        ApiError::NotFound(text.to_owned())
    };
    let deadline = state.requests().deadline(&request).await?.ok_or_else(missing)?;
    Ok(Json(DeadlineReply::of(deadline)))
}

/// Give a request the longer time that its law allows. The person has to be told why before the first
/// time is over.
#[utoipa::path(
    post,
    path = "/privacy-request/{privacy_request_id}/extend",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:review"])),
    request_body = LongerInput,
    responses((status = 200, body = DeadlineReply))
)]
async fn extend(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(sent): Body<LongerInput>,
) -> Result<Json<DeadlineReply>, ApiError> {
    if sent.reason.0.trim().is_empty() {
        let loc = vec![json!("body"), json!("reason")];
        return Err(ApiError::invalid("value_error", loc, "the person is told why it takes longer"));
    }
    let request = find_live(&state, &id).await?;
    let longer = Longer { why: Secret::new(sent.reason.0), named_day: sent.last_day };
    let deadline = state.requests().extend(&request.id, longer, &caller.by()).await?;
    Ok(Json(DeadlineReply::of(deadline)))
}

impl DeadlineReply {
    fn of(found: RequestDeadline) -> Self {
        let RequestDeadline { jurisdiction, deadline, extended_at, forecast } = found;
        let (forecast, slow) = match forecast {
            Forecast::InTime => ("in_time", Vec::new()),
            Forecast::MayBeLate(slow) => ("may_be_late", slow),
            Forecast::Late => ("late", Vec::new()),
        };
        let slow = slow
            .into_iter()
            .map(|one| SlowReply { connection: one.connection.as_str().to_owned(), done_by: one.done_by });
        Self {
            jurisdiction: jurisdiction.key(),
            source: jurisdiction.law().source,
            last_day: deadline.last_day.to_string(),
            due_at: deadline.due_at,
            extend_by: deadline.announce_by.to_string(),
            extensible_to: deadline.extensible_to.map(|day| day.to_string()),
            extended_at,
            confirm_by: deadline.confirm_by.map(|day| day.to_string()),
            paused: deadline.is_paused,
            own: deadline.is_own,
            forecast,
            slow: slow.collect(),
        }
    }
}
