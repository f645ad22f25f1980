use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crypto::RunKey;
use model::{Row, RunId};

use super::{PagePlace, packed, page_place};
use crate::sql::query;
use crate::store::{count, signed};
use crate::{Store, StoreError, TaskId};

/// How much of small pages is read at once.
const AHEAD_BYTES: usize = 256 * 1024;
/// How many pages are read at once at most, and at first, when their size is not known: most lists are
/// no longer than that.
const MOST_AHEAD: usize = 16;
const FIRST_AHEAD: usize = 5;

/// Reads the pages of one task that have rows, one at a time, in the order of unit and page. Of small
/// ones, memory holds a few.
///
/// Its end is an answer only while the rows are still kept: pages that somebody destroys meanwhile are
/// an error, never the end of the list.
#[derive(Debug)]
pub struct PageCursor {
    store: Store,
    run: RunId,
    task: TaskId,
    after: (i64, i64),
    /// The first unit that is not read any more.
    end: i64,
    seen: u64,
    expected: Option<RowCount>,
    /// The key that the first page was opened with.
    key: Option<Arc<RunKey>>,
    /// Pages that were read and not yet given.
    ahead: VecDeque<Sealed>,
    /// How many to read next; 0 behind the last page.
    next_count: usize,
}

/// A page as it is kept.
#[derive(Debug)]
struct Sealed {
    at: (i64, i64),
    rows: u64,
    sealed: Vec<u8>,
}

/// How many rows a list must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowCount {
    /// So many: the reading is over.
    Exactly(u64),
    /// So many or more: another worker may go on with the reading.
    AtLeast(u64),
}

impl PageCursor {
    pub(super) fn new(store: Store, run: RunId, task: TaskId) -> Self {
        let ahead = VecDeque::new();
        let (after, next_count) = ((-1, -1), FIRST_AHEAD);
        let end = i64::MAX;
        Self { store, run, task, after, end, seen: 0, expected: None, key: None, ahead, next_count }
    }

    /// Only the pages of these units.
    #[must_use]
    pub fn within(self, units: Range<u64>) -> Self {
        Self { after: (signed(units.start) - 1, i64::MAX), end: signed(units.end), ..self }
    }

    /// Only what is behind this page of this unit.
    #[must_use]
    pub fn behind(self, unit: u64, page: u64) -> Self {
        Self { after: (signed(unit), signed(page)), ..self }
    }

    /// The same list; a list of fewer rows, or of more than there can be, ends with an error.
    #[must_use]
    pub fn expecting(self, rows: RowCount) -> Self {
        Self { expected: Some(rows), ..self }
    }

    /// The next page, or `None` after the last.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] if the rows were destroyed, also while they are read;
    /// [`StoreError::Damaged`] if a page was changed, moved or taken out; [`StoreError::Fenced`] if
    /// another worker reads anew what was expected.
    pub async fn next_page(&mut self) -> Result<Option<(PagePlace, Vec<Row>)>, StoreError> {
        let Some((place, text)) = self.next_text().await? else { return Ok(None) };
        let rows = packed::rows(&text)?;
        Ok(Some((place, rows)))
    }

    /// The next page as the text it was kept as: one row a line, in JSON. For a reader that only passes
    /// rows on.
    ///
    /// # Errors
    /// As [`PageCursor::next_page`].
    pub async fn next_text(&mut self) -> Result<Option<(PagePlace, Vec<u8>)>, StoreError> {
        let key = match &self.key {
            Some(key) => Arc::clone(key),
            None => Arc::clone(self.key.insert(self.store.run_key(&self.run).await?)),
        };
        if self.ahead.is_empty() && self.next_count > 0 {
            self.read_ahead().await?;
        }
        let Some(Sealed { at, rows, sealed }) = self.ahead.pop_front() else {
            return self.end(&key).await.map(|()| None);
        };
        let Ok(plain) = key.open(&page_place(&self.run, &self.task, at), &sealed) else {
            self.store.run_key_check(&self.run, &key).await?;
            return Err(StoreError::Damaged { what: "a page of rows" });
        };
        let place = PagePlace { unit: count(at.0)?, page: count(at.1)?, rows };
        let text = packed::unpack(&plain)?;
        if packed::count(&text) != place.rows {
            return Err(StoreError::Damaged { what: "a page of rows" });
        }
        self.seen += place.rows;
        Ok(Some((place, text)))
    }

    async fn read_ahead(&mut self) -> Result<(), StoreError> {
        const NEXT: &str = "SELECT unit, page, row_count, sealed FROM page WHERE task_id = $1 AND row_count > 0 AND (unit, page) > ($2, $3) AND unit < $5 ORDER BY unit, page LIMIT $4";
        let rows = query(NEXT)
            .bind(self.task.as_str())
            .bind(self.after.0)
            .bind(self.after.1)
            .bind(signed(self.next_count as u64))
            .bind(self.end)
            .fetch_all(&self.store.inner.reader)
            .await?;
        let mut largest = 1;
        for row in &rows {
            let at = (row.try_get(0)?, row.try_get(1)?);
            let sealed: Vec<u8> = row.try_get(3)?;
            largest = largest.max(sealed.len());
            self.ahead.push_back(Sealed { at, rows: count(row.try_get(2)?)?, sealed });
            self.after = at;
        }
        let is_last = rows.len() < self.next_count;
        self.next_count = if is_last { 0 } else { (AHEAD_BYTES / largest).clamp(1, MOST_AHEAD) };
        Ok(())
    }

    /// Whether no page is missing, now that none follows.
    async fn end(&self, key: &RunKey) -> Result<(), StoreError> {
        if self.expected == Some(RowCount::Exactly(self.seen)) && self.seen > 0 {
            // All were there, and opened with the key.
            return Ok(());
        }
        self.store.run_key_check(&self.run, key).await?;
        match self.expected {
            Some(RowCount::Exactly(rows)) if rows != self.seen => {
                // Pages go together with the outcome of their reading.
                match self.store.read_outcome(&self.run, &self.task).await? {
                    Some(_) => Err(StoreError::Damaged { what: "the list of pages of a reading" }),
                    None => Err(StoreError::Forgotten { run: self.run.clone() }),
                }
            }
            Some(RowCount::AtLeast(rows)) if rows > self.seen => {
                Err(StoreError::Fenced { what: format!("task {}", self.task) })
            }
            Some(RowCount::Exactly(_) | RowCount::AtLeast(_)) | None => Ok(()),
        }
    }
}
