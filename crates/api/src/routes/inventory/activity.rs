//! What was done with access, read from the application while it is told.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::stream::{Stream, unfold};
use governance::activity::{ActivityError, ActivityEvent, ActivityLog, ActivitySpan};
use governance::source::Way;
use governance::worker::OpenError;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::block_in_place;
use tracing::Instrument as _;
use utoipa::IntoParams;

use super::ask::{moment, wrong};
use crate::ApiError;
use crate::documented::{OpenApiRouter, routes};
use crate::query::Query;
use crate::routes::connection_sync::find;
use crate::state::ApiState;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(activity))
}

/// How many events wait for a caller who takes them slowly; the application waits then.
const WAITING: usize = 256;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ActivityQuery {
    /// From this time on.
    since: String,
    /// Up to this time; now, if it is not said.
    until: Option<String>,
}

/// A line of the answer.
enum Line {
    /// An event.
    Event(Bytes),
    /// How the reading ended: nothing comes behind it.
    Report(Bytes),
}

/// The reading ended without saying how.
#[derive(Debug, Error)]
#[error("a reading of events ended without a report")]
struct NoReport;

/// What was done with access, as far back as the application tells, one JSON object a line as it comes:
/// `{"event": …}` of each event, and at the end `{"activity": …}`, which says of what time all is there, and why
/// something is missing. Nothing of it is kept.
#[utoipa::path(
    get,
    path = "/connection/{key}/access/activity",
    tag = "Access",
    operation_id = "access_activity",
    security(("oauth2" = ["access:read"])),
    params(("key" = String, Path, description = "Key of the connection"), ActivityQuery),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 404), (status = 422), (status = 424), (status = 429)
    )
)]
async fn activity(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    Query(query): Query<ActivityQuery>,
) -> Result<Response, ApiError> {
    let connection = find(&state, &key).await?;
    let until = query.until.as_deref().filter(|until| !until.is_empty());
    let span = ActivitySpan {
        since: moment("since", &query.since)?,
        until: until.map(|until| moment("until", until)).transpose()?,
    };
    let opened = state.access()?.open(&connection.key).await.map_err(|error| match error {
        OpenError::Lacking { reason } => ApiError::FailedDependency(reason),
        OpenError::Store(error) => error.into(),
    })?;
    let Way::File { connector, limits } = opened.way else {
        return Err(ApiError::Unprocessable(format!("What '{key}' is read with lists no events.")));
    };
    let log =
        ActivityLog::new(connector, limits, Arc::clone(state.clock())).map_err(|error| refused(&error))?;
    let place = state.followers().try_acquire_owned().map_err(|_| ApiError::TooManyRequests(60))?;
    let (lines, mut taken) = mpsc::channel(WAITING);
    tokio::spawn(read(log, span, (lines, place)).in_current_span());
    let first = match taken.recv().await {
        Some(Ok(first)) => first,
        Some(Err(error)) => return Err(refused(&error)),
        None => return Err(ApiError::Private(Box::new(NoReport))),
    };
    let body = Body::from_stream(told(first, taken));
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))], body).into_response())
}

/// What the caller gets. It breaks off, and does not end, where the report does not come.
fn told(
    first: Line,
    taken: Receiver<Result<Line, ActivityError>>,
) -> impl Stream<Item = Result<Bytes, NoReport>> {
    unfold(Some((Some(first), taken)), |at| async move {
        let (first, mut taken) = at?;
        let line = match first {
            Some(line) => Some(line),
            // Once something was told, the report says what failed.
            None => taken.recv().await.and_then(Result::ok),
        };
        match line {
            Some(Line::Event(text)) => Some((Ok(text), Some((None, taken)))),
            Some(Line::Report(text)) => Some((Ok(text), None)),
            None => {
                tracing::warn!("a reading of events broke off, and so did its answer");
                Some((Err(NoReport), None))
            }
        }
    })
}

/// Reads, and hands each line over; ends early if nobody takes them any more.
async fn read(
    log: ActivityLog,
    span: ActivitySpan,
    (lines, place): (Sender<Result<Line, ActivityError>>, OwnedSemaphorePermit),
) {
    let mut take = |event: ActivityEvent| {
        let is_taken = match lines.try_send(Ok(Line::Event(line(&json!({ "event": event }))))) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            // Whoever takes them slowly is waited for, and so is the application with its next page.
            Err(TrySendError::Full(line)) => block_in_place(|| lines.blocking_send(line)).is_ok(),
        };
        if is_taken { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let ended = tokio::select! {
        ended = log.read(span, &mut take).boxed() => ended,
        // Pages without an event of the span are not read on for nobody.
        () = lines.closed() => return,
    };
    let ended = ended.map(|report| Line::Report(line(&json!({ "activity": report }))));
    // Nobody may be there to be told.
    let _ = lines.send(ended).await;
    drop(place);
}

fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}

fn refused(error: &ActivityError) -> ApiError {
    match error {
        ActivityError::EndBeforeBeginning => wrong("until", &error.to_string()),
        ActivityError::NoActivity { .. } | ActivityError::NotHere { .. } => {
            ApiError::Unprocessable(error.to_string())
        }
        ActivityError::Expression(_) | ActivityError::Read(_) => {
            ApiError::FailedDependency(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn an_answer_whose_report_does_not_come_breaks_off() {
        for is_reported in [true, false] {
            let (lines, taken) = mpsc::channel(WAITING);
            lines.send(Ok(Line::Event(line(&json!(2))))).await.unwrap();
            if is_reported {
                lines.send(Ok(Line::Report(line(&json!(3))))).await.unwrap();
            }
            drop(lines);

            let got: Vec<_> = told(Line::Event(line(&json!(1))), taken).collect().await;

            assert_eq!(got.len(), 3, "{got:?}");
            assert_eq!(got.iter().all(Result::is_ok), is_reported, "{got:?}");
        }
    }
}
