//! How far a privacy request is, as it happens.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use futures::stream::unfold;
use http::HeaderMap;
use model::PrivacyRequestId;
use privacy::request::status::is_over;
use serde::Serialize;
use store::{PrivacyRequest, StoreError, TaskState};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::find_live;
use super::reply::ProgressReply;
use crate::authorize::still_may;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, Scope};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(follow))
}

/// Between two looks at the request.
const LOOK: Duration = Duration::from_secs(1);
/// Between two looks at whether the caller may still be told.
const SHOW_AGAIN: Duration = Duration::from_secs(3);
/// How long a caller is told; then they ask again.
const LONGEST: Duration = Duration::from_mins(15);
/// How often a caller is told something at least.
const STILL_HERE: Duration = Duration::from_secs(15);

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct Progress {
    /// Its status.
    status: &'static str,
    /// More of it.
    #[serde(flatten)]
    detail: ProgressReply,
    /// Collections of the run under way.
    collections: usize,
    /// Those of them that are over.
    collections_done: usize,
    /// Rows that were read in it.
    rows: u64,
}

/// Follow a privacy request: an event `progress` now and with every change, until it is over.
///
/// The stream ends after a quarter of an hour, and when the token or the session of the caller does;
/// browsers ask again by themselves.
#[utoipa::path(
    get,
    path = "/privacy-request/{privacy_request_id}/events",
    tag = "Privacy requests",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["privacy-request:read"])),
    responses(
        (status = 200, description = "Events as the HTML standard defines them", content_type = "text/event-stream", body = Progress),
        (status = 404)
    )
)]
async fn follow(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let id = find_live(&state, &id).await?.id;
    let place = state.followers().try_acquire_owned().map_err(|_| ApiError::TooManyRequests(60))?;
    let now = Instant::now();
    let follower = Follower {
        state,
        headers,
        id,
        _place: place,
        last: None,
        until: now + LONGEST,
        shown: now,
        over: false,
    };
    let stream = unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(STILL_HERE)))
}

struct Follower {
    state: ApiState,
    /// What the caller showed of themselves.
    headers: HeaderMap,
    id: PrivacyRequestId,
    _place: OwnedSemaphorePermit,
    last: Option<Progress>,
    until: Instant,
    /// When it was last seen that the caller may be told.
    shown: Instant,
    over: bool,
}

impl Follower {
    /// The next event; none once there is nothing more to tell.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.over || Instant::now() >= self.until {
                return None;
            }
            match self.may_be_told().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    tracing::warn!(?error, "who follows a request could not be looked at");
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
            }
            match self.look().await {
                Ok(None) => return None,
                Ok(Some((request, progress))) => {
                    self.over = is_over(request.status) || request.deleted_at.is_some();
                    if self.last.as_ref() != Some(&progress) {
                        let event = Event::default().event("progress").id(request.version.to_string());
                        let event = event.json_data(&progress).ok()?;
                        self.last = Some(progress);
                        return Some(event);
                    }
                }
                Err(error) => tracing::warn!(%error, "a request that is followed could not be read"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether the token or session of the caller still stands; looked at every few seconds.
    async fn may_be_told(&mut self) -> Result<bool, ApiError> {
        if self.shown.elapsed() < SHOW_AGAIN {
            return Ok(true);
        }
        let may = still_may(&self.state, &self.headers, Scope::PrivacyRequestRead).await?;
        self.shown = Instant::now();
        Ok(may)
    }

    async fn look(&self) -> Result<Option<(PrivacyRequest, Progress)>, StoreError> {
        let Some(request) = self.state.store().privacy_request_find(&self.id).await? else { return Ok(None) };
        let tasks = match request.change_run.as_ref().or(request.access_run.as_ref()) {
            Some(run) if !is_over(request.status) => self.state.store().task_list(run).await?,
            Some(_) | None => Vec::new(),
        };
        let is_done = |state: TaskState| match state {
            TaskState::Ready | TaskState::Leased => false,
            TaskState::Done | TaskState::Failed | TaskState::Cancelled => true,
        };
        let progress = Progress {
            status: request.status.as_str(),
            detail: ProgressReply::of(&request),
            collections: tasks.len(),
            collections_done: tasks.iter().filter(|task| is_done(task.state)).count(),
            rows: tasks.iter().map(|task| task.rows).sum(),
        };
        Ok(Some((request, progress)))
    }
}
