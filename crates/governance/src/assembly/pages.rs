use model::RunId;
use serde::de::DeserializeOwned;
use store::{Store, TaskId};
use tokio::runtime::Handle;

use crate::kept;
use crate::listing::{Listing, UnitNumber};
use crate::sync::SyncError;

/// The pages of a sync, for a thread that may wait.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) store: Store,
    pub(super) run: RunId,
    pub(super) task: TaskId,
    pub(super) runtime: Handle,
}

impl Pages {
    /// Hands over every page of a list with its unit, in canonical order; memory holds a few.
    pub(super) fn each<T: DeserializeOwned>(
        &self,
        listing: Listing,
        mut take: impl FnMut(UnitNumber, Vec<T>) -> Result<(), SyncError>,
    ) -> Result<(), SyncError> {
        let (first, end) = (UnitNumber::new(listing.number, 0), UnitNumber::new(listing.number + 1, 0));
        let mut pages = self.store.page_list(&self.run, &self.task).within(first.0..end.0);
        while let Some((place, text)) = self.runtime.block_on(pages.next_text())? {
            take(UnitNumber(place.unit), kept::items(&text)?)?;
        }
        Ok(())
    }
}
