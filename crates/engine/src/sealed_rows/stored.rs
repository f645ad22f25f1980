use std::slice;
use std::sync::Arc;

use model::{CollectionAddress, Row, RunId};
use store::{PackedRows, PageCursor, PagePlace, RowCount, Store, StoreError, TaskId};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::RowsError;

/// The rows of one collection in the store.
pub(crate) struct Stored {
    pub(crate) store: Store,
    pub(crate) run: RunId,
    pub(crate) task: TaskId,
    pub(crate) address: CollectionAddress,
    /// How many there are; fewer are an error when they are gone through, not a shorter list.
    pub(crate) rows: RowCount,
    /// The same rows, if they are few and this process has just put them there.
    pub(crate) in_hand: Option<Arc<[PackedRows]>>,
    /// Where the store's connections live.
    pub(crate) runtime: Handle,
}

/// Goes through such rows.
pub(super) struct StoredPages<'a> {
    rows: &'a Stored,
    next: Next<'a>,
}

/// Where the next page comes from.
enum Next<'a> {
    /// It is there.
    InHand(slice::Iter<'a, PackedRows>),
    /// It is read when it is asked for.
    Cursor(PageCursor),
    /// It is being read while the last one is used.
    Ahead(JoinHandle<(PageCursor, TextPage)>),
    /// After the last page, and after an error, nothing follows.
    Nothing,
}

type TextPage = Result<Option<(PagePlace, Vec<u8>)>, StoreError>;

impl Stored {
    pub(super) fn len(&self) -> u64 {
        match self.rows {
            RowCount::Exactly(rows) | RowCount::AtLeast(rows) => rows,
        }
    }

    pub(super) fn pages(&self) -> StoredPages<'_> {
        // Of no rows none can be gone.
        let next = match self.rows {
            RowCount::Exactly(0) => Next::Nothing,
            RowCount::Exactly(_) | RowCount::AtLeast(_) => {
                Next::Cursor(self.store.page_list(&self.run, &self.task).expecting(self.rows))
            }
        };
        StoredPages { rows: self, next }
    }

    pub(super) fn pages_in_hand(&self) -> StoredPages<'_> {
        match &self.in_hand {
            Some(pages) => StoredPages { rows: self, next: Next::InHand(pages.iter()) },
            None => self.pages(),
        }
    }
}

impl StoredPages<'_> {
    /// Opening and unpacking a page costs about as much as writing it out: the next one is made ready
    /// meanwhile, on another thread.
    pub(super) fn next_text(&mut self) -> Option<Result<Vec<u8>, RowsError>> {
        if let Next::InHand(pages) = &mut self.next {
            let text = pages.next()?.text();
            return Some(text.map_err(|source| RowsError::of_store(&self.rows.address, source)));
        }
        let (cursor, page) = self.take()?;
        let given = self.given(page)?;
        if let (Ok(_), Some(cursor)) = (&given, cursor) {
            self.next = Next::Ahead(self.rows.runtime.spawn(read(cursor)));
        }
        Some(given)
    }

    pub(super) fn next_rows(&mut self) -> Option<Result<Vec<Row>, RowsError>> {
        let Next::Cursor(cursor) = &mut self.next else {
            let text = self.next_text()?;
            return Some(text.and_then(|text| self.parsed(&text)));
        };
        let page = self.rows.runtime.block_on(cursor.next_page());
        let given = self.given(page);
        if !matches!(given, Some(Ok(_))) {
            self.next = Next::Nothing;
        }
        given
    }

    fn take(&mut self) -> Option<(Option<PageCursor>, TextPage)> {
        let runtime = &self.rows.runtime;
        let (cursor, page) = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::InHand(_) | Next::Nothing => return None,
            Next::Cursor(cursor) => runtime.block_on(read(cursor)),
            Next::Ahead(reading) => match runtime.block_on(reading) {
                Ok(read) => read,
                Err(stopped) => match stopped.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime goes down: half a list must not pass for a whole one.
                    Err(_) => return Some((None, Err(StoreError::Damaged { what: "a page being read" }))),
                },
            },
        };
        Some((Some(cursor), page))
    }

    fn parsed(&self, text: &[u8]) -> Result<Vec<Row>, RowsError> {
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let damaged =
            |_| RowsError::of_store(&self.rows.address, StoreError::Damaged { what: "a page of rows" });
        lines.map(serde_json::from_slice).collect::<Result<_, _>>().map_err(damaged)
    }

    fn given<P, T>(&self, page: Result<Option<(P, T)>, StoreError>) -> Option<Result<T, RowsError>> {
        match page {
            Ok(page) => page.map(|(_, page)| Ok(page)),
            Err(source) => Some(Err(RowsError::of_store(&self.rows.address, source))),
        }
    }
}

async fn read(mut cursor: PageCursor) -> (PageCursor, TextPage) {
    let page = cursor.next_text().await;
    (cursor, page)
}
