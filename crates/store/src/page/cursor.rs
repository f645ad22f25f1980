use model::{Row, RunId};
use sqlx::Row as _;

use super::{PagePlace, packed, page_place};
use crate::store::count;
use crate::{Store, StoreError, TaskId};

/// Reads the pages of one task that have rows, one at a time, in the order of unit and page.
#[derive(Debug)]
pub struct PageCursor {
    store: Store,
    run: RunId,
    task: TaskId,
    after: (i64, i64),
}

impl PageCursor {
    pub(super) fn new(store: Store, run: RunId, task: TaskId) -> Self {
        Self { store, run, task, after: (-1, -1) }
    }

    /// The next page, or `None` after the last.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] if the run's data was destroyed, [`StoreError::Damaged`] if the page
    /// was changed or moved.
    pub async fn next_page(&mut self) -> Result<Option<(PagePlace, Vec<Row>)>, StoreError> {
        let Some((place, text)) = self.next_text().await? else { return Ok(None) };
        let rows = packed::rows(&text)?;
        if rows.len() as u64 != place.rows {
            return Err(StoreError::Damaged { what: "a page of rows" });
        }
        Ok(Some((place, rows)))
    }

    /// The next page as the text it was kept as: one row a line, in JSON. For a reader that only passes
    /// rows on.
    ///
    /// # Errors
    /// As [`PageCursor::next_page`].
    pub async fn next_text(&mut self) -> Result<Option<(PagePlace, Vec<u8>)>, StoreError> {
        const NEXT: &str = "SELECT unit, page, row_count, sealed FROM page WHERE task_id = $1 AND row_count > 0 AND (unit > $2 OR (unit = $2 AND page > $3)) ORDER BY unit, page LIMIT 1";
        let key = self.store.run_key(&self.run).await?;
        let row = sqlx::query(NEXT)
            .bind(self.task.as_str())
            .bind(self.after.0)
            .bind(self.after.1)
            .fetch_optional(&self.store.inner.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let at: (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        let sealed: Vec<u8> = row.try_get(3)?;
        let Ok(plain) = key.open(&page_place(&self.run, &self.task, at), &sealed) else {
            return Err(StoreError::Damaged { what: "a page of rows" });
        };
        let place = PagePlace { unit: count(at.0)?, page: count(at.1)?, rows: count(row.try_get(2)?)? };
        let text = packed::unpack(&plain)?;
        self.after = at;
        Ok(Some((place, text)))
    }
}
