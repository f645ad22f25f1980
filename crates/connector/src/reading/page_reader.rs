use std::sync::Arc;

use bytes::Bytes;
use egress::HttpReply;
use http::{HeaderMap, StatusCode};
use model::{CallStats, Completeness, IncompleteReason, Page, Row, RowLines};
use serde_json::Value;
use spec::connector_file::Request;

use super::page_rows::PageRows;
use super::page_text::{self, TextAnswer};
use super::paging::Paging;
use super::{Answers, PageMark, Plan, ReadError, ResumePoint, Source};
use crate::fingerprint::Fingerprint;
use crate::output::Output;
use crate::pagination::Turn;
use crate::postprocessor;
use crate::response;
use crate::script::{ScriptPaging, Turned};
use crate::send::{Answer, Rejected};
use crate::values::ValueMap;

/// Reads one unit page by page. A page is the unit of work, of retry and of progress.
#[derive(Debug)]
pub struct PageReader {
    plan: Arc<Plan>,
    unit: usize,
    state: State,
    completeness: Completeness,
    stats: CallStats,
    mark: Option<PageMark>,
    form: Form,
    /// The rows of the page that came last, if they stayed text.
    lines: Option<RowLines>,
}

/// What rows are wanted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Values,
    /// Text is as good, and better if it takes less work.
    Any,
}

#[derive(Debug)]
enum State {
    Start,
    Paging(Box<UnitPaging>),
    Script(Box<ScriptPaging>),
    Done,
}

/// A unit that is sent page by page.
#[derive(Debug)]
struct UnitPaging {
    paging: Paging,
    /// Stands for what the unit asks.
    of: Fingerprint,
    output: Option<ValueMap>,
    /// Whether rows may stay text.
    may_be_text: bool,
}

/// An answer with its JSON; `None` for 204.
struct Received {
    json: Option<Value>,
    /// Its rows, if they are not in the JSON.
    lines: Option<RowLines>,
    headers: HeaderMap,
    body: Bytes,
}

impl PageReader {
    pub(super) fn new(plan: Arc<Plan>, unit: usize) -> Self {
        Self {
            plan,
            unit,
            state: State::Start,
            completeness: Completeness::Complete,
            stats: CallStats::default(),
            mark: None,
            form: Form::Values,
            lines: None,
        }
    }

    pub(super) fn resumed(
        plan: Arc<Plan>,
        unit: usize,
        point: &ResumePoint,
        marks: impl IntoIterator<Item = PageMark>,
    ) -> Option<Self> {
        let mut reader = Self::new(plan, unit);
        reader.start().ok()?;
        let paging = match &mut reader.state {
            State::Paging(paging) => paging,
            State::Script(paging) => return paging.go_on(point, marks).then_some(reader),
            State::Start | State::Done => return None,
        };
        if paging.of != point.of {
            return None;
        }
        paging.paging.go_on(point, marks)?;
        Some(reader)
    }

    /// From where another reader can go on, after the pages that were returned; `None` before the first
    /// and after the last.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        match &self.state {
            State::Paging(unit) => unit.paging.resume_point(|| unit.of),
            State::Script(paging) => paging.resume_point(),
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

    /// The next page; `None` after the last one.
    ///
    /// A page may be without rows. Pages that were returned count, whatever comes later.
    ///
    /// # Errors
    /// [`ReadError`] once, then `None`: the unit ends incomplete with the error's reason.
    ///
    /// # Cancel safety
    /// Dropping the future gives up one call; the next call of this function asks for the same page
    /// again.
    pub async fn next_page(&mut self) -> Result<Option<Page>, ReadError> {
        self.form = Form::Values;
        self.turn().await
    }

    /// The same for somebody who only passes rows on: they stay text where nothing looks into them. Texts
    /// for the log are left out.
    ///
    /// # Errors
    /// As [`PageReader::next_page`].
    ///
    /// # Cancel safety
    /// As [`PageReader::next_page`].
    pub async fn next_rows(&mut self) -> Result<Option<PageRows>, ReadError> {
        self.form = Form::Any;
        let Some(page) = self.turn().await? else { return Ok(None) };
        Ok(Some(match self.lines.take() {
            Some(lines) => PageRows::Lines(lines),
            None => PageRows::Values(page.rows),
        }))
    }

    async fn turn(&mut self) -> Result<Option<Page>, ReadError> {
        self.lines = None;
        let page = self.step().await;
        if let Err(error) = &page {
            self.end(Completeness::incomplete(error.reason(), error.to_string()));
        }
        page
    }

    /// Whether all pages were read. While there may be more, the unit is incomplete: a reader that is
    /// dropped half-way has not seen everything.
    pub fn completeness(&self) -> Completeness {
        match self.state {
            State::Done => self.completeness.clone(),
            State::Start | State::Paging(_) | State::Script(_) => {
                let detail = format!("`{}` was not read to its end", self.plan.collection);
                Completeness::incomplete(IncompleteReason::Cancelled, detail)
            }
        }
    }

    /// What the unit cost so far, pages that failed included.
    pub fn stats(&self) -> CallStats {
        self.stats
    }

