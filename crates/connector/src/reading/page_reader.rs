use std::sync::Arc;

use bytes::Bytes;
use egress::HttpReply;
use http::HeaderMap;
use model::{CallStats, Completeness, IncompleteReason, Page, Row};
use serde_json::Value;
use spec::connector_file::Request;

use super::{Plan, ReadError, Source};
use crate::build::Prepared;
use crate::output::Output;
use crate::pagination::{PageAnswer, Pager, Stop, Turn};
use crate::postprocessor::{self, PostprocessorContext};
use crate::response;
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
}

#[derive(Debug)]
enum State {
    Start,
    Paging(Box<Paging>),
    Done,
}

/// A unit that is sent page by page.
#[derive(Debug)]
struct Paging {
    request: Arc<Request>,
    prepared: Prepared,
    pager: Pager,
    output: Option<ValueMap>,
}

/// An answer with its JSON; `None` for 204.
struct Received {
    json: Option<Value>,
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
        }
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
            State::Start | State::Paging(_) => {
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
        let State::Paging(paging) = &self.state else { return Ok(None) };
        let before = self.stats;
        let accept = |reply| receive(&paging.request, reply);
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
                let place = &paging.request.place;
                let detail = format!(
                    "{place} answered {status}, which `ignore_errors` lets pass; nothing is known about the rest"
                );
                self.end(Completeness::incomplete(IncompleteReason::IgnoredError, detail));
                Page::default()
            }
        };
        page.stats = cost;
        tracing::debug!(
            connection = %self.plan.connector.connection().key, collection = %self.plan.collection, unit = self.unit,
            rows = page.rows.len(), requests = page.stats.requests, "page read"
        );
        Ok(Some(page))
    }

    /// Prepares the first call, or makes the only page of a unit without one.
    fn start(&mut self) -> Result<Option<Page>, ReadError> {
        let plan = Arc::clone(&self.plan);
        self.state = State::Done;
        let Some((request, combination)) = plan.find(self.unit) else {
            let is_empty_row = matches!(plan.source, Source::EmptyRow) && self.unit == 0;
            return Ok(is_empty_row.then(|| Page::of(vec![Row::new()])));
        };
        let output = request.output.as_ref().map(|_| plan.output_values(&combination));
        if let (None, Some(template), Some(values)) = (&request.target, &request.output, &output) {
            let row = Output { place: &request.place, template }.row(values)?;
            return Ok(Some(Page::of(vec![row])));
        }
        let prepared = plan.prepare(request, &combination)?;
        let pager = plan.pager(request, &prepared)?;
        self.state =
            State::Paging(Box::new(Paging { request: Arc::clone(request), prepared, pager, output }));
        Ok(None)
    }

    /// From an answer to its rows, and to the state that the next page is read in.
    fn page(&mut self, Received { json, headers, body }: Received) -> Result<Page, ReadError> {
        let State::Paging(paging) = &mut self.state else { return Ok(Page::default()) };
        let request = Arc::clone(&paging.request);
        let Some(json) = json else {
            self.end(Completeness::Complete);
            return Ok(Page::default());
        };
        let answer = PageAnswer {
            url: paging.prepared.url(),
            headers: &headers,
            json: &json,
            data: paging.pager.data(&json),
        };
        let turn = paging.pager.turn(answer, self.plan.connector.clock().now())?;
        if let Turn::Repeated(stop) = turn {
            self.end(stop.into());
            return Ok(Page::default());
        }
        let messages = postprocessor::messages(&request.postprocessors, &body, Some(&json));
        drop(body);
        let data = match &request.data_path {
            Some(path) => response::take(path, json),
            None => json,
        };
        let context = PostprocessorContext {
            place: &request.place,
            collection: &self.plan.collection,
            identities: &self.plan.person.identities,
            filter_values: &self.plan.inputs.filter_values,
        };
        let data = postprocessor::apply(&request.postprocessors, data, context)?;
        let mut rows = response::rows(data)
            .map_err(|source| ReadError::Response { place: request.place.clone(), source })?;
        if let (Some(template), Some(values)) = (&request.output, &paging.output) {
            rows = Output { place: &request.place, template }.rows(rows, values.clone())?;
        }
        self.advance(turn, &request.place);
        Ok(Page { rows, stats: CallStats::default(), messages })
    }

    fn advance(&mut self, turn: Turn, place: &str) {
        let completeness = match (turn, &mut self.state) {
            (Turn::Next(url), State::Paging(paging)) => {
                if let Some(next) = paging.prepared.with_url(url) {
                    paging.prepared = next;
                    return;
                }
                let detail = format!("{place}: the next page is on another host; check `pagination`");
                Completeness::incomplete(IncompleteReason::Malformed, detail)
            }
            (Turn::Stopped(stop) | Turn::Repeated(stop), _) => stop.into(),
            (Turn::End, _) | (Turn::Next(_), State::Start | State::Done) => Completeness::Complete,
        };
        self.end(completeness);
    }

    fn end(&mut self, completeness: Completeness) {
        self.state = State::Done;
        self.completeness =
            std::mem::replace(&mut self.completeness, Completeness::Complete).and(completeness);
    }
}

impl From<Stop> for Completeness {
    fn from(Stop { reason, detail }: Stop) -> Self {
        Self::Incomplete { reason, detail }
    }
}

/// Takes an answer with a good status, or says why it has to be asked for again.
fn receive(request: &Request, reply: HttpReply) -> Result<Received, Rejected> {
    match response::read_json(request, &reply) {
        Ok(json) => Ok(Received { json, headers: reply.headers, body: reply.body }),
        Err(error) => {
            Err(Rejected { reason: error.reason(), problem: error.to_string(), retry: error.retry() })
        }
    }
}
