//! The units of one collection, several at a time.

mod later;
mod polled;
mod sifting;
mod tally;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use egress::Retry;
use futures::StreamExt;
use graph::{ForeignRows, RowFilter};
use model::{CollectionAddress, Completeness, ConnectionKey, PrivacyRequestId, Row};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::row_writer::{Begun, RowWriter};
use crate::source::{PageRows, ReadFault, SourceReading, UnitPages};
use crate::spool::PagePlace;
use crate::stop::{Halt, Stop, Why};
use crate::unit_state::UnitState;
use crate::{Concurrency, JobWait, Progress};

use tally::{Failures, UnitOutcome};
use waiting::{WaitingPage, WaitingPages};

pub(crate) use later::PATIENCE;
pub(crate) use polled::FIRST_LOOK;
pub(crate) use tally::Tally;

/// How often a unit whose statement broke off is read again from its beginning, and the first wait.
const RESTARTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// What the units of one collection share.
pub(crate) struct UnitReader {
    pub(crate) address: CollectionAddress,
    pub(crate) connection: ConnectionKey,
    /// The privacy request that it is read for.
    pub(crate) request: PrivacyRequestId,
    pub(crate) reading: SourceReading,
    pub(crate) filter: RowFilter,
    pub(crate) foreign: ForeignRows,
    pub(crate) writer: RowWriter,
    pub(crate) limits: Concurrency,
    pub(crate) waiting: JobWait,
    pub(crate) stop: Stop,
    pub(crate) progress: mpsc::Sender<Progress>,
    /// How many units are not over yet.
    pub(crate) left: AtomicUsize,
}

/// How the pages of a unit ended.
enum Ending {
    Over,
    Stopped(Why),
    Failed(ReadFault),
}

impl UnitReader {
    /// Reads all units; a unit that fails leaves the others alone.
    ///
    /// # Errors
    /// If rows cannot be kept, or the collection is not ours any more.
    pub(crate) async fn read_all(self) -> Result<(Tally, RowWriter), Halt> {
        let shared = Arc::new(self);
        let failures = Failures::default();
        let mut tally = Tally::default();
        shared.writer.keep_only(shared.reading.units()).await?;
        let all = 0..shared.reading.units();
        let mut waiting =
            Self::read_these(&shared, all.map(|unit| (unit, None)), &failures, &mut tally).await?;
        while !waiting.is_empty() {
            let polls: Vec<_> = waiting.iter().filter_map(UnitOutcome::waits_for_job).collect();
            let stopped = if tally.is_stopped { None } else { shared.stay(&polls).await? };
            if shared.waiting != JobWait::Here || tally.is_stopped || stopped.is_some() {
                for mut outcome in waiting {
                    match stopped {
                        Some(why) => outcome.stop(why),
                        // The others only wait for what is not going to be whole any more (saas-config 23.11).
                        None if tally.failed_units > 0 && shared.waiting == JobWait::SetAside => {
                            shared.drop_job(outcome.unit).await?;
                            outcome.not_waited_for(&shared.address);
                        }
                        None => shared.writer.note(outcome.unit, &outcome.state).await?,
                    }
                    tally.add(outcome);
                }
                break;
            }
            let again = waiting.into_iter().map(|outcome| (outcome.unit, Some(outcome)));
            waiting = Self::read_these(&shared, again, &failures, &mut tally).await?;
        }
        let reader = Arc::into_inner(shared).expect("every unit and every write has ended");
        Ok((tally, reader.writer))
    }

    /// Reads these units, each with what is known of it from an earlier look at its job; gives those that
    /// wait for one.
    async fn read_these(
        this: &Arc<Self>,
        units: impl Iterator<Item = (usize, Option<UnitOutcome>)>,
        failures: &Failures,
        tally: &mut Tally,
    ) -> Result<Vec<UnitOutcome>, Halt> {
        let units = units.map(|(unit, known)| Self::read(this, (unit, known), failures));
        let mut outcomes = futures::stream::iter(units).buffer_unordered(this.limits.limits().per_connection);
        let mut waiting = Vec::new();
        while let Some(outcome) = outcomes.next().await {
            let outcome = outcome?;
            if outcome.waits_for_job().is_some() {
                waiting.push(outcome);
            } else {
                this.left.fetch_sub(1, Ordering::Relaxed);
                tally.add(outcome);
            }
        }
        Ok(waiting)
    }

