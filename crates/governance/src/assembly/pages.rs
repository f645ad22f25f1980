use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread;

use model::RunId;
use serde::de::DeserializeOwned;
use store::{PageCursor, Store, TaskId};
use tokio::runtime::Handle;

use crate::kept;
use crate::listing::{Listing, UnitNumber};
use crate::sync::{SyncError, Unread};

/// Pages that are read before they are wanted.
const AHEAD: usize = 1;

/// The pages of a sync, for a thread that may wait.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) store: Store,
    pub(super) run: RunId,
    pub(super) task: TaskId,
    pub(super) runtime: Handle,
    /// What is still being read, if something is.
    pub(super) unread: Option<Unread>,
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
            let mut give = move |unit, items| sender.send((unit, items)).map_err(|_| SyncError::BrokenOff);
            let reading = scope.spawn(move || self.read(listing, &mut give));
            let taken = pages.into_iter().try_for_each(|(unit, items)| take(unit, items));
            // Pages that broke off would pass for all of them: how the reading ended is known only from its thread.
            let read = reading.join().unwrap_or_else(|panic| resume_unwind(panic));
            taken.and(read)
        })
    }

    fn read<T: DeserializeOwned>(
        &self,
        listing: Listing,
        give: &mut impl FnMut(UnitNumber, Vec<T>) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let (first, end) = (UnitNumber::new(listing.number, 0).0, UnitNumber::new(listing.number + 1, 0).0);
        let Some(mut unread) = self.unread.clone() else {
            return self.kept(self.within(first..end), give).map(|_| ());
        };
        if unread.followed().listing() != listing.number {
            self.runtime.block_on(unread.list_over(listing.number))?;
            return self.kept(self.within(first..end), give).map(|_| ());
        }
        let unit = unread.followed().0;
        self.kept(self.within(first..unit), give)?;
        self.follow(unread, give)?;
        self.kept(self.within(unit + 1..end), give).map(|_| ())
    }

    /// Gives the pages of the unit that is still being read, as they are kept.
    fn follow<T: DeserializeOwned>(
        &self,
        mut unread: Unread,
        give: &mut impl FnMut(UnitNumber, Vec<T>) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let unit = unread.followed().0;
        let mut given = None;
        loop {
            // Asked before the look: what is kept after it is seen by the next one.
            let is_over = unread.is_over()?;
            let pages = self.within(unit..unit + 1);
            let pages = given.into_iter().fold(pages, |pages, page| pages.behind(unit, page));
            given = self.kept(pages, give)?.or(given);
            if is_over {
                return Ok(());
            }
            self.runtime.block_on(unread.more())?;
        }
    }

    /// Gives all pages that are kept, and says which one came last.
    fn kept<T: DeserializeOwned>(
        &self,
        mut pages: PageCursor,
        give: &mut impl FnMut(UnitNumber, Vec<T>) -> Result<(), SyncError>,
    ) -> Result<Option<u64>, SyncError> {
        let mut last = None;
        while let Some((place, text)) = self.runtime.block_on(pages.next_text())? {
            self.unread.as_ref().map_or(Ok(()), Unread::check)?;
            give(UnitNumber(place.unit), kept::items(&text)?)?;
            last = Some(place.page);
        }
        Ok(last)
    }

    fn within(&self, units: Range<u64>) -> PageCursor {
        self.store.page_list(&self.run, &self.task).within(units)
    }
}
