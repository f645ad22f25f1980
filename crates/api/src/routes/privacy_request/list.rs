//! Finding privacy requests, as pages or as a file.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use store::{PrivacyRequest, PrivacyRequestStatus, Window};

use super::csv_file;
use super::csv_table::{Entry, Table};
use super::filter::{Search, SearchQuery, Show, Wanted};
use super::reply::RequestReply;
use super::shape::{Shaper, status_words};
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::paging::{PageOf, Paging};
use crate::query::Query;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, super::create)).routes(routes!(search))
}

/// Find privacy requests, the newest first. `POST /privacy-request/search` can do more.
#[utoipa::path(
    get,
    path = "/privacy-request",
    tag = "Privacy requests",
    params(SearchQuery, Paging),
    security(("oauth2" = ["privacy-request:read"])),
    responses((status = 200, body = PageOf<RequestReply>), (status = 400))
)]
async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query<SearchQuery>,
    paging: Paging,
) -> Result<Response, ApiError> {
    let wanted = Search::from(query).checked("query", state.clock().now())?;
    answer(&state, &caller, (wanted, paging)).await
}

/// Find privacy requests, the newest first, as a page or as a file.
#[utoipa::path(
    post,
    path = "/privacy-request/search",
    tag = "Privacy requests",
    params(Paging),
    security(("oauth2" = ["privacy-request:read"])),
    request_body = Option<Search>,
    responses((status = 200, body = PageOf<RequestReply>), (status = 400))
)]
async fn search(
    State(state): State<ApiState>,
    caller: Caller,
    paging: Paging,
    Body(search): Body<Option<Search>>,
) -> Result<Response, ApiError> {
    let wanted = search.unwrap_or_default().checked("body", state.clock().now())?;
    answer(&state, &caller, (wanted, paging)).await
}

async fn answer(
    state: &ApiState,
    caller: &Caller,
    (wanted, paging): (Wanted, Paging),
) -> Result<Response, ApiError> {
    if wanted.csv {
        tracing::info!(actor = %caller.actor, "privacy requests written to a file");
        return file(state, wanted).await;
    }
    let listed = state.store().privacy_request_list(&wanted.filter, paging.window()).await?;
    Ok(Json(Shaper::new(state, wanted.show).page(paging, listed).await?).into_response())
}

/// How many requests are read at once for a file.
const CHUNK: u32 = 500;

async fn file(state: &ApiState, wanted: Wanted) -> Result<Response, ApiError> {
    let most = state.settings().configured.server.max_privacy_request_download_rows;
    let found = state.store().privacy_request_count(&wanted.filter, most.saturating_add(1)).await?;
    if found > most {
        return Err(ApiError::BadRequest(format!(
            "Requested privacy request report would contain {found} rows. A maximum of {most} rows is permitted. Please narrow your date range and try again."
        )));
    }
    let mut shaper = Shaper::new(state, Show::default());
    let mut table = Table::new();
    let mut offset = 0;
    loop {
        let window = Window { offset, limit: CHUNK };
        let items = state.store().privacy_request_list(&wanted.filter, window).await?.items;
        let is_last = items.len() < CHUNK as usize;
        for request in items {
            table.push(entry(state, &mut shaper, request).await?)?;
        }
        if is_last || u64::try_from(table.len()).unwrap_or(u64::MAX) >= most {
            break;
        }
        offset += u64::from(CHUNK);
    }
    let written = tokio::task::spawn_blocking(move || {
        let (columns, lines) = table.into_lines();
        csv_file::write(&columns, lines)
    });
    let bytes = written.await.map_err(|error| ApiError::Private(Box::new(error)))??;
    let day = state.clock().now().to_zoned_datetime(TimeZone::UTC).date();
    let name = format!("attachment; filename=privacy_requests_download_{day}.csv");
    let mut response = bytes.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

async fn entry(
    state: &ApiState,
    shaper: &mut Shaper<'_>,
    request: PrivacyRequest,
) -> Result<Entry, ApiError> {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    let actions = shaper.actions(&request.policy).await?;
    let actions: Vec<&str> = actions.into_iter().map(store::RuleAction::as_str).collect();
    let reviewer = shaper.person(request.reviewed_by.as_deref()).await?;
    let reviewer = reviewer.map(|person| person.username).or(request.reviewed_by.clone());
    let reason = match request.status {
        PrivacyRequestStatus::Denied => state.store().privacy_request_reason(&request.id).await?,
        _ => None,
    };
    let identity = shaper.identity(&request.id).await?;
    let fields = shaper.custom_fields(&request.id).await?;
    Ok(Entry {
        fixed: [
            status_words(request.status),
            actions.join("+"),
            request.created_at.to_string(),
            text(request.due_at),
            reviewer.unwrap_or_default(),
            request.id.to_string(),
            text(request.reviewed_at),
            reason.map(|reason| reason.expose().clone()).unwrap_or_default(),
            request.updated_at.to_string(),
            text(request.finished_at.filter(|_| request.status == PrivacyRequestStatus::Complete)),
        ],
        identities: labelled(identity.as_ref()).filter(|(_, _, value)| !value.is_empty()).collect(),
        fields: labelled(fields.as_ref()).map(|(_, label, value)| (label, value)).collect(),
    })
}

/// Name, label and value of each member.
fn labelled(whole: Option<&Value>) -> impl Iterator<Item = (String, String, String)> + '_ {
    let members = whole.and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, member)| {
        let label = member.get("label").and_then(Value::as_str).unwrap_or(name);
        (name.clone(), label.to_owned(), in_words(member.get("value").unwrap_or(&Value::Null)))
    })
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(in_words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
