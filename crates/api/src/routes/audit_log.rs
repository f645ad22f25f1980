//! The audit log: read page by page, exported whole, and what it is checked with.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use store::{AuditEntry, AuditExport, Checkpoint, Listed, StoreError};
use utoipa::ToSchema;

use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(standing))
        .routes(routes!(checkpoint))
        .routes(routes!(export))
}

/// An entry of the audit log: ids, counts and keyed hashes, no personal data.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntryReply {
    /// Its number, from 0 without gaps.
    number: u64,
    /// Its content.
    #[schema(value_type = Object)]
    entry: Value,
}

/// How long the audit log is, and what it is checked with.
#[derive(Debug, Serialize, ToSchema)]
struct AuditLogStanding {
    /// Numbered entries.
    entries: u64,
    /// Entries that wait for their number.
    waiting: u64,
    /// How many entries the newest signed checkpoint vouches for; null: none is signed yet.
    signed: Option<u64>,
    /// The public key of this installation, as `tutela audit verify --key` and `certificate verify --key` take
    /// it. Who checks a log keeps one that they got before.
    public_key: String,
}

/// Read the audit log, the oldest entry first: who did what, when.
#[utoipa::path(
    get,
    path = "/audit-log",
    tag = "Audit log",
    params(Paging),
    security(("oauth2" = ["audit-log:read"])),
    responses((status = 200, body = PageOf<AuditEntryReply>))
)]
async fn list(
    State(state): State<ApiState>,
    paging: Paging,
) -> Result<Json<PageOf<AuditEntryReply>>, ApiError> {
    let (total, window) = (state.store().audit_size().await?, paging.window());
    let items = state.store().audit_list(window.offset, window.limit).await?;
    let items: Result<Vec<AuditEntryReply>, StoreError> = items.iter().map(AuditEntryReply::of).collect();
    Ok(Json(paging.of(Listed { items: items?, total }, std::convert::identity)))
}

/// Read how long the audit log is, and the public key that it is checked with.
#[utoipa::path(
    get,
    path = "/audit-log/state",
    tag = "Audit log",
    security(("oauth2" = ["audit-log:read"])),
    responses((status = 200, body = AuditLogStanding))
)]
async fn standing(State(state): State<ApiState>) -> Result<Json<AuditLogStanding>, ApiError> {
    let store = state.store();
    let newest = store.checkpoint_find().await?;
    Ok(Json(AuditLogStanding {
        entries: store.audit_size().await?,
        waiting: store.audit_waiting().await?,
        signed: newest.as_deref().and_then(Checkpoint::stated_size),
        public_key: store.public_key().to_string(),
    }))
}

/// Fetch the newest signed checkpoint of the audit log, to be kept where nobody who can change the log reaches
/// it.
#[utoipa::path(
    get,
    path = "/audit-log/checkpoint",
    tag = "Audit log",
    security(("oauth2" = ["audit-log:read"])),
    responses((status = 200, body = Object), (status = 404))
)]
async fn checkpoint(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let newest = state.store().checkpoint_find().await?;
    let newest = newest.ok_or_else(|| {
        ApiError::NotFound("the audit log has no signed checkpoint yet; do something first".to_owned())
    })?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], newest).into_response())
}

/// Export the whole audit log, one JSON object a line: entries by number, then the signed checkpoints. The
/// connection breaks off if it cannot be read to its end.
#[utoipa::path(
    get,
    path = "/audit-log/export",
    tag = "Audit log",
    security(("oauth2" = ["audit-log:read"])),
    responses((status = 200, body = String, content_type = "application/x-ndjson"))
)]
async fn export(State(state): State<ApiState>) -> Result<Response, ApiError> {
    let place = state.followers().try_acquire_owned().map_err(|_| ApiError::TooManyRequests(60))?;
    let export = AuditExport::begin(state.store().clone()).await?;
    let body = Body::from_stream(unfold(Some((export, place)), |at| async move {
        let (mut export, place) = at?;
        match export.lines().await {
            Ok(None) => None,
            Ok(Some(lines)) => Some((Ok(lines), Some((export, place)))),
            Err(error) => {
                tracing::error!(%error, "the audit log was not exported to its end");
                Some((Err(error), None))
            }
        }
    }));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=audit.jsonl")),
    ];
    Ok((headers, body).into_response())
}

impl AuditEntryReply {
    fn of(entry: &AuditEntry) -> Result<Self, StoreError> {
        let damaged = |_| StoreError::Damaged { what: "an entry of the audit log" };
        Ok(Self { number: entry.number, entry: serde_json::from_str(&entry.body).map_err(damaged)? })
    }
}