    async fn step(&mut self) -> Result<Option<Page>, ReadError> {
        if matches!(self.state, State::Start)
            && let Some(page) = self.start()?
        {
            return Ok(Some(page));
        }
        let before = self.stats;
        if let State::Script(paging) = &mut self.state {
            let at = (&self.plan.connector, self.plan.collection.as_str());
            let turned = paging.turn(at, &self.plan.person, &mut self.stats).await?;
            let request = Arc::clone(&paging.request);
            return self.page_of_script(&request, turned, before).map(Some);
        }
        let State::Paging(unit) = &self.state else { return Ok(None) };
        let (paging, form) = (&unit.paging, if unit.may_be_text { self.form } else { Form::Values });
        let accept = |reply| receive(&paging.request, form, reply);
        // Counted as it happens: a call that is given up half-way has cost something too.
        let answer = self.plan.connector.call(&paging.prepared, &mut self.stats, accept).await;
        let cost = self.stats.since(before);
        let mut page = match answer? {
            Answer::Accepted(received) => self.page(received)?,
            Answer::Gone => {
                self.end(Completeness::Complete);
                Page::default()
            }
            Answer::Ignored(status) => {
                let ignored = paging.ignored(status);
                self.end(ignored);
                Page::default()
            }
        };
        page.stats = cost;
        self.log(&page);
        Ok(Some(page))
    }

    fn log(&self, page: &Page) {
        let rows = self.lines.as_ref().map_or(page.rows.len(), RowLines::len);
        tracing::debug!(
            connection = %self.plan.connector.connection().key, collection = %self.plan.collection, unit = self.unit,
            rows, requests = page.stats.requests, "page read"
        );
    }

    fn page_of_script(
        &mut self,
        request: &Request,
        turned: Turned,
        before: CallStats,
    ) -> Result<Page, ReadError> {
        self.mark = turned.mark;
        let rows = turned.rows.into_iter().map(Value::Object).collect();
        let rows = self.plan.processed(request, Value::Array(rows))?;
        if let Some(end) = turned.end {
            self.end(end);
        }
        let page = Page { stats: self.stats.since(before), ..Page::of(rows) };
        self.log(&page);
        Ok(page)
    }

    /// Prepares the first call, or makes the only page of a unit without one.
    fn start(&mut self) -> Result<Option<Page>, ReadError> {
        let plan = Arc::clone(&self.plan);
        self.state = State::Done;
        let Some((sequence, combination)) = plan.find(self.unit) else {
            let is_empty_row = matches!(plan.source, Source::EmptyRow) && self.unit == 0;
            return Ok(is_empty_row.then(|| Page::of(vec![Row::new()])));
        };
        let request = &sequence.defined.request;
        match sequence.answers {
            Answers::AtOnce => {}
            Answers::Later => return Err(ReadError::ComesLater { place: request.place.clone() }),
            Answers::ByJob => return Err(ReadError::ComesByJob { place: request.place.clone() }),
        }
        if let Some(hook) = &request.script {
            let values = plan.script_values(request, &combination);
            let paging = ScriptPaging::new(Arc::clone(request), hook.clone(), values);
            self.state = State::Script(Box::new(paging));
            return Ok(None);
        }
        let output = request.output.as_ref().map(|_| plan.output_values(&combination));
        if let (None, Some(template), Some(values)) = (&request.target, &request.output, &output) {
            let row = Output { place: &request.place, template }.row(values)?;
            return Ok(Some(Page::of(vec![row])));
        }
        let prepared = plan.prepare_now(sequence, &combination)?;
        let pager = plan.pager(request, &prepared)?;
        let of = Fingerprint::of_bytes(&plan.unit_hash(self.unit)?.unwrap_or_default());
        let may_be_text = page_text::is_possible(request);
        let paging = Paging { request: Arc::clone(request), prepared, pager };
        self.state = State::Paging(Box::new(UnitPaging { paging, of, output, may_be_text }));
        Ok(None)
    }

    /// From an answer to its rows, and to the state that the next page is read in.
    fn page(&mut self, Received { json, lines, headers, body }: Received) -> Result<Page, ReadError> {
        let State::Paging(unit) = &mut self.state else { return Ok(Page::default()) };
        let request = Arc::clone(&unit.paging.request);
        let Some(json) = json else {
            self.end(Completeness::Complete);
            return Ok(Page::default());
        };
        let turn = unit.paging.turn((&headers, &json), self.plan.connector.clock().now())?;
        self.mark = unit.paging.mark();
        if let Turn::Repeated(stop) = turn {
            self.end(stop.into());
            return Ok(Page::default());
        }
        if lines.is_some() {
            self.lines = lines;
            self.advance(turn);
            return Ok(Page::default());
        }
        let messages = postprocessor::messages(&request.postprocessors, &body, Some(&json));
        drop(body);
        let data = match &request.data_path {
            Some(path) => response::take(path, json),
            None => json,
        };
        let mut rows = self.plan.processed(&request, data)?;
        if let (Some(template), Some(values)) = (&request.output, &unit.output) {
            rows = Output { place: &request.place, template }.rows(rows, values.clone())?;
        }
        self.advance(turn);
        Ok(Page { rows, stats: CallStats::default(), messages })
    }

    fn advance(&mut self, turn: Turn) {
        let end = match &mut self.state {
            State::Paging(unit) => unit.paging.advance(turn),
            State::Start | State::Script(_) | State::Done => Some(Completeness::Complete),
        };
        if let Some(completeness) = end {
            self.end(completeness);
        }
    }

    fn end(&mut self, completeness: Completeness) {
        self.state = State::Done;
        self.completeness =
            std::mem::replace(&mut self.completeness, Completeness::Complete).and(completeness);
    }
}

/// Takes an answer with a good status, or says why it has to be asked for again.
fn receive(request: &Request, form: Form, reply: HttpReply) -> Result<Received, Rejected> {
    if form == Form::Any
        && reply.status != StatusCode::NO_CONTENT.as_u16()
        && let Some(TextAnswer { rest, rows }) = page_text::read(request, &reply.body)
    {
        return Ok(Received {
            json: Some(rest),
            lines: Some(rows),
            headers: reply.headers,
            body: reply.body,
        });
    }
    match response::read_json(request, &reply) {
        Ok(json) => Ok(Received { json, lines: None, headers: reply.headers, body: reply.body }),
        Err(error) => Err(error.into()),
    }
}
