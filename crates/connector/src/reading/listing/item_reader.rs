use std::sync::Arc;

use egress::HttpReply;
use http::HeaderMap;
use model::{CallStats, Completeness, IncompleteReason, RowLines};
use serde_json::Value;
use spec::connector_file::Request;

use super::item_text::ItemText;
use super::{Parts, Steps};
use crate::fingerprint::Fingerprint;
use crate::pagination::Turn;
use crate::reading::page_text::{self, TextAnswer};
use crate::reading::paging::Paging;
use crate::reading::{PageMark, ReadError, ResumePoint};
use crate::response;
use crate::send::{Answer, Rejected};

/// Reads a list page by page. A page is the unit of work, of retry and of progress.
#[derive(Debug)]
pub struct ItemReader {
    parts: Arc<Parts>,
    state: State,
    completeness: Completeness,
    stats: CallStats,
    mark: Option<PageMark>,
    steps: Steps,
}

/// One page of a list. `Debug` shows counts only.
#[derive(Default)]
pub struct ItemPage {
    /// The items, each any JSON value, in the order sent.
    pub items: Vec<Value>,
    /// What this page cost.
    pub stats: CallStats,
}

/// What items are wanted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Values,
    /// Text is as good, and better if it takes less work.
    Any,
}

/// An answer that is a page.
struct Received {
    json: Value,
    /// Its items, if they are not in the JSON.
    lines: Option<RowLines>,
    headers: HeaderMap,
}

#[derive(Debug)]
enum State {
    Start,
    Paging(Box<Paging>),
    Done,
}

impl ItemReader {
    pub(super) fn new(parts: Arc<Parts>) -> Self {
        Self {
            parts,
            state: State::Start,
            completeness: Completeness::Complete,
            stats: CallStats::default(),
            mark: None,
            steps: Steps::default(),
        }
    }

    pub(super) fn resumed(
        parts: Arc<Parts>,
        point: &ResumePoint,
        marks: impl IntoIterator<Item = PageMark>,
    ) -> Option<Self> {
        if point.of != of(&parts) {
            return None;
        }
        let mut paging = parts.paging().ok()?;
        paging.go_on(point, marks)?;
        let (state, steps) = (State::Paging(Box::new(paging)), point.steps);
        Some(Self { state, steps, ..Self::new(parts) })
    }

