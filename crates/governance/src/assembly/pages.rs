use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use model::RunId;
use serde::de::DeserializeOwned;
use store::{Store, TaskId};
use tokio::runtime::Handle;

use crate::kept;
use crate::listing::{Listing, UnitNumber};
use crate::sync::SyncError;

/// Pages that are read before they are wanted.
const AHEAD: usize = 1;

/// The pages of a sync, for a thread that may wait.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) store: Store,
    pub(super) run: RunId,
    pub(super) task: TaskId,
    pub(super) runtime: Handle,
}

impl Pages {
    /// Hands over every page of a list with its unit, in canonical order; memory holds a few. Another thread reads them,
    /// one page ahead.
    pub(super) fn each<T: DeserializeOwned + Send>(
        &self,
        listing: Listing,
        mut take: impl FnMut(UnitNumber, Vec<T>) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        thread::scope(|scope| {
            let (sender, pages) = sync_channel(AHEAD);
            let reading =
                scope.spawn(move || self.read(listing, |unit, items| sender.send((unit, items)).is_ok()));
            let taken = pages.into_iter().try_for_each(|(unit, items)| take(unit, items));
            // Pages that broke off would pass for all of them: how the reading ended is known only from its thread.
            let read = reading.join().unwrap_or_else(|panic| resume_unwind(panic));
            taken.and(read)
        })
    }

    /// Reads all pages of a list, until they are not wanted any more.
    fn read<T: DeserializeOwned>(
        &self,
        listing: Listing,
        mut is_wanted: impl FnMut(UnitNumber, Vec<T>) -> bool,
    ) -> Result<(), SyncError> {
        let (first, end) = (UnitNumber::new(listing.number, 0), UnitNumber::new(listing.number + 1, 0));
        let mut pages = self.store.page_list(&self.run, &self.task).within(first.0..end.0);
        while let Some((place, text)) = self.runtime.block_on(pages.next_text())? {
            if !is_wanted(UnitNumber(place.unit), kept::items(&text)?) {
                break;
            }
        }
        Ok(())
    }
}
