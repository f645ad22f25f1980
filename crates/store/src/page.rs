use std::io::Write as _;

use model::{Row, RunId};
use sqlx::Row as _;

use crate::store::{count, signed};
use crate::task::{fenced, position_place};
use crate::{Position, Store, StoreError, TaskId, TaskLease};

/// Form of a page: JSON lines, zstd, AES-256-GCM. Bound to the page, so that a later form cannot pass for it.
const FORMAT: &str = "jsonl.zstd/1";
/// Rows compress well at the fastest level; a higher one costs more than the disk it saves.
const ZSTD_LEVEL: i32 = 1;

/// One page to be kept.
#[derive(Debug)]
pub struct NewPage<'a> {
    /// Unit of the reading.
    pub unit: u64,
    /// Number in its unit, from 0.
    pub page: u64,
    /// Its rows.
    pub rows: &'a [Row],
    /// Where the reading stands after it.
    pub next: Position,
}

/// What is known of a page without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagePlace {
    /// Unit of the reading.
    pub unit: u64,
    /// Number in its unit.
    pub page: u64,
    /// How many rows it has.
    pub rows: u64,
}

/// Reads the pages of one task, one at a time, in the order of unit and page.
#[derive(Debug)]
pub struct PageCursor {
    store: Store,
    run: RunId,
    task: TaskId,
    after: (i64, i64),
}

impl Store {
    /// Keeps a page and moves the task's position behind it, in one transaction. A page that is there
    /// already is replaced, so a task that is run twice keeps its rows once.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task: nothing is kept then.
    pub async fn page_append(&self, lease: &TaskLease, page: &NewPage<'_>) -> Result<(), StoreError> {
        const MOVE: &str = "UPDATE task SET unit = $3, page = $4, sealed_position = $5, rows_read = rows_read + $6 - COALESCE((SELECT row_count FROM page WHERE task_id = $1 AND unit = $7 AND page = $8), 0), pages_read = pages_read + 1 - (SELECT COUNT(*) FROM page WHERE task_id = $1 AND unit = $7 AND page = $8) WHERE id = $1 AND fence = $2 AND state = 'leased'";
        const PUT: &str = "INSERT INTO page (task_id, unit, page, row_count, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (task_id, unit, page) DO UPDATE SET row_count = excluded.row_count, sealed = excluded.sealed";
        let key = self.run_key(&lease.run).await?;
        let plain = pack(page.rows)?;
        let place = place(&lease.run, &lease.task, (signed(page.unit), signed(page.page)));
        let sealed = key.seal(&place, &plain);
        let position = page.next.cursor.as_ref().map(|cursor| key.seal(&position_place(&lease.task), cursor));
        let rows = signed(page.rows.len() as u64);
        let mut tx = self.begin_relaxed().await?;
        let moved = sqlx::query(MOVE)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .bind(signed(page.next.unit))
            .bind(signed(page.next.page))
            .bind(position)
            .bind(rows)
            .bind(signed(page.unit))
            .bind(signed(page.page))
            .execute(tx.connection())
            .await?;
        if moved.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        sqlx::query(PUT)
            .bind(lease.task.as_str())
            .bind(signed(page.unit))
            .bind(signed(page.page))
            .bind(rows)
            .bind(sealed)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// Throws away what a task has read, so that it starts from the beginning.
    pub async fn page_clear(&self, lease: &TaskLease) -> Result<(), StoreError> {
        const RESET: &str = "UPDATE task SET unit = 0, page = 0, sealed_position = NULL, rows_read = 0, pages_read = 0 WHERE id = $1 AND fence = $2 AND state = 'leased'";
        const DELETE: &str = "DELETE FROM page WHERE task_id = $1";
        let mut tx = self.begin().await?;
        let reset = sqlx::query(RESET)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .execute(tx.connection())
            .await?;
        if reset.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        sqlx::query(DELETE).bind(lease.task.as_str()).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// The pages of a task, to be read one by one; memory holds one page at a time.
    pub fn page_list(&self, run: &RunId, task: &TaskId) -> PageCursor {
        PageCursor { store: self.clone(), run: run.clone(), task: task.clone(), after: (-1, -1) }
    }
}

impl PageCursor {
    /// The next page, or `None` after the last.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] if the run's data was destroyed, [`StoreError::Damaged`] if the page
    /// was changed or moved.
    pub async fn next_page(&mut self) -> Result<Option<(PagePlace, Vec<Row>)>, StoreError> {
        const NEXT: &str = "SELECT unit, page, row_count, sealed FROM page WHERE task_id = $1 AND (unit > $2 OR (unit = $2 AND page > $3)) ORDER BY unit, page LIMIT 1";
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
        let damaged = StoreError::Damaged { what: "a page of rows" };
        let Ok(plain) = key.open(&place(&self.run, &self.task, at), &sealed) else { return Err(damaged) };
        let rows = unpack(&plain)?;
        if rows.len() as u64 != count(row.try_get(2)?)? {
            return Err(damaged);
        }
        self.after = at;
        Ok(Some((PagePlace { unit: count(at.0)?, page: count(at.1)?, rows: rows.len() as u64 }, rows)))
    }
}

fn place(run: &RunId, task: &TaskId, at: (i64, i64)) -> Vec<u8> {
    format!("{run}|{task}|{}|{}|{FORMAT}", at.0, at.1).into_bytes()
}

fn pack(rows: &[Row]) -> Result<Vec<u8>, StoreError> {
    let damaged = |_| StoreError::Damaged { what: "a row to be kept" };
    let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(damaged)?;
    for row in rows {
        serde_json::to_writer(&mut encoder, row)
            .map_err(|_| StoreError::Damaged { what: "a row to be kept" })?;
        encoder.write_all(b"\n").map_err(damaged)?;
    }
    encoder.finish().map_err(damaged)
}

fn unpack(packed: &[u8]) -> Result<Vec<Row>, StoreError> {
    let damaged = StoreError::Damaged { what: "a page of rows" };
    let Ok(plain) = zstd::decode_all(packed) else { return Err(damaged) };
    plain
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(|_| StoreError::Damaged { what: "a page of rows" }))
        .collect()
}