    /// From where another reader can go on, after the pages that were returned; `None` before the first
    /// and after the last.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        match &self.state {
            State::Paging(paging) => {
                let point = paging.resume_point(|| of(&self.parts))?;
                Some(ResumePoint { steps: self.steps, ..point })
            }
            State::Start | State::Done => None,
        }
    }

    /// By what the page that was returned last is known again; `None` if it needs no mark.
    pub fn mark(&self) -> Option<PageMark> {
        self.mark
    }

    /// Whether no page follows any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether all pages were read. While there may be more, the list is incomplete: a reader that is
    /// dropped half-way has not seen everything.
    pub fn completeness(&self) -> Completeness {
        match self.state {
            State::Done => self.completeness.clone(),
            State::Start | State::Paging(_) => {
                let detail = format!("`{}` was not read to its end", self.parts.place);
                Completeness::incomplete(IncompleteReason::Cancelled, detail)
            }
        }
    }

    /// What the list cost so far, pages that failed included.
    pub fn stats(&self) -> CallStats {
        self.stats
    }

    /// The next page; `None` after the last one. A page may be without items.
    ///
    /// # Errors
    /// [`ReadError`] once, then `None`: the list ends incomplete with the error's reason.
    /// [`ReadError::Unavailable`] for a status that says so; then no page counts, also none returned before.
    ///
    /// # Cancel safety
    /// Dropping the future gives up one call; the next call of this function asks for the same page
    /// again.
    pub async fn next_page(&mut self) -> Result<Option<ItemPage>, ReadError> {
        let page = self.turn(Form::Values).await?;
        Ok(page.map(|(items, stats)| ItemPage { items: items.into_values(), stats }))
    }

    /// The same for somebody who makes values of the items elsewhere, while the next page is asked for: they
    /// stay text where nothing looks into them.
    ///
    /// # Errors
    /// As [`ItemReader::next_page`].
    ///
    /// # Cancel safety
    /// As [`ItemReader::next_page`].
    pub async fn next_text(&mut self) -> Result<Option<(ItemText, CallStats)>, ReadError> {
        self.turn(Form::Any).await
    }

    async fn turn(&mut self, form: Form) -> Result<Option<(ItemText, CallStats)>, ReadError> {
        let page = self.step(form).await;
        if let Err(error) = &page {
            self.end(Completeness::incomplete(error.reason(), error.to_string()));
        }
        page
    }

    async fn step(&mut self, form: Form) -> Result<Option<(ItemText, CallStats)>, ReadError> {
        if matches!(self.state, State::Start) {
            self.state = State::Paging(Box::new(self.parts.paging()?));
        }
        let State::Paging(paging) = &self.state else { return Ok(None) };
        let before = self.stats;
        let request = &paging.request;
        let form = if page_text::is_possible(request) { form } else { Form::Values };
        let accept = |reply| receive(request, form, reply);
        // Counted as it happens: a call that is given up half-way has cost something too.
        let answer = self.parts.connector.call(&paging.prepared, &mut self.stats, accept).await;
        let items = match answer.map_err(|error| self.parts.told(error))? {
            Answer::Accepted(received) => self.items(received)?,
            Answer::Gone => {
                self.end(Completeness::Complete);
                ItemText::default()
            }
            Answer::Ignored(status) => {
                let ignored = paging.ignored(status);
                self.end(ignored);
                ItemText::default()
            }
        };
        let stats = self.stats.since(before);
        tracing::debug!(
            connection = %self.parts.connector.connection().key, place = %self.parts.place,
            items = items.len(), requests = stats.requests, "page of a list read"
        );
        Ok(Some((items, stats)))
    }

    /// From an answer to its items, and to the state that the next page is read in.
    fn items(&mut self, Received { json, lines, headers }: Received) -> Result<ItemText, ReadError> {
        let State::Paging(paging) = &mut self.state else { return Ok(ItemText::default()) };
        let turn = paging.turn((&headers, &json), self.parts.connector.clock().now())?;
        self.mark = paging.mark();
        if let Turn::Repeated(stop) = turn {
            self.end(stop.into());
            return Ok(ItemText::default());
        }
        let entries = paging.entries(&json);
        let items = match lines {
            Some(lines) => ItemText::Lines(lines),
            None => ItemText::Values(self.parts.items(json)?),
        };
        if let Some(step) = paging.pager.entry_step() {
            // What a filter leaves out was on the page; what `unwrap` brings may be within one entry.
            self.steps = self.steps.after(entries.max(items.len()), step);
        }
        if let Some(completeness) = paging.advance(turn) {
            self.end(completeness);
        }
        Ok(items)
    }

    fn end(&mut self, completeness: Completeness) {
        self.state = State::Done;
        let steps = self.steps.completeness(&self.parts.request.place);
        self.completeness =
            std::mem::replace(&mut self.completeness, Completeness::Complete).and(steps).and(completeness);
    }
}

impl std::fmt::Debug for ItemPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemPage").field("items", &self.items.len()).field("stats", &self.stats).finish()
    }
}

/// Takes an answer with a good status, or says why it has to be asked for again.
fn receive(request: &Request, form: Form, reply: HttpReply) -> Result<Received, Rejected> {
    if form == Form::Any
        && let Some(TextAnswer { rest, rows }) = page_text::read(request, &reply.body)
    {
        return Ok(Received { json: rest, lines: Some(rows), headers: reply.headers });
    }
    let json = response::read_items(request, &reply)?;
    Ok(Received { json, lines: None, headers: reply.headers })
}

/// Stands for what the list asks.
fn of(parts: &Parts) -> Fingerprint {
    Fingerprint::of_bytes(&parts.hash())
}
