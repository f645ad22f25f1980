//! Where the rows of one collection go while it is read.

use std::sync::{Arc, Mutex, PoisonError};

use model::{CollectionAddress, kill_point};
use store::{NewPage, PackedRows, RowCount, StoreError, TaskLease};

use crate::basis::Basis;
use crate::kept_outcome::KeptOutcome;
use crate::sealed_rows::{PagesInHand, Stored};
use crate::spool::{PagePlace, SpoolWriter};
use crate::stage::Stage;
use crate::stop::Halt;
use crate::unit_state::UnitState;
use crate::{CollectionOutcome, HoldState, RowsError, SealedRows, TaskHold};

/// Takes the pages of one collection.
#[derive(Debug)]
pub(crate) enum RowWriter {
    Spool(SpoolWriter),
    Store(Box<StoredWriter>),
}

/// Takes them into the store, under a task that this process holds.
#[derive(Debug)]
pub(crate) struct StoredWriter {
    pub(crate) stage: Arc<Stage>,
    pub(crate) hold: TaskHold,
    pub(crate) address: CollectionAddress,
    /// What its rows rest on.
    pub(crate) basis: Basis,
    /// What it has put into the store, while it is little.
    pub(crate) hand: PagesInHand,
    /// Pages that are kept with its end.
    pub(crate) last: LastPages,
}

/// The last pages of a collection, with the state behind them: they wait for no more than its end.
#[derive(Debug, Default)]
pub(crate) struct LastPages(Mutex<Option<(Vec<PackedPage>, Vec<u8>)>>);

impl LastPages {
    fn take(&self) -> Option<(Vec<PackedPage>, Vec<u8>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// One page that is ready to be kept.
#[derive(Debug)]
pub(crate) struct PackedPage {
    pub(crate) place: PagePlace,
    pub(crate) rows: PackedRows,
    pub(crate) mark: Option<Vec<u8>>,
}

impl PackedPage {
    fn without_state(&self) -> NewPage<'_> {
        let Self { place, rows, mark } = self;
        NewPage { unit: place.unit as u64, page: place.page as u64, rows, mark: mark.as_deref(), state: None }
    }
}

/// What is known of a unit before it is read.
pub(crate) struct Begun {
    pub(crate) state: UnitState,
    /// Marks of its pages.
    pub(crate) marks: Vec<Vec<u8>>,
}

impl RowWriter {
    /// What the rows of a unit rest on that asks this; `None` where nobody goes on with them, and for a
    /// unit of which it cannot be said.
    pub(crate) fn unit_basis(&self, asks: impl FnOnce() -> Option<[u8; 32]>) -> Option<Basis> {
        match self {
            Self::Spool(_) => None,
            Self::Store(writer) => Some(writer.basis.of_unit(&writer.stage.key, asks()?)),
        }
    }

    /// Throws away what an earlier worker left of units that the reading does not have: it has `units`.
    pub(crate) async fn keep_only(&self, units: usize) -> Result<(), Halt> {
        match self {
            Self::Spool(_) => Ok(()),
            Self::Store(writer) if !writer.was_begun() => Ok(()),
            Self::Store(writer) => {
                let drop = || writer.stage.store.unit_drop_from(writer.lease(), units as u64);
                writer.stage.retried(drop).await.map_err(|error| writer.failed(error))
            }
        }
    }

    /// What an earlier worker left of a unit; nothing if there was none. Pages that rest on something
    /// else are thrown away.
    pub(crate) async fn begin(&self, unit: usize, basis: Option<&Basis>) -> Result<Option<Begun>, Halt> {
        let begun = match self {
            Self::Spool(_) => None,
            Self::Store(writer) => writer.begin(unit).await?,
        };
        let Some(begun) = begun else { return Ok(None) };
        if basis.is_some() && begun.state.basis.as_ref() == basis {
            return Ok(Some(begun));
        }
        tracing::warn!(unit, "a unit asks something else than before and is read from its beginning");
        self.restart(unit).await?;
        let state = UnitState { basis: basis.cloned(), ..begun.state.afresh() };
        Ok(Some(Begun { state, marks: Vec::new() }))
    }

    /// Whether an earlier worker may have begun to read the collection.
    pub(crate) fn was_begun(&self) -> bool {
        match self {
            Self::Spool(_) => false,
            Self::Store(writer) => writer.was_begun(),
        }
    }

    /// Throws away what there is of a unit. `false` if that cannot be.
    pub(crate) async fn restart(&self, unit: usize) -> Result<bool, Halt> {
        match self {
            Self::Spool(_) => Ok(false),
            Self::Store(writer) => {
                writer.hand.give_up();
                let restart = || writer.stage.store.unit_restart(writer.lease(), unit as u64);
                writer.stage.retried(restart).await.map_err(|error| writer.failed(error))?;
                Ok(true)
            }
        }
    }

    /// Notes where a unit stands after something else than a page.
    pub(crate) async fn note(&self, unit: usize, state: &UnitState) -> Result<(), Halt> {
        match self {
            Self::Spool(_) => Ok(()),
            Self::Store(writer) => {
                let state = state_bytes(state);
                let put = || writer.stage.store.unit_put(writer.lease(), unit as u64, &state);
                writer.stage.retried(put).await.map_err(|error| writer.failed(error))
            }
        }
    }

    /// Completes when the collection may not be read any more.
    ///
    /// # Cancel safety
    /// May be dropped and called again.
    pub(crate) async fn lost(&self) -> Halt {
        match self {
            Self::Spool(_) => std::future::pending().await,
            Self::Store(writer) => match writer.hold.ended().await {
                HoldState::Cancelled => {
                    // Whether it succeeds or not: the run is over.
                    let _ = writer.stage.store.task_cancel(writer.lease()).await;
                    Halt::Cancelled
                }
                HoldState::Lost | HoldState::Held => Halt::Lost,
            },
        }
    }

