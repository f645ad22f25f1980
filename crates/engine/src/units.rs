//! The units of one collection, several at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use connector::{CallStats, ReadError, Reading};
use egress::Retry;
use futures::StreamExt;
use graph::{ForeignRows, RowFilter};
use model::{CollectionAddress, Completeness, ConnectionKey, IncompleteReason, Row};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::spool::{PagePlace, SpoolWriter};
use crate::{Cancellation, Concurrency, Progress, SpoolError};

/// When so many units have failed, the rest is not tried: each of them would go through all its
/// attempts and waits only to say the same.
const MOST_FAILED_UNITS: usize = 20;

/// What the units of one collection share.
pub(crate) struct UnitReader {
    pub(crate) address: CollectionAddress,
    pub(crate) connection: ConnectionKey,
    pub(crate) reading: Reading,
    pub(crate) filter: RowFilter,
    pub(crate) foreign: ForeignRows,
    pub(crate) writer: SpoolWriter,
    pub(crate) limits: Concurrency,
    pub(crate) cancellation: Cancellation,
    pub(crate) progress: mpsc::Sender<Progress>,
}

/// What all units together gave.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The first incomplete unit, in order of units, and what it says.
    incomplete: Option<(usize, Completeness)>,
    pub(crate) completed_units: usize,
    pub(crate) failed_units: usize,
    pub(crate) rows: u64,
    pub(crate) foreign_rows: u64,
    pub(crate) pages: u64,
    pub(crate) stats: CallStats,
}

/// What one unit gave.
struct UnitOutcome {
    unit: usize,
    completeness: Completeness,
    failed: bool,
    rows: u64,
    foreign_rows: u64,
    pages: u64,
    stats: CallStats,
}

/// Shared by the units while they run.
#[derive(Default)]
struct Failures {
    count: AtomicUsize,
    /// No later unit can do better: refused by the door, not allowed to sign in.
    hopeless: AtomicBool,
}

impl UnitReader {
    /// Reads all units; a unit that fails leaves the others alone.
    ///
    /// # Errors
    /// Only if rows cannot be stored.
    pub(crate) async fn read_all(self) -> Result<(Tally, SpoolWriter), SpoolError> {
        let shared = Arc::new(self);
        let failures = Failures::default();
        let mut tally = Tally::default();
        {
            let units = (0..shared.reading.units()).map(|unit| Self::read(&shared, unit, &failures));
            let mut outcomes =
                futures::stream::iter(units).buffer_unordered(shared.limits.limits().per_connection);
            while let Some(outcome) = outcomes.next().await {
                tally.add(outcome?);
            }
        }
        let reader = Arc::into_inner(shared).expect("every unit and every write has ended");
        Ok((tally, reader.writer))
    }

    async fn read(this: &Arc<Self>, unit: usize, failures: &Failures) -> Result<UnitOutcome, SpoolError> {
        let mut outcome = UnitOutcome::new(unit);
        if this.cancellation.is_cancelled() {
            outcome.completeness = cancelled();
            return Ok(outcome);
        }
        if failures.hopeless.load(Ordering::Relaxed)
            || failures.count.load(Ordering::Relaxed) >= MOST_FAILED_UNITS
        {
            outcome.completeness = Completeness::incomplete(
                IncompleteReason::Connection,
                format!("not every request of `{}` was sent, because earlier ones failed", this.address),
            );
            return Ok(outcome);
        }
        let mut reader = this.reading.open(unit);
        // One page is stored while the next is fetched, and never more than one.
        let mut storing = None;
        loop {
            let next_page = async {
                let _slot = this.limits.slot(&this.connection).await;
                reader.next_page().await
            };
            let page = tokio::select! {
                biased;
                () = this.cancellation.cancelled() => {
                    outcome.completeness = cancelled();
                    break;
                }
                page = next_page => page,
            };
            match page {
                Ok(Some(page)) => {
                    let place =
                        PagePlace { unit, page: usize::try_from(outcome.pages).unwrap_or(usize::MAX) };
                    let rows = page.rows.len() as u64;
                    outcome.foreign_rows += stored(storing.take()).await?;
                    storing = Self::store(this, place, page.rows);
                    outcome.pages += 1;
                    outcome.rows += rows;
                    // Nobody listening is no reason to stop reading.
                    let _ =
                        this.progress.send(Progress::Page { collection: this.address.clone(), rows }).await;
                }
                Ok(None) => {
                    outcome.completeness = reader.completeness();
                    break;
                }
                Err(error) => {
                    outcome.fail(&error, failures);
                    break;
                }
            }
        }
        outcome.foreign_rows += stored(storing).await?;
        outcome.stats = reader.stats();
        Ok(outcome)
    }

    /// Starts to filter, seal and write one page, away from the threads that wait for the network.
    fn store(this: &Arc<Self>, place: PagePlace, rows: Vec<Row>) -> Option<Storing> {
        if rows.is_empty() {
            return None;
        }
        let this = Arc::clone(this);
        Some(tokio::task::spawn_blocking(move || {
            let foreign = rows.iter().filter(|row| this.foreign.is_foreign(row)).count() as u64;
            let kept: Vec<Row> = rows.into_iter().map(|row| this.filter.access_row(row)).collect();
            this.writer.append(place, &kept).map(|()| foreign)
        }))
    }
}

/// A page on its way to the disk; gives the number of its foreign rows.
type Storing = JoinHandle<Result<u64, SpoolError>>;

/// Waits until the page is on the disk.
async fn stored(storing: Option<Storing>) -> Result<u64, SpoolError> {
    let Some(storing) = storing else { return Ok(0) };
    match storing.await {
        Ok(stored) => stored,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

impl UnitOutcome {
    fn new(unit: usize) -> Self {
        Self {
            unit,
            completeness: Completeness::Complete,
            failed: false,
            rows: 0,
            foreign_rows: 0,
            pages: 0,
            stats: CallStats::default(),
        }
    }

    fn fail(&mut self, error: &ReadError, failures: &Failures) {
        self.completeness = Completeness::incomplete(error.reason(), error.to_string());
        self.failed = true;
        failures.count.fetch_add(1, Ordering::Relaxed);
        if error.reason() == IncompleteReason::Connection && error.retry() == Retry::No {
            failures.hopeless.store(true, Ordering::Relaxed);
        }
    }
}

impl Tally {
    fn add(&mut self, outcome: UnitOutcome) {
        self.rows += outcome.rows;
        self.foreign_rows += outcome.foreign_rows;
        self.pages += outcome.pages;
        self.stats += outcome.stats;
        if outcome.failed {
            self.failed_units += 1;
        }
        if outcome.completeness.is_complete() {
            self.completed_units += 1;
        } else if self.incomplete.as_ref().is_none_or(|(unit, _)| outcome.unit < *unit) {
            self.incomplete = Some((outcome.unit, outcome.completeness));
        }
    }

    /// Complete if every unit is; else what the first incomplete one says, whatever order they
    /// ended in.
    pub(crate) fn completeness(&self) -> Completeness {
        self.incomplete.as_ref().map_or(Completeness::Complete, |(_, completeness)| completeness.clone())
    }
}

pub(crate) fn cancelled() -> Completeness {
    Completeness::incomplete(IncompleteReason::Cancelled, "stopped before it was read to its end")
}
