use model::{CollectionAddress, Row, RunId};
use store::{PageCursor, Store, StoreError, TaskId};
use tokio::runtime::Handle;

use crate::RowsError;

/// The rows of one collection in the store.
pub(crate) struct Stored {
    pub(crate) store: Store,
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) address: CollectionAddress,
    pub(crate) rows: u64,
    /// Where the store's connections live.
    pub(crate) runtime: Handle,
}

/// Goes through such rows.
pub(super) struct StoredPages<'a> {
    rows: &'a Stored,
    cursor: PageCursor,
    is_over: bool,
}

impl Stored {
    pub(super) fn len(&self) -> u64 {
        self.rows
    }

    pub(super) fn pages(&self) -> StoredPages<'_> {
        StoredPages { rows: self, cursor: self.store.page_list(&self.run, &self.task), is_over: false }
    }
}

impl StoredPages<'_> {
    pub(super) fn next_text(&mut self) -> Option<Result<Vec<u8>, RowsError>> {
        if self.is_over {
            return None;
        }
        let page = self.rows.runtime.block_on(self.cursor.next_text());
        self.given(page)
    }

    pub(super) fn next_rows(&mut self) -> Option<Result<Vec<Row>, RowsError>> {
        if self.is_over {
            return None;
        }
        let page = self.rows.runtime.block_on(self.cursor.next_page());
        self.given(page)
    }

    /// After the last page, and after an error, nothing follows.
    fn given<P, T>(&mut self, page: Result<Option<(P, T)>, StoreError>) -> Option<Result<T, RowsError>> {
        match page {
            Ok(Some((_, page))) => Some(Ok(page)),
            Ok(None) => {
                self.is_over = true;
                None
            }
            Err(source) => {
                self.is_over = true;
                Some(Err(RowsError::of_store(&self.rows.address, source)))
            }
        }
    }
}
