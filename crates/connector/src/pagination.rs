//! From one page to the request for the next (saas-config 18, architecture law 10).
//!
//! A pager looks at the answer as it came: postprocessors and `output` have no influence. Between
//! pages only path and query change; method, headers and body are the caller's and stay.
//!
//! Beyond the contract, so that no list is cut short unseen:
//! * a request that was sent before, however long ago, stops the reading (`page_loop`);
//! * for offsets also a page that is the same as an earlier one: the service ignores the param;
//! * the object that holds the next link or cursor was on an earlier page and is gone
//!   (`malformed`), unless the file says `absent_is_end`;
//! * a flag that says there is more, with nothing to go on with (`malformed`);
//! * the caps on pages and time (`page_cap`).

mod cursor;
mod link;
mod link_header;
mod offset;
mod query;

use std::collections::HashSet;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use model::{IncompleteReason, Path};
use serde_json::Value;
use spec::connector_file::{Pagination, Request};
use thiserror::Error;
use url::Url;

use crate::fingerprint::Fingerprint;
use crate::reading::PageMark;
use crate::response::{Found, look_up, look_up_segments};
use crate::secrets::Secrets;
use crate::settings::Settings;
use offset::Offset;

/// Finds the next request of one sequence of pages, and notices when it does not end.
#[derive(Debug)]
pub(crate) struct Pager {
    place: String,
    data_path: Option<Path>,
    strategy: Strategy,
    method: http::Method,
    body: Fingerprint,
    sent: HashSet<Fingerprint>,
    pages: u64,
    /// The page before this one.
    last: Option<PageMark>,
    page_cap: u64,
    deadline: Option<Timestamp>,
    had_paging_object: bool,
}

#[derive(Debug)]
enum Strategy {
    Single,
    Offset(Offset),
    Link(link::Link),
    Cursor(cursor::Cursor),
}

/// What a pager is made for.
pub(crate) struct PagerSettings<'a> {
    /// The request in the file.
    pub(crate) request: &'a Request,
    /// For limits that are connector params.
    pub(crate) secrets: &'a Secrets,
    /// For the caps.
    pub(crate) settings: &'a Settings,
    /// When the reading began.
    pub(crate) started: Timestamp,
}

/// One answer, as the strategies see it.
#[derive(Clone, Copy)]
pub(crate) struct PageAnswer<'a> {
    /// Where it came from.
    pub(crate) url: &'a Url,
    /// Its headers.
    pub(crate) headers: &'a HeaderMap,
    /// Its JSON.
    pub(crate) json: &'a Value,
    /// The value at `data_path`, or the whole JSON (saas-config 18.4).
    pub(crate) data: Option<&'a Value>,
}

impl PageAnswer<'_> {
    /// Nothing on the page (saas-config 18.4).
    fn is_empty(&self) -> bool {
        self.data.is_none_or(model::is_falsy)
    }
}

/// How far a pager is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PagerProgress {
    /// Stands for the body in fingerprints of requests.
    pub(crate) body: Fingerprint,
    /// Pages read.
    pub(crate) pages: u64,
    /// Whether one of them had the object that holds link or cursor.
    pub(crate) had_paging_object: bool,
}

/// What comes after a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Another page, at this address.
    Next(Url),
    /// This was the last page.
    End,
    /// The page counts, and what follows it cannot be read.
    Stopped(Stop),
    /// The page is one that was there before: it does not count, and the reading ends.
    Repeated(Stop),
}

/// Why a reading stops before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop {
    /// For the report.
    pub(crate) reason: IncompleteReason,
    /// One sentence for a person, without values.
    pub(crate) detail: String,
}

