use std::sync::Arc;

use egress::Retry;
use futures::future::BoxFuture;
use model::{CallStats, Completeness, IncompleteReason, Page, RowLines};
use tokio::sync::mpsc;

use super::Plan;
use crate::page::PageSink;
use crate::{DatabaseError, Fault};

/// Reads one unit page by page.
pub struct PageReader {
    plan: Arc<Plan>,
    unit: usize,
    state: State,
    completeness: Completeness,
    stats: CallStats,
    attempt: u32,
    has_pages: bool,
}

enum State {
    Start,
    Streaming(Box<Streaming>),
    Done,
}

/// A statement whose rows are on the way.
struct Streaming {
    /// Runs the statement; gone when it has ended. Polled by whoever waits for a page.
    producer: Option<BoxFuture<'static, Result<(), Fault>>>,
    pages: mpsc::Receiver<RowLines>,
}

impl PageReader {
    pub(super) fn new(plan: Arc<Plan>, unit: usize) -> Self {
        Self {
            plan,
            unit,
            state: State::Start,
            completeness: Completeness::Complete,
            stats: CallStats::default(),
            attempt: 0,
            has_pages: false,
        }
    }

    /// The next page; `None` after the last one. Pages that were returned count, whatever comes
    /// later.
    ///
    /// # Errors
    /// [`DatabaseError`] once, then `None`: the unit ends incomplete with the error's reason.
    ///
    /// # Cancel safety
    /// Dropping the future loses no row: the next call goes on where this one was. Dropping the
    /// reader stops the statement.
    pub async fn next_page(&mut self) -> Result<Option<Page>, DatabaseError> {
        let before = self.stats;
        let Some(lines) = self.next_lines().await? else { return Ok(None) };
        let rows = lines.rows().map_err(|_| {
            // JSON in a column may be nested just as deeply as is read, and then not in a row.
            self.failed(Fault::BadValue { column: "*".to_owned(), declared: "json".to_owned() })
        })?;
        Ok(Some(Page { stats: self.stats.since(before), ..Page::of(rows) }))
    }

    /// The same page as the text that its rows are kept as; for a reader that only passes rows on.
    ///
    /// # Errors
    /// As [`PageReader::next_page`].
    ///
    /// # Cancel safety
    /// As [`PageReader::next_page`].
    pub async fn next_lines(&mut self) -> Result<Option<RowLines>, DatabaseError> {
        match self.step().await {
            Ok(Some(rows)) => {
                tracing::debug!(
                    connection = %self.plan.database.connection(), collection = %self.plan.collection,
                    unit = self.unit, rows = rows.len(), "page read"
                );
                Ok(Some(rows))
            }
            Ok(None) => {
                self.state = State::Done;
                Ok(None)
            }
            Err(fault) => Err(self.failed(fault)),
        }
    }

    fn failed(&mut self, fault: Fault) -> DatabaseError {
        self.state = State::Done;
        let error = self.plan.database.error(Some(&self.plan.collection), fault);
        self.completeness = Completeness::incomplete(error.reason(), error.to_string());
        error
    }

    /// Whether no page follows any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether all pages were read; incomplete while there may be more.
    pub fn completeness(&self) -> Completeness {
        match self.state {
            State::Done => self.completeness.clone(),
            State::Start | State::Streaming(_) => {
                let detail = format!("`{}` was not read to its end", self.plan.collection);
                Completeness::incomplete(IncompleteReason::Cancelled, detail)
            }
        }
    }

    /// What the unit cost so far.
    pub fn stats(&self) -> CallStats {
        self.stats
    }

    async fn step(&mut self) -> Result<Option<RowLines>, Fault> {
        loop {
            let streaming = match &mut self.state {
                State::Done => return Ok(None),
                State::Streaming(streaming) => streaming,
                State::Start => {
                    let Some(streaming) = start(&self.plan, self.unit) else { return Ok(None) };
                    self.stats.requests += 1;
                    self.stats.retries += u64::from(self.attempt > 0);
                    self.state = State::Streaming(Box::new(streaming));
                    continue;
                }
            };
            let limit = self.plan.database.limits().statement_timeout;
            let next = tokio::time::timeout(limit, streaming.next()).await.unwrap_or(Err(Fault::Timeout));
            match next {
                Ok(Some(rows)) => {
                    self.has_pages = true;
                    return Ok(Some(self.plan.without_earlier(self.unit, rows)));
                }
                Ok(None) => return Ok(None),
                Err(fault) => self.retry(fault).await?,
            }
        }
    }

    /// Waits and starts over, as long as no page was given out.
    async fn retry(&mut self, fault: Fault) -> Result<(), Fault> {
        let limits = self.plan.database.limits();
        if self.has_pages || fault.retry() == Retry::No || self.attempt + 1 >= limits.attempts {
            return Err(fault);
        }
        // First the state, so that a future dropped while it waits leaves nothing half done.
        self.state = State::Start;
        let wait = limits.retry_wait.saturating_mul(2u32.saturating_pow(self.attempt));
        self.attempt += 1;
        tracing::warn!(
            connection = %self.plan.database.connection(), collection = %self.plan.collection,
            attempt = self.attempt, "reading is tried again"
        );
        self.plan.database.clock().sleep(wait).await;
        Ok(())
    }
}

fn start(plan: &Arc<Plan>, unit: usize) -> Option<Streaming> {
    let select = plan.select(unit)?;
    // One page waits while the next is made; nothing else is held.
    let (sender, pages) = mpsc::channel(1);
    let sink = PageSink::new(sender, plan.database.limits());
    let database = plan.database.clone();
    let producer = Box::pin(async move { database.driver().stream(&select, sink).await });
    Some(Streaming { producer: Some(producer), pages })
}

impl Streaming {
    async fn next(&mut self) -> Result<Option<RowLines>, Fault> {
        loop {
            let Some(producer) = &mut self.producer else { return Ok(self.pages.recv().await) };
            tokio::select! {
                biased;
                page = self.pages.recv() => {
                    if page.is_some() {
                        return Ok(page);
                    }
                    // All pages are out; the statement ends its transaction now.
                    let ended = producer.await;
                    self.producer = None;
                    ended?;
                }
                ended = &mut *producer => {
                    self.producer = None;
                    ended?;
                }
            }
        }
    }
}

impl std::fmt::Debug for PageReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageReader")
            .field("plan", &self.plan)
            .field("unit", &self.unit)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
