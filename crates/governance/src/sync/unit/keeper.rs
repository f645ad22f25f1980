use std::sync::Arc;

use connector::{ItemReader, ItemText, ListAnswers, PageMark, ReadError};
use futures::future::BoxFuture;
use spec::connector_file::governance::ResourceType;
use store::StoreError;
use tokio::sync::mpsc;

use super::ReadUnit;
use super::ends::{ended_by, malformed, of_completeness};
use super::page::Mapped;
use crate::listing::{Listed, Listing, UnitNumber};
use crate::mapping::{MappingError, UnitView};
use crate::sync::known::Known;
use crate::sync::unit_state::{UnitEnd, UnitState};
use crate::sync::{Sync, SyncError, SyncProgress};

/// A page on its way to where it is kept.
pub(super) struct Fetched {
    pub(super) items: FetchedItems,
    pub(super) mark: Option<PageMark>,
    /// Where the unit stands behind it.
    pub(super) state: UnitState,
}

/// What a page says.
pub(super) enum FetchedItems {
    /// As it came: some of its items may lack something.
    Text(ItemText),
    /// What is kept of it, which is being made already.
    Mapped(BoxFuture<'static, Mapped>),
}

/// What keeps the pages of one unit.
pub(super) struct Keeper<'a> {
    pub(super) sync: &'a Sync,
    pub(super) listing: Listing,
    pub(super) unit: UnitNumber,
    pub(super) view: Arc<UnitView>,
    pub(super) progress: &'a (dyn Fn(SyncProgress) + Send + std::marker::Sync),
    pub(super) known: Option<Vec<Known>>,
    /// Calls made for single resources.
    pub(super) extra_requests: u64,
    /// What its items are.
    pub(super) source: ItemSource,
}

/// Where the items of a unit come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemSource {
    /// A list, whose items may lack something.
    List,
    /// Answers about single resources.
    Singles,
}

/// What a page could not be kept for.
pub(super) enum Unkept {
    Sync(SyncError),
    Item(MappingError),
    Read(ReadError),
}

impl From<SyncError> for Unkept {
    fn from(error: SyncError) -> Self {
        Self::Sync(error)
    }
}

impl From<StoreError> for Unkept {
    fn from(error: StoreError) -> Self {
        Self::Sync(error.into())
    }
}

impl<'a> Keeper<'a> {
    pub(super) fn new(
        sync: &'a Sync,
        (listing, unit, view): (Listing, UnitNumber, Arc<UnitView>),
        (known, progress): (Option<Vec<Known>>, &'a (dyn Fn(SyncProgress) + Send + std::marker::Sync)),
    ) -> Self {
        Self { sync, listing, unit, view, progress, known, extra_requests: 0, source: ItemSource::List }
    }

    pub(super) fn kind(&self) -> Option<&ResourceType> {
        self.sync.governance().resource_types.get(self.listing.of)
    }

    pub(super) fn place(&self) -> String {
        let kind = self.kind().map(|kind| kind.id.as_str()).unwrap_or_default();
        match self.listing.what {
            Listed::Resources => format!("governance.{kind}"),
            Listed::Entitlements(_) => format!("governance.{kind}.entitlements"),
            Listed::Holders(_) => format!("governance.{kind}.grants"),
        }
    }

    pub(super) fn answers(&self, unavailable: &[u16]) -> ListAnswers {
        ListAnswers { unavailable: unavailable.to_vec(), requires: self.sync.governance().requires.clone() }
    }

    /// Opens the unit, where somebody stopped before if that is possible.
    pub(super) async fn reader(
        &mut self,
        state: &mut UnitState,
        marks: &[Vec<u8>],
    ) -> Result<ItemReader, Unkept> {
        let governance = self.sync.governance();
        let Some((request, unavailable)) = self.listing.request(governance) else {
            return Err(StoreError::Damaged { what: "the list of a unit" }.into());
        };
        let of = if self.listing.what == Listed::Resources { "parent" } else { "resource" };
        let bound = self.view.bind(of);
        let list =
            self.sync.parts.connector.list((request, &self.place()), &bound, self.answers(unavailable));
        let list = list.map_err(Unkept::Read)?;
        if let Some(point) = &state.point {
            let marks = marks.iter().filter_map(|mark| PageMark::from_bytes(mark));
            if let Some(reader) = list.open_at(point, marks) {
                return Ok(reader);
            }
        }
        if state.pages > 0 {
            self.sync.parts.store.unit_restart(self.sync.hold.lease(), self.unit.0).await?;
            if let Some(known) = &mut self.known {
                known.clear();
            }
            *state =
                UnitState { requests: state.requests, asked: state.asked.take(), ..UnitState::default() };
        }
        Ok(list.open())
    }

    /// Reads and keeps all pages that are left.
    pub(super) async fn pages(
        &mut self,
        mut reader: ItemReader,
        state: UnitState,
    ) -> Result<(UnitEnd, UnitState), SyncError> {
        let (sync, unit) = (self.sync, self.unit);
        let connection = sync.parts.connector.connection().key.clone();
        let (send, mut fetched) = mpsc::channel::<Fetched>(1);
        let from = state.clone();
        let mapping = self.mapping();
        let fetch = async move {
            let mut state = from;
            let before = state.requests;
            loop {
                let page = {
                    let _slot = sync.parts.limits.slot(&connection).await;
                    reader.next_text().await
                };
                state.requests = before + reader.stats().requests;
                let items = match page {
                    Ok(Some((items, _))) => items,
                    Ok(None) => break (of_completeness(reader.completeness()), state),
                    Err(error) => break (ended_by(&error), state),
                };
                state.pages += 1;
                state.point = reader.resume_point();
                state.end = reader.is_over().then(|| of_completeness(reader.completeness()));
                let page = Fetched { items: mapping(items), mark: reader.mark(), state: state.clone() };
                if send.send(page).await.is_err() {
                    // Whoever keeps pages has stopped and says why.
                    break (UnitEnd::Complete, state);
                }
                if let Some(end) = state.end.clone() {
                    break (end, state);
                }
            }
        };
        let mut last = state;
        let keep = async {
            while let Some(page) = fetched.recv().await {
                let state = page.state.clone();
                if let Err(unkept) = self.keep(page).await {
                    fetched.close();
                    return Err((unkept, last));
                }
                last = state;
            }
            Ok(())
        };
        let ((end, state), kept) = tokio::select! {
            biased;
            error = sync.stopped() => return Err(error),
            both = futures::future::join(fetch, keep) => both,
        };
        match kept {
            Ok(()) => Ok((end, state)),
            Err((Unkept::Sync(error), _)) => Err(error),
            Err((Unkept::Item(error), last)) => {
                tracing::warn!(%error, unit = unit.0, "an item of a list is not understood");
                Ok((malformed(&error), last))
            }
            Err((Unkept::Read(error), last)) => Ok((ended_by(&error), last)),
        }
    }

    /// Notes how the unit ended, unless its last page says so.
    pub(super) async fn finish(self, state: UnitState, end: UnitEnd) -> Result<ReadUnit, SyncError> {
        let requests = state.requests + self.extra_requests;
        if state.end.as_ref() != Some(&end) {
            let state = UnitState { end: Some(end.clone()), requests, ..state };
            let state = serde_json::to_vec(&state).expect("a state has text keys and plain values");
            self.sync.parts.store.unit_put(self.sync.hold.lease(), self.unit.0, &state).await?;
        }
        Ok(ReadUnit { unit: self.unit, view: self.view, end, known: self.known, requests })
    }
}