/// A pagination that cannot work with this connection. `Display` never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaginationError {
    /// The limit names a secret that is not there.
    #[error(
        "{place}: `limit` of the pagination takes connector param `{name}`, which has no value; give it one"
    )]
    MissingLimit {
        /// The request in the file.
        place: String,
        /// The connector param.
        name: String,
    },
    /// The limit's secret is no integer.
    #[error("{place}: `limit` of the pagination takes connector param `{name}`, which is not an integer")]
    BadLimit {
        /// The request in the file.
        place: String,
        /// The connector param.
        name: String,
    },
    /// The request was sent without the param.
    #[error(
        "{place}: query param `{param}` is not in the request, so there is nothing to count up; give it a value"
    )]
    MissingParam {
        /// The request in the file.
        place: String,
        /// `incremental_param`.
        param: String,
    },
    /// The param holds something else than digits.
    #[error("{place}: query param `{param}` is not an integer, so it cannot be counted up")]
    BadParam {
        /// The request in the file.
        place: String,
        /// `incremental_param`.
        param: String,
    },
}

impl PaginationError {
    /// Why a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        IncompleteReason::Malformed
    }
}

impl Pager {
    /// A pager for one prepared request whose body (unchanged on every page) is `body`.
    ///
    /// # Errors
    /// [`PaginationError`] if a limit names a connector param without an integer.
    pub(crate) fn new(
        PagerSettings { request, secrets, settings, started }: PagerSettings<'_>,
        method: &http::Method,
        body: &[u8],
    ) -> Result<Self, PaginationError> {
        let place = request.place.clone();
        let strategy = match &request.pagination {
            None => Strategy::Single,
            Some(Pagination::Offset { incremental_param, increment_by, limit }) => {
                let limit = limit.as_ref().map(|limit| offset::limit(limit, secrets, &place)).transpose()?;
                Strategy::Offset(Offset::new(incremental_param, *increment_by, limit.flatten()))
            }
            Some(Pagination::Link { source, has_next, absent_is_end }) => Strategy::Link(link::Link {
                source: source.clone(),
                has_next: has_next.clone(),
                absent_is_end: *absent_is_end,
            }),
            Some(Pagination::Cursor { cursor_param, field, has_next, absent_is_end }) => {
                Strategy::Cursor(cursor::Cursor {
                    param: cursor_param.clone(),
                    field: field.clone(),
                    has_next: has_next.clone(),
                    absent_is_end: *absent_is_end,
                })
            }
        };
        Ok(Self {
            place,
            data_path: request.data_path.clone(),
            strategy,
            method: method.clone(),
            body: Fingerprint::of_bytes(body),
            sent: HashSet::new(),
            pages: 0,
            last: None,
            page_cap: settings.page_cap,
            deadline: SignedDuration::try_from(settings.time_cap)
                .ok()
                .and_then(|cap| started.checked_add(cap).ok()),
            had_paging_object: false,
        })
    }