    /// The collection was read to some end: gives its outcome the rows, and keeps it.
    pub(crate) async fn finish(self, mut outcome: CollectionOutcome) -> Result<CollectionOutcome, Halt> {
        match self {
            Self::Spool(writer) => outcome.sealed = writer.finish(),
            Self::Store(writer) => {
                let kept = serde_json::to_vec(&KeptOutcome::new(&writer.basis, &outcome))
                    .expect("an outcome has text keys and plain values");
                if outcome.rows == 0 && writer.hold.claimed().rows > 0 {
                    // Not read after all: what an earlier worker read does not belong to it.
                    let clear = || writer.stage.store.page_clear(writer.lease());
                    writer.stage.retried(clear).await.map_err(|error| writer.failed(error))?;
                }
                let last = writer.last.take();
                let pages = last.as_ref().map(|(pages, state)| new_pages(pages, state)).unwrap_or_default();
                if !pages.is_empty() {
                    kill_point!("page.before_append");
                }
                kill_point!("read.before_finish");
                let finish = || writer.stage.store.read_finish(writer.lease(), &pages, (None, &kept));
                writer.stage.retried(finish).await.map_err(|error| writer.failed(error))?;
                if !pages.is_empty() {
                    kill_point!("page.appended");
                }
                kill_point!("read.finished");
                drop(pages);
                if let Some((pages, _)) = last {
                    writer.hand.add(pages);
                }
                let in_hand = writer.hand.whole(outcome.rows);
                outcome.sealed = writer.sealed(RowCount::Exactly(outcome.rows), in_hand);
            }
        }
        Ok(outcome)
    }

    /// The collection was stopped: gives its outcome the rows so far, and leaves the rest to whoever
    /// comes next.
    pub(crate) async fn leave(self, mut outcome: CollectionOutcome) -> CollectionOutcome {
        match self {
            Self::Spool(writer) => outcome.sealed = writer.finish(),
            Self::Store(writer) => {
                outcome.sealed = writer.sealed(RowCount::AtLeast(outcome.rows), None);
                if let Some((pages, state)) = writer.last.take() {
                    // If they cannot be kept, neither is the state behind them: they are read again.
                    let pages = new_pages(&pages, &state);
                    let append = || writer.stage.store.page_append(writer.lease(), &pages);
                    if let Err(error) = writer.stage.retried(append).await {
                        tracing::warn!(collection = %writer.address, %error, "the last pages are not kept");
                    }
                }
                if let Err(error) = writer.hold.release().await {
                    tracing::warn!(collection = %writer.address, %error, "a task stays held until its lease ends");
                }
            }
        }
        outcome
    }
}

impl StoredWriter {
    /// Puts pages of a unit into the store, with their marks and the state behind the last of them.
    pub(crate) async fn append(&self, pages: Vec<PackedPage>, state: &UnitState) -> Result<(), Halt> {
        let state = state_bytes(state);
        let new = new_pages(&pages, &state);
        kill_point!("page.before_append");
        let append = || self.stage.store.page_append(self.lease(), &new);
        self.stage.retried(append).await.map_err(|error| self.failed(error))?;
        kill_point!("page.appended");
        drop(new);
        self.hand.add(pages);
        Ok(())
    }

    /// Leaves the last pages of the collection to [`RowWriter::finish`], which comes next.
    pub(crate) fn append_with_end(&self, pages: Vec<PackedPage>, state: &UnitState) {
        let state = state_bytes(state);
        *self.last.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((pages, state));
    }

    /// Whether another worker may have begun to read the collection.
    fn was_begun(&self) -> bool {
        self.hold.claimed().attempt > 1
    }

    async fn begin(&self, unit: usize) -> Result<Option<Begun>, Halt> {
        if !self.was_begun() {
            return Ok(None);
        }
        let TaskLease { run, task, .. } = self.lease();
        let find = || self.stage.store.unit_state(run, task, unit as u64);
        let Some(state) = self.stage.retried(find).await.map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        let state: UnitState = serde_json::from_slice(&state)
            .map_err(|_| self.failed(StoreError::Damaged { what: "the state of a reading" }))?;
        let marks = if state.point.is_some() {
            let list = || self.stage.store.unit_marks(run, task, unit as u64);
            self.stage.retried(list).await.map_err(|error| self.failed(error))?
        } else {
            Vec::new()
        };
        Ok(Some(Begun { state, marks }))
    }

    fn sealed(&self, rows: RowCount, in_hand: Option<Arc<[PackedRows]>>) -> SealedRows {
        let TaskLease { run, task, .. } = self.lease().clone();
        let (store, runtime) = (self.stage.store.clone(), self.stage.runtime.clone());
        Stored { store, run, task, address: self.address.clone(), rows, in_hand, runtime }.into()
    }

    pub(crate) fn lease(&self) -> &TaskLease {
        self.hold.lease()
    }

    pub(crate) fn failed(&self, source: StoreError) -> Halt {
        match source {
            StoreError::Fenced { .. } => Halt::Lost,
            source => RowsError::of_store(&self.address, source).into(),
        }
    }
}

/// Pages with the state behind the last of them.
fn new_pages<'a>(pages: &'a [PackedPage], state: &'a [u8]) -> Vec<NewPage<'a>> {
    let mut new: Vec<NewPage<'a>> = pages.iter().map(PackedPage::without_state).collect();
    if let Some(last) = new.last_mut() {
        last.state = Some(state);
    }
    new
}

fn state_bytes(state: &UnitState) -> Vec<u8> {
    serde_json::to_vec(state).expect("a state has text keys and plain values")
}
