use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use model::{Completeness, IncompleteReason};
use serde_json::Value;
use spec::connector_file::Request;

use super::{PageMark, ResumePoint, Steps};
use crate::build::Prepared;
use crate::fingerprint::Fingerprint;
use crate::pagination::{PageAnswer, Pager, PagerProgress, PaginationError, Stop, Turn};

/// A request that is sent page by page, and at which page it stands.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) request: Arc<Request>,
    /// The call of the page that comes next.
    pub(super) prepared: Prepared,
    pub(super) pager: Pager,
}

impl Paging {
    /// From where another reader can go on; `of` stands for what is asked. `None` before the first page.
    pub(super) fn resume_point(&self, of: impl FnOnce() -> Fingerprint) -> Option<ResumePoint> {
        let PagerProgress { body, pages, had_paging_object } = self.pager.progress();
        if pages == 0 {
            return None;
        }
        let next = self.prepared.url().to_string();
        let steps = Steps::default();
        Some(ResumePoint { of: of(), next, body, pages, had_paging_object, steps })
    }

    /// Goes on at `point` of the same request. `None` if its page is on another host.
    pub(super) fn go_on(
        &mut self,
        point: &ResumePoint,
        marks: impl IntoIterator<Item = PageMark>,
    ) -> Option<()> {
        self.prepared = self.prepared.with_url(point.next.parse().ok()?)?;
        let ResumePoint { body, pages, had_paging_object, .. } = *point;
        self.pager.go_on(PagerProgress { body, pages, had_paging_object }, marks);
        Some(())
    }

    /// What comes after an answer, as it came.
    pub(super) fn turn(
        &mut self,
        (headers, json): (&HeaderMap, &Value),
        now: Timestamp,
    ) -> Result<Turn, PaginationError> {
        let (url, data) = (self.prepared.url(), self.pager.data(json));
        self.pager.turn(PageAnswer { url, headers, json, data }, now)
    }

    /// By what the page that came last is known again.
    pub(super) fn mark(&self) -> Option<PageMark> {
        self.pager.last()
    }

    /// How many entries an answer brings, before postprocessors; 0 if there is no list where the file says.
    pub(super) fn entries(&self, json: &Value) -> usize {
        self.pager.data(json).and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// Turns to the next page. If none follows, how complete what was read is.
    pub(super) fn advance(&mut self, turn: Turn) -> Option<Completeness> {
        match turn {
            Turn::End => Some(Completeness::Complete),
            Turn::Stopped(stop) | Turn::Repeated(stop) => Some(stop.into()),
            Turn::Next(url) => {
                if let Some(next) = self.prepared.with_url(url) {
                    self.prepared = next;
                    return None;
                }
                let place = &self.request.place;
                let detail = format!("{place}: the next page is on another host; check `pagination`");
                Some(Completeness::incomplete(IncompleteReason::Malformed, detail))
            }
        }
    }

    /// How complete what was read is after a status that `ignore_errors` covers.
    pub(super) fn ignored(&self, status: u16) -> Completeness {
        let place = &self.request.place;
        let detail = format!(
            "{place} answered {status}, which `ignore_errors` lets pass; nothing is known about the rest"
        );
        Completeness::incomplete(IncompleteReason::IgnoredError, detail)
    }
}

impl From<Stop> for Completeness {
    fn from(Stop { reason, detail }: Stop) -> Self {
        Self::Incomplete { reason, detail }
    }
}
