//! Requests for everybody who was erased since a moment, after a restore.

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use privacy::ReplayError;
use privacy::request::Wanted;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{AuditEvent, JournalEntry};
use utoipa::ToSchema;

use super::repeat;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::moment::Moment;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(replay))
}

/// From when on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Since {
    /// When the backup was made.
    #[schema(value_type = String, format = DateTime)]
    since: Moment,
}

/// What was made of the journal.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayReply {
    /// Its entries, the oldest first.
    replayed: Vec<ReplayedReply>,
    /// Lines that a crash cut off: what stood there is not known, and somebody should look.
    cut_lines: u64,
}

/// An erasure or a correction of the journal.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayedReply {
    /// The run that did it then.
    erased_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    erased_at: jiff::Timestamp,
    /// Key of the policy.
    policy: String,
    /// The new request.
    request: Option<String>,
    /// Why there is none.
    problem: Option<String>,
}

/// After a restore: make a request for everybody whose data were erased or corrected since, out of the journal
/// in the data folder of the process that answers. The plan of each waits for approval, whatever its policy
/// says; nothing is written before.
///
/// A call whose answer got lost can be made again with the same `Idempotency-Key`: nothing is made twice.
#[utoipa::path(
    post,
    path = "/privacy-request/replay",
    tag = "Privacy requests",
    params(repeat::KeyHeader),
    security(("oauth2" = ["privacy-request:create", "privacy-request:review"])),
    request_body = Since,
    responses((status = 200, body = ReplayReply), (status = 424), (status = 501))
)]
async fn replay(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<Since>,
) -> Result<Json<ReplayReply>, ApiError> {
    let key = repeat::key(&headers)?;
    let reading = state.service().await?.journaled_since(body.since.0).await?;
    let details = json!({"since": body.since.0.to_string(), "entries": reading.entries.len()});
    let event = AuditEvent::new(caller.actor.clone(), "erasure_journal.replayed", "").with(details);
    state.store().audit_enter(&[event]).await?;
    let mut replayed = Vec::with_capacity(reading.entries.len());
    for entry in &reading.entries {
        let repeat_key = key.as_ref().map(|key| format!("replay|{}|{key}", entry.run));
        let wanted = Wanted { asks_for_plan: true, repeat_key };
        let made = Box::pin(state.requests().create_journaled(entry, (caller.by(), wanted))).await;
        let reply = ReplayedReply::of(entry);
        replayed.push(match made {
            Ok(made) => ReplayedReply { request: Some(made.id.to_string()), ..reply },
            Err(error) => ReplayedReply { problem: Some(error.to_string()), ..reply },
        });
    }
    Ok(Json(ReplayReply { replayed, cut_lines: reading.cut }))
}

impl ReplayedReply {
    fn of(entry: &JournalEntry) -> Self {
        Self {
            erased_by: entry.run.clone(),
            erased_at: entry.at,
            policy: entry.policy.clone(),
            request: None,
            problem: None,
        }
    }
}

impl From<ReplayError> for ApiError {
    fn from(error: ReplayError) -> Self {
        Self::Private(Box::new(error))
    }
}