    /// The page data of an answer (saas-config 18.4).
    pub(crate) fn data<'a>(&self, json: &'a Value) -> Option<&'a Value> {
        match &self.data_path {
            Some(path) => look_up(path, json).value(),
            None => Some(json),
        }
    }

    /// What comes after `answer`, at time `now`.
    ///
    /// # Errors
    /// [`PaginationError`] if the request that was sent has nothing to count up.
    pub(crate) fn turn(&mut self, answer: PageAnswer<'_>, now: Timestamp) -> Result<Turn, PaginationError> {
        let request = Fingerprint::of_request(&self.method, answer.url, self.body);
        self.sent.insert(request);
        self.pages += 1;
        self.last = Some(PageMark { request, page: None });
        if let Some(stop) = self.lost_paging_object(answer.json) {
            return Ok(Turn::Stopped(stop));
        }
        let turn = match &mut self.strategy {
            Strategy::Single => Turn::End,
            Strategy::Offset(offset) => offset.turn(answer, &self.place)?,
            Strategy::Link(link) => link.turn(answer, &self.place),
            Strategy::Cursor(cursor) => cursor.turn(answer, &self.place),
        };
        if let (Some(last), Strategy::Offset(offset)) = (&mut self.last, &self.strategy) {
            last.page = offset.last();
        }
        Ok(match turn {
            Turn::Next(url) => self.bounded(url, now),
            Turn::End | Turn::Stopped(_) | Turn::Repeated(_) => turn,
        })
    }

    /// By how many entries a page begins behind the one before, whatever the application sends; `None` where it
    /// is the application that says what comes next, or pages are counted.
    pub(crate) fn entry_step(&self) -> Option<usize> {
        match &self.strategy {
            Strategy::Offset(offset) => offset.entry_step(),
            Strategy::Single | Strategy::Link(_) | Strategy::Cursor(_) => None,
        }
    }

    /// By what the page that came last is known again.
    pub(crate) fn last(&self) -> Option<PageMark> {
        self.last
    }

    /// What a pager that goes on later must know besides the marks of the pages.
    pub(crate) fn progress(&self) -> PagerProgress {
        PagerProgress { body: self.body, pages: self.pages, had_paging_object: self.had_paging_object }
    }

    /// Goes on where another pager of the same request stood.
    pub(crate) fn go_on(&mut self, progress: PagerProgress, marks: impl IntoIterator<Item = PageMark>) {
        self.body = progress.body;
        self.pages = progress.pages;
        self.had_paging_object = progress.had_paging_object;
        for mark in marks {
            self.sent.insert(mark.request);
            if let (Some(page), Strategy::Offset(offset)) = (mark.page, &mut self.strategy) {
                offset.remember(page);
            }
        }
    }

    /// Lets `url` through unless it was asked before or a cap is reached.
    fn bounded(&self, url: Url, now: Timestamp) -> Turn {
        let Self { place, pages, .. } = self;
        if self.sent.contains(&Fingerprint::of_request(&self.method, &url, self.body)) {
            let detail = format!(
                "{place}: after {pages} pages the next one is a page that was read before; check `pagination`"
            );
            return Turn::Stopped(Stop { reason: IncompleteReason::PageLoop, detail });
        }
        if *pages >= self.page_cap {
            let detail =
                format!("{place}: stopped at the cap of {pages} pages; raise `reading.page_cap` to read on");
            return Turn::Stopped(Stop { reason: IncompleteReason::PageCap, detail });
        }
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            let detail = format!(
                "{place}: stopped at the cap on time after {pages} pages; raise `reading.time_cap_s` to read on"
            );
            return Turn::Stopped(Stop { reason: IncompleteReason::PageCap, detail });
        }
        Turn::Next(url)
    }

    /// Notes whether the answer has the object that holds link or cursor; says so if an earlier
    /// answer had it and this one has not.
    fn lost_paging_object(&mut self, json: &Value) -> Option<Stop> {
        let container = match &self.strategy {
            Strategy::Single | Strategy::Offset(_) => None,
            Strategy::Link(link) => link.paging_path(),
            Strategy::Cursor(cursor) => cursor.paging_path(),
        };
        let container = container?;
        match look_up_segments(container.iter().copied(), json) {
            Found::Value(_) | Found::Null => self.had_paging_object = true,
            Found::Missing if self.had_paging_object => {
                let (place, name) = (&self.place, container.join("."));
                let detail = format!(
                    "{place}: `{name}` was on the page before and is absent now, so what follows is unknown"
                );
                return Some(Stop { reason: IncompleteReason::Malformed, detail });
            }
            Found::Missing => {}
        }
        None
    }
}

/// The object that tells about the next page: the path without its last step, and without a step
/// `next` before that (`_links.next.href`: on the last page only `_links` remains).
fn paging_object(path: &Path) -> Option<Vec<&str>> {
    let mut segments: Vec<&str> = path.segments().collect();
    segments.pop();
    if segments.last() == Some(&"next") {
        segments.pop();
    }
    Some(segments).filter(|segments| !segments.is_empty())
}

/// Whether the value is what a `has_next` flag must be (saas-config 18.10).
fn says_yes(flag: Option<&Value>) -> bool {
    flag.and_then(model::text_form).is_some_and(|text| text.to_lowercase() == "true")
}

#[cfg(test)]
mod tests;