    async fn read(
        this: &Arc<Self>,
        (unit, known): (usize, Option<UnitOutcome>),
        failures: &Failures,
    ) -> Result<UnitOutcome, Halt> {
        let mut outcome = UnitOutcome::new(unit);
        if let Some(why) = this.stop.now() {
            outcome.stop(why);
            return Ok(outcome);
        }
        if let (Some(mut known), Some(polled)) = (known, this.reading.polled(unit)) {
            let poll = known.take_poll();
            outcome.state = known.state;
            Box::pin(Self::read_polled(this, (polled, poll), &mut outcome, failures)).await?;
            return Ok(outcome);
        }
        outcome.state.basis = this.writer.unit_basis(|| this.reading.unit_hash(unit));
        let begun = this.writer.begin(unit, outcome.state.basis.as_ref()).await?;
        if let Some(Begun { state: UnitState { end: Some(end), .. }, .. }) = &begun {
            outcome.completeness = end.clone().into();
            outcome.state = begun.map(|begun| begun.state).unwrap_or_default();
            if this.reading.comes_later(unit).is_some() {
                this.took(unit).await?;
            }
            if this.reading.polled(unit).is_some() {
                this.drop_job(unit).await?;
            }
            return Ok(outcome);
        }
        if failures.are_enough() {
            outcome.not_sent(&this.address);
            outcome.state = begun.map(|begun| begun.state).unwrap_or_default();
            return Ok(outcome);
        }
        if let Some(place) = this.reading.comes_later(unit) {
            outcome.state.stats = begun.map(|begun| begun.state.stats).unwrap_or_default();
            Self::read_later(this, place, &mut outcome, failures).await?;
            return Ok(outcome);
        }
        if let Some(polled) = this.reading.polled(unit) {
            outcome.state.stats = begun.map(|begun| begun.state.stats).unwrap_or_default();
            Box::pin(Self::read_polled(this, (polled, None), &mut outcome, failures)).await?;
            return Ok(outcome);
        }
        // What holds something on the other side keeps its place until it is through: pages of others
        // that wait for a place could otherwise wait for each other.
        let _slot =
            if this.reading.holds_on() { Some(this.limits.slot(&this.connection).await) } else { None };
        let mut reader = this.open(unit, begun, &mut outcome).await?;
        let mut restarts = 0;
        loop {
            let fault = match Self::read_pages(this, &mut reader, &mut outcome).await? {
                Ending::Over => break,
                Ending::Stopped(why) => {
                    outcome.stop(why);
                    break;
                }
                Ending::Failed(fault) => fault,
            };
            let may_help = this.reading.holds_on() && fault.retry == Retry::Yes && outcome.state.pages > 0;
            if !(may_help && restarts < RESTARTS && this.writer.restart(unit).await?) {
                outcome.fail(fault, failures);
                break;
            }
            tracing::warn!(collection = %this.address, unit, "a unit that broke off is read again");
            tokio::time::sleep(FIRST_WAIT * 2u32.pow(restarts)).await;
            restarts += 1;
            outcome.state = outcome.state.afresh();
            reader = this.reading.open(unit);
        }
        Ok(outcome)
    }

    /// Opens a unit, where an earlier worker stopped if that is possible.
    async fn open(
        &self,
        unit: usize,
        begun: Option<Begun>,
        outcome: &mut UnitOutcome,
    ) -> Result<UnitPages, Halt> {
        let Some(Begun { state, marks }) = begun else { return Ok(self.reading.open(unit)) };
        let resumed = state.point.as_ref().and_then(|point| self.reading.open_at(unit, point, &marks));
        if let Some(reader) = resumed {
            outcome.state = state;
            return Ok(reader);
        }
        self.writer.restart(unit).await?;
        outcome.state.stats = state.stats;
        Ok(self.reading.open(unit))
    }

