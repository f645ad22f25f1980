//! What happened to a privacy request, as its log tells.

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use model::PrivacyRequestId;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{RequestLog, RequestLogKind, Window};
use utoipa::ToSchema;

use super::find;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An entry of the log of what was carried out.
#[derive(Debug, Serialize, ToSchema)]
struct LogReply {
    /// The connection.
    connection_key: Option<String>,
    /// The dataset, or a part of the work.
    dataset_name: Option<String>,
    /// The collection.
    collection_name: Option<String>,
    /// The fields that were read or changed.
    #[schema(value_type = Vec<Object>)]
    fields_affected: Value,
    /// What happened.
    message: Option<String>,
    /// What was carried out (`access`).
    action_type: Option<String>,
    /// How far it was.
    status: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The version of the connector.
    saas_version: Option<String>,
}

impl LogReply {
    fn of(log: RequestLog) -> Self {
        let message = message(&log);
        let RequestLog { at, entry, .. } = log;
        Self {
            connection_key: entry.connection_key,
            dataset_name: entry.dataset_name,
            collection_name: entry.collection_name,
            fields_affected: entry.fields_affected,
            message,
            action_type: entry.action_type,
            status: entry.status,
            updated_at: at,
            saas_version: entry.saas_version,
        }
    }
}

/// List what was carried out for a privacy request, oldest first; of deleted ones, too.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/log",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path), Paging),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = PageOf<LogReply>), (status = 404))
)]
async fn list(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    paging: Paging,
) -> Result<Json<PageOf<LogReply>>, ApiError> {
    let request = find(&state, &id).await?;
    let kind = Some(RequestLogKind::Execution);
    let listed = state.store().privacy_request_log_list(&request.id, kind, paging.window()).await?;
    Ok(Json(paging.of(listed, LogReply::of)))
}

/// The most entries that are read of one request at once.
const MOST: u32 = 10_000;
/// The most entries of one dataset.
const MOST_OF_DATASET: usize = 1_000;

/// All entries of a request, oldest first.
pub(super) async fn all(state: &ApiState, id: &PrivacyRequestId) -> Result<Vec<RequestLog>, ApiError> {
    let window = Window { offset: 0, limit: MOST };
    Ok(state.store().privacy_request_log_list(id, None, window).await?.items)
}

/// Name of a dataset → its entries, oldest first (privacy-requests LOG-5).
pub(super) fn grouped(logs: &[RequestLog]) -> Value {
    let mut groups: Map<String, Value> = Map::new();
    for log in logs {
        let group = groups.entry(heading(log)).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(group) = group
            && group.len() < MOST_OF_DATASET
        {
            group.push(shown(log));
        }
    }
    Value::Object(groups)
}

/// What an entry stands under.
fn heading(log: &RequestLog) -> String {
    let entry = &log.entry;
    match entry.kind {
        RequestLogKind::Execution => entry.dataset_name.clone().unwrap_or_default(),
        RequestLogKind::Note => "Notes".to_owned(),
        RequestLogKind::Audit => match entry.status.as_str() {
            "approved" => "Request approved".to_owned(),
            "denied" => "Request denied".to_owned(),
            "pre_approval_webhook_triggered" => "Triggered pre-approval webhooks".to_owned(),
            "pre_approval_eligible" => "Request auto-approved by pre-approval webhooks".to_owned(),
            "pre_approval_not_eligible" => {
                "Request flagged for manual review by pre-approval webhooks".to_owned()
            }
            other => format!("Request {other}"),
        },
    }
}

fn shown(log: &RequestLog) -> Value {
    let entry = &log.entry;
    json!({
        "connection_key": entry.connection_key,
        "collection_name": entry.collection_name,
        "fields_affected": entry.fields_affected,
        "message": message(log),
        "action_type": entry.action_type,
        "status": entry.status,
        "updated_at": log.at,
        "user_id": entry.user_id,
        "saas_version": entry.saas_version,
    })
}

/// A person's own words, or the fixed text.
fn message(log: &RequestLog) -> Option<String> {
    let words = log.entry.words.as_ref().map(|words| words.expose().clone());
    words.or_else(|| log.entry.message.clone())
}

/// Dataset → the worst of the last states of its collections (privacy-requests LOG-6).
pub(super) fn states(logs: &[RequestLog]) -> Value {
    let mut last: Vec<(&str, &str, Option<&str>, &str)> = Vec::new();
    for log in logs {
        let entry = &log.entry;
        let (RequestLogKind::Execution, Some(dataset), Some(collection)) =
            (entry.kind, entry.dataset_name.as_deref(), entry.collection_name.as_deref())
        else {
            continue;
        };
        let action = entry.action_type.as_deref();
        let known = last.iter_mut().find(|one| (one.0, one.1, one.2) == (dataset, collection, action));
        match known {
            Some(one) => one.3 = &entry.status,
            None => last.push((dataset, collection, action, &entry.status)),
        }
    }
    let mut worst: Map<String, Value> = Map::new();
    for (dataset, _, _, status) in last {
        let there = worst.get(dataset).and_then(Value::as_str);
        if there.is_none_or(|there| badness(status) > badness(there)) {
            worst.insert(dataset.to_owned(), json!(status));
        }
    }
    Value::Object(worst)
}

fn badness(status: &str) -> u8 {
    match status {
        "error" => 5,
        "awaiting_processing" => 4,
        "polling" => 3,
        "retrying" => 2,
        "skipped" => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use crypto::Secret;
    use store::NewRequestLog;

    use super::*;

    fn log(entry: NewRequestLog) -> RequestLog {
        RequestLog { id: "log_1".to_owned(), at: Timestamp::UNIX_EPOCH, entry }
    }

    fn execution(dataset: &str, collection: &str, status: &str) -> RequestLog {
        log(NewRequestLog {
            collection_name: Some(collection.to_owned()),
            ..NewRequestLog::of_work(dataset, status, "m")
        })
    }

    // rule: privacy-requests LOG-6
    #[test]
    fn a_dataset_is_as_bad_as_its_worst_collection_is_now() {
        let logs = [
            execution("shop", "orders", "error"),
            execution("shop", "orders", "complete"),
            execution("shop", "visits", "skipped"),
            execution("crm", "people", "complete"),
            execution("crm", "deals", "retrying"),
            log(NewRequestLog::of_work("Dataset traversal", "error", "m")),
        ];

        assert_eq!(states(&logs), json!({"shop": "skipped", "crm": "retrying"}));
    }

    // rule: privacy-requests LOG-5
    #[test]
    fn decisions_stand_under_their_own_headings_and_words_in_place_of_the_message() {
        let decision = |status: &str| log(NewRequestLog::new(RequestLogKind::Audit, status));
        let mut denied = NewRequestLog::new(RequestLogKind::Audit, "denied");
        denied.words = Some(Secret::new("not ours".to_owned()));
        let logs = [
            execution("shop", "orders", "complete"),
            decision("approved"),
            log(denied),
            decision("finished"),
        ];

        let grouped = grouped(&logs);

        let headings: Vec<&String> = grouped.as_object().unwrap().keys().collect();
        assert_eq!(headings, ["shop", "Request approved", "Request denied", "Request finished"]);
        assert_eq!(grouped["Request denied"][0]["message"], "not ours");
    }
}
