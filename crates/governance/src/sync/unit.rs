//! One unit, page by page: while a page is mapped and kept, the next one is asked for.

mod ends;
mod keeper;
mod page;
mod singles;

use std::sync::Arc;

use engine::HoldState;
use store::StoreError;

use self::ends::{ended_by, malformed};
use self::keeper::{Keeper, Unkept};
use super::known::Known;
use super::unit_state::{UnitEnd, UnitState};
use super::{Sync, SyncError, SyncProgress};
use crate::listing::UnitNumber;
use crate::mapping::UnitView;

/// What is read of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UnitWork {
    /// Its list.
    List,
    /// The resources with these ids, each by itself and a page for each.
    Singles(Vec<String>),
}

impl UnitWork {
    /// Stands for the resources that are asked for.
    fn asked(&self) -> Option<String> {
        match self {
            Self::List => None,
            Self::Singles(ids) => {
                Some(crypto::hex(&crypto::sha256(&crypto::canonical_json(&ids.as_slice().into()))))
            }
        }
    }
}

/// A unit that was read, as far as that can be.
#[derive(Debug)]
pub(super) struct ReadUnit {
    pub(super) unit: UnitNumber,
    /// What its items were seen with.
    pub(super) view: Arc<UnitView>,
    pub(super) end: UnitEnd,
    /// Its resources, if they are asked for.
    pub(super) known: Option<Vec<Known>>,
    /// Calls made for it.
    pub(super) requests: u64,
}

impl Sync {
    /// Reads what is left of a unit. `known` collects its resources; those of pages that were kept before
    /// are in it.
    pub(super) async fn read_unit(
        &self,
        (unit, view, work): (UnitNumber, UnitView, UnitWork),
        mut known: Option<Vec<Known>>,
        progress: &(dyn Fn(SyncProgress) + Send + std::marker::Sync),
    ) -> Result<ReadUnit, SyncError> {
        let asked = work.asked();
        let lease = self.hold.lease();
        let Some(listing) = self.listings.get(unit.listing()) else {
            return Err(StoreError::Damaged { what: "the list of a unit" }.into());
        };
        let mut state = UnitState::default();
        let mut marks = Vec::new();
        if self.is_resumed() {
            if let Some(kept) = self.parts.store.unit_state(&lease.run, &lease.task, unit.0).await? {
                state = serde_json::from_slice(&kept)
                    .map_err(|_| StoreError::Damaged { what: "the state of a list" })?;
            }
            if state.asked != asked && state.pages > 0 {
                // A list that names some of them was not read to its end before.
                self.parts.store.unit_restart(lease, unit.0).await?;
                known.iter_mut().for_each(Vec::clear);
                state = UnitState { requests: state.requests, ..UnitState::default() };
            }
            if let Some(end) = state.end.take_if(|end| end.is_final()) {
                let view = Arc::new(view);
                return Ok(ReadUnit { unit, view, end, known, requests: state.requests });
            }
            // What is incomplete is read on.
            state.end = None;
            marks = self.parts.store.unit_marks(&lease.run, &lease.task, unit.0).await?;
        }
        state.asked = asked;
        let view = Arc::new(view);
        let mut keeper = Keeper::new(self, (listing, unit, view), (known, progress));
        if let UnitWork::Singles(ids) = &work {
            let (end, state) = keeper.singles(ids, state).await?;
            return keeper.finish(state, end).await;
        }
        let reader = match keeper.reader(&mut state, &marks).await {
            Ok(reader) => reader,
            Err(Unkept::Sync(error)) => return Err(error),
            Err(Unkept::Read(error)) => return keeper.finish(state, ended_by(&error)).await,
            Err(Unkept::Item(error)) => return keeper.finish(state, malformed(&error)).await,
        };
        let (end, state) = keeper.pages(reader, state).await?;
        keeper.finish(state, end).await
    }

    /// Fails once the sync is not ours to go on with.
    pub(super) async fn stopped(&self) -> SyncError {
        let run = self.id().clone();
        tokio::select! {
            biased;
            state = self.hold.ended() => match state {
                HoldState::Cancelled => SyncError::Stopped { run },
                HoldState::Lost | HoldState::Held => SyncError::Lost { run },
            },
            () = self.parts.cancellation.cancelled() => SyncError::Stopped { run },
        }
    }
}