    async fn read_pages(
        this: &Arc<Self>,
        reader: &mut UnitPages,
        outcome: &mut UnitOutcome,
    ) -> Result<Ending, Halt> {
        let before = outcome.state.stats;
        // Pages are stored while the next one is fetched: together with those that came shortly before.
        let mut storing = None;
        let mut waiting = WaitingPages::of(this);
        // Where a worker has ended before, its first page is kept before anything else: each gets further.
        let mut is_kept_first = this.writer.was_begun();
        let ending = loop {
            let page = {
                let next_page = async {
                    let holds_on = this.reading.holds_on();
                    let _slot = if holds_on { None } else { Some(this.limits.slot(&this.connection).await) };
                    reader.next_page().await
                };
                let mut next_page = std::pin::pin!(next_page);
                loop {
                    tokio::select! {
                        biased;
                        halt = this.writer.lost() => return Err(halt),
                        why = this.stop.wait() => break Err(why),
                        page = &mut next_page => break Ok(page),
                        () = waiting.due() => {
                            outcome.state.foreign_rows += stored(storing.take()).await?;
                            storing = Self::store(this, waiting.take(), &outcome.state);
                        }
                    }
                }
            };
            let page = match page {
                Ok(page) => page,
                Err(why) => break Ending::Stopped(why),
            };
            match page {
                Ok(Some(page)) => {
                    let rows = page.len() as u64;
                    let state = &mut outcome.state;
                    let number = usize::try_from(state.pages).unwrap_or(usize::MAX);
                    let place = PagePlace { unit: outcome.unit, page: number };
                    state.pages += 1;
                    state.rows += rows;
                    state.stats = before + reader.stats();
                    state.point = reader.resume_point();
                    state.end = reader.is_over().then(|| reader.completeness().into());
                    let mark = reader.mark().map(connector::PageMark::to_bytes);
                    state.foreign_rows += waiting.add(this, place, (page, mark))?;
                    if waiting.are_due() {
                        state.foreign_rows += stored(storing.take()).await?;
                        storing = Self::store(this, waiting.take(), state);
                        if std::mem::take(&mut is_kept_first) {
                            state.foreign_rows += stored(storing.take()).await?;
                        }
                    }
                    // Nobody listening is no reason to stop reading.
                    let _ =
                        this.progress.send(Progress::Page { collection: this.address.clone(), rows }).await;
                }
                Ok(None) => break Ending::Over,
                Err(fault) => break Ending::Failed(fault),
            }
        };
        let state = &mut outcome.state;
        state.foreign_rows += stored(storing).await?;
        state.stats = before + reader.stats();
        let (mut is_noted, mut is_last) = (true, false);
        if let Ending::Over = ending {
            is_last = this.left.load(Ordering::Relaxed) == 1;
            outcome.completeness = reader.completeness();
            if state.end.is_none() {
                state.end = Some(outcome.completeness.clone().into());
                is_noted = false;
            }
        }
        let packed = if is_last { waiting.take_packed() } else { None };
        if let (RowWriter::Store(writer), Some(pages)) = (&this.writer, packed) {
            writer.append_with_end(pages, state);
            return Ok(ending);
        }
        let pages = waiting.take();
        is_noted |= !pages.is_empty();
        state.foreign_rows += stored(Self::store(this, pages, state)).await?;
        if !is_noted {
            this.writer.note(outcome.unit, state).await?;
        }
        Ok(ending)
    }

    /// Keeps rows as the only page of a unit, and that it ended so.
    async fn keep_only_page(
        this: &Arc<Self>,
        (rows, completeness): (Vec<Row>, Completeness),
        outcome: &mut UnitOutcome,
    ) -> Result<(), Halt> {
        let state = &mut outcome.state;
        state.pages = 1;
        state.rows = rows.len() as u64;
        state.end = Some(completeness.clone().into());
        outcome.completeness = completeness;
        let page = PagePlace { unit: outcome.unit, page: 0 };
        let mut waiting = WaitingPages::default();
        state.foreign_rows += waiting.add(this, page, (PageRows::Values(rows), None))?;
        state.foreign_rows += stored(Self::store(this, waiting.take(), state)).await?;
        Ok(())
    }

    /// Starts to write pages, away from the task that waits for the network; `state` is that behind the
    /// last of them.
    fn store(this: &Arc<Self>, pages: Vec<WaitingPage>, state: &UnitState) -> Option<Storing> {
        if pages.is_empty() {
            return None;
        }
        let reader = Arc::clone(this);
        match &this.writer {
            RowWriter::Spool(_) => Some(tokio::task::spawn_blocking(move || reader.spool(pages))),
            RowWriter::Store(_) => {
                let state = state.clone();
                Some(tokio::spawn(Self::append(reader, pages, state)))
            }
        }
    }
}

/// Pages on their way to where they are kept; gives the number of foreign rows that were found on it.
type Storing = JoinHandle<Result<u64, Halt>>;

/// Waits until the pages are kept.
async fn stored(storing: Option<Storing>) -> Result<u64, Halt> {
    match storing {
        None => Ok(0),
        Some(storing) => joined(storing.await).await,
    }
}

/// What a task gave; its panic goes on here.
async fn joined<T>(ended: Result<T, tokio::task::JoinError>) -> T {
    match ended {
        Ok(given) => given,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}
