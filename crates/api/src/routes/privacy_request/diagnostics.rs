//! A snapshot of how a privacy request is, without data of the person, for those who look for a fault.

use axum::Json;
use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp};
use privacy::policy_book::PolicyBook;
use privacy::storage::{PackageRecord, Storage};
use privacy::storage_book::StorageBook;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{ConnectionFilter, LedgerEntry, PrivacyRequest, RequestLog, RequestLogKind, Task, Window};
use utoipa::ToSchema;

use super::find_live;
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::package_record::package_records;
use crate::routes::storage::LOCAL_FOLDER;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(diagnostics))
}

/// Where a snapshot is.
#[derive(Debug, Serialize, ToSchema)]
struct Snapshot {
    /// A link, good for a time; in place of one to a folder of the server, words.
    download_url: String,
    /// What kind of destination has it.
    storage_type: &'static str,
    /// Its name there.
    object_key: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Entries of the log that a snapshot has at most; the newest.
const MOST_LOGS: u32 = 2_000;

/// How long a snapshot is given again: whoever only reads does not fill a destination with files.
const FRESH: SignedDuration = SignedDuration::from_mins(1);

/// Put a snapshot of a privacy request into the default storage destination: how far it and its parts
/// are, its log, its policy and the connections. It holds no data of the person, and is removed when its
/// time is over, as packages are. One that this server made within the last minute is given again.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/diagnostics",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = Snapshot), (status = 404), (status = 422))
)]
async fn diagnostics(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<Snapshot>, ApiError> {
    let request = find_live(&state, &id).await?;
    let book = StorageBook::new(state.store().clone());
    let none = || {
        ApiError::Unprocessable(
            "there is no active default storage configuration to put a snapshot into; set one with `PUT /storage/default`"
                .to_owned(),
        )
    };
    let destination = book.active().await?.ok_or_else(none)?;
    let storage = book.open(&destination, state.packages(), state.clock()).await?;
    let record = match recent(&state, &storage, &request).await? {
        Some(record) => record,
        None => made(&state, &storage, &request).await?,
    };
    let link = storage.link(&record.name, record.expires_at).await;
    let link = link.map_err(|error| ApiError::Private(Box::new(error)))?;
    Ok(Json(Snapshot {
        download_url: link.map_or_else(|| LOCAL_FOLDER.to_owned(), |link| link.url.expose().clone()),
        storage_type: destination.kind.as_str(),
        object_key: record.name,
        created_at: record.made_at,
    }))
}

/// What the names of the snapshots of a request begin with.
fn begin(request: &PrivacyRequest) -> String {
    format!("{}-diagnostics-", request.id)
}

/// The newest snapshot of a request, if it is still fresh.
async fn recent(
    state: &ApiState,
    storage: &Storage,
    request: &PrivacyRequest,
) -> Result<Option<PackageRecord>, ApiError> {
    let (now, begin) = (state.clock().now(), begin(request));
    let is_fresh = |one: &PackageRecord| {
        let age = now.duration_since(one.made_at);
        one.storage == storage.key()
            && one.name.starts_with(&begin)
            && one.expires_at > now
            && (SignedDuration::ZERO..FRESH).contains(&age)
    };
    Ok(package_records(state).await?.into_iter().rev().find(is_fresh))
}

async fn made(
    state: &ApiState,
    storage: &Storage,
    request: &PrivacyRequest,
) -> Result<PackageRecord, ApiError> {
    let created_at = state.clock().now();
    let snapshot = snapshot(state, request, created_at).await?;
    let bytes = serde_json::to_vec_pretty(&snapshot).map_err(|error| ApiError::Private(Box::new(error)))?;
    let name = format!("{}{}.json", begin(request), created_at.as_millisecond());
    let delivered = storage.put_file(&name, bytes).await;
    Ok(delivered.map_err(|error| ApiError::Private(Box::new(error)))?.record)
}

async fn snapshot(
    state: &ApiState,
    request: &PrivacyRequest,
    created_at: Timestamp,
) -> Result<Value, ApiError> {
    let store = state.store();
    let id = &request.id;
    let mut tasks = Map::new();
    for run in [&request.access_run, &request.change_run].into_iter().flatten() {
        let list = store.task_list(run).await?;
        tasks.insert(run.to_string(), list.iter().map(task).collect());
    }
    let ledger = match &request.plan {
        Some(plan) => store.ledger_list(plan).await?,
        None => Vec::new(),
    };
    let first = Window { offset: 0, limit: 1 };
    let total = store.privacy_request_log_list(id, None, first).await?.total;
    let newest = Window { offset: total.saturating_sub(u64::from(MOST_LOGS)), limit: MOST_LOGS };
    let logs = store.privacy_request_log_list(id, None, newest).await?.items;
    let connections = store.connection_list(&ConnectionFilter::default(), Window::ALL).await?.items;
    let connections: Vec<Value> = connections
        .iter()
        .map(|one| json!({"key": one.key, "type": one.connection_type, "disabled": one.disabled}))
        .collect();
    Ok(json!({
        "created_at": created_at,
        "version": env!("CARGO_PKG_VERSION"),
        "privacy_request": facts(request),
        "policy": policy(state, &request.policy).await?,
        "tasks": tasks,
        "writes": ledger.iter().map(write).collect::<Vec<_>>(),
        "unknown_writes": state.requests().unknown_writes(id).await?.len(),
        "log": logs.iter().map(entry).collect::<Vec<_>>(),
        "log_total": total,
        "connections": connections,
    }))
}

/// Ids, words and times; nothing that the person, or the caller, wrote.
fn facts(request: &PrivacyRequest) -> Value {
    json!({
        "id": request.id.to_string(),
        "policy": request.policy,
        "status": request.status.as_str(),
        "step": request.step.map(store::RequestStep::as_str),
        "attention": request.attention,
        "created_at": request.created_at,
        "updated_at": request.updated_at,
        "requested_at": request.requested_at,
        "started_at": request.started_at,
        "finished_at": request.finished_at,
        "reviewed_at": request.reviewed_at,
        "identity_verified_at": request.identity_verified_at,
        "paused_at": request.paused_at,
        "canceled_at": request.canceled_at,
        "finalized_at": request.finalized_at,
        "forgotten_at": request.forgotten_at,
        "due_at": request.due_at,
        "access_run": request.access_run.as_ref().map(ToString::to_string),
        "change_run": request.change_run.as_ref().map(ToString::to_string),
        "plan": request.plan.as_ref().map(ToString::to_string),
        "work_at": request.work_at,
        "worker": request.worker,
        "attempts": request.attempts,
        "version": request.version,
    })
}

async fn policy(state: &ApiState, key: &str) -> Result<Value, ApiError> {
    let document = match PolicyBook::new(state.store().clone()).get(key).await {
        Ok(policy) => policy,
        Err(privacy::policy_book::PolicyError::Store(error)) => return Err(error.into()),
        Err(_) => return Ok(Value::Null),
    };
    let rules: Vec<Value> = document
        .rules
        .iter()
        .map(|rule| {
            let targets: Vec<&str> = rule.targets.iter().map(|one| one.data_category.as_str()).collect();
            json!({
                "key": rule.key,
                "action": rule.action.as_str(),
                "storage": rule.storage,
                "masking": rule.masking.as_ref().map(|masking| &masking.strategy),
                "targets": targets,
            })
        })
        .collect();
    Ok(json!({"key": document.key, "approval": document.approval.as_str(), "rules": rules}))
}

fn task(task: &Task) -> Value {
    json!({
        "kind": task.kind,
        "name": task.name,
        "state": task.state.as_str(),
        "attempts": task.attempts,
        "outcome": task.outcome,
    })
}

fn write(entry: &LedgerEntry) -> Value {
    json!({
        "operation": u64::from(entry.operation) + 1,
        "attempt": entry.attempt,
        "state": entry.state.as_str(),
        "outcome": entry.outcome,
        "detail": entry.detail,
        "intent_at": entry.intent_at,
        "outcome_at": entry.outcome_at,
    })
}

/// Without the words of persons.
fn entry(log: &RequestLog) -> Value {
    let entry = &log.entry;
    let kind = match entry.kind {
        RequestLogKind::Execution => "execution",
        RequestLogKind::Audit => "audit",
        RequestLogKind::Note => "note",
    };
    json!({
        "at": log.at,
        "kind": kind,
        "status": entry.status,
        "dataset": entry.dataset_name,
        "collection": entry.collection_name,
        "action": entry.action_type,
        "message": entry.message,
        "version": entry.saas_version,
    })
}
