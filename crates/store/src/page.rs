mod cursor;
mod packed;
mod queue;
mod unit;

pub use cursor::{PageCursor, RowCount};
pub use packed::PackedRows;
pub(crate) use packed::{packed, unpack, unpacked_rows};
pub(crate) use queue::PageQueue;

use crypto::RunKey;
use model::RunId;
use queue::{SealedEnd, SealedPage, SealedPages};

use crate::sql::query;
use crate::store::signed;
use crate::task::fenced;
use crate::{Store, StoreError, TaskId, TaskLease};

/// Form of a page: JSON lines, zstd, AES-256-GCM. Bound to the page, so that a later form cannot pass for it.
const FORMAT: &str = "jsonl.zstd/1";

/// One page to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewPage<'a> {
    /// Unit of the reading.
    pub unit: u64,
    /// Number in its unit, from 0.
    pub page: u64,
    /// Its rows; a page without rows keeps its mark.
    pub rows: &'a PackedRows,
    /// By what the reader knows the page again; kept sealed.
    pub mark: Option<&'a [u8]>,
    /// Where the reading of the unit stands after it; kept sealed. None if another page of the same unit
    /// follows in the same call, and says it.
    pub state: Option<&'a [u8]>,
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

impl Store {
    /// Keeps pages of a task and moves the states of their units behind them, in one transaction, which
    /// pages of other readings may share. A page that is there already is replaced, so a task that is run
    /// twice keeps its rows once.
    ///
    /// A power failure may undo the last pages together with the states behind them: they are read again.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task: nothing is kept then.
    pub async fn page_append(&self, lease: &TaskLease, pages: &[NewPage<'_>]) -> Result<(), StoreError> {
        if pages.is_empty() {
            return Ok(());
        }
        let key = self.run_key(&lease.run).await?;
        let pages = sealed(&key, lease, pages);
        let fence = self.fence(lease).await?;
        self.page_commit(SealedPages { fence, lease: lease.clone(), pages, end: None }).await
    }

    /// Throws away what a task has read, so that it starts from the beginning.
    pub async fn page_clear(&self, lease: &TaskLease) -> Result<(), StoreError> {
        const RESET: &str =
            "UPDATE task SET rows_read = 0, pages_read = 0 WHERE id = $1 AND fence = $2 AND state = 'leased'";
        const PAGES: &str = "DELETE FROM page WHERE task_id = $1";
        const UNITS: &str = "DELETE FROM read_unit WHERE task_id = $1";
        let mut tx = self.begin().await?;
        let reset = query(RESET)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .execute(tx.connection())
            .await?;
        if reset.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        for statement in [PAGES, UNITS] {
            query(statement).bind(lease.task.as_str()).execute(tx.connection()).await?;
        }
        tx.commit().await
    }

    /// The pages of a task, to be read one by one; memory holds one page at a time.
    pub fn page_list(&self, run: &RunId, task: &TaskId) -> PageCursor {
        PageCursor::new(self.clone(), run.clone(), task.clone())
    }
}

/// Pages in the form they are kept in.
fn sealed(key: &RunKey, lease: &TaskLease, pages: &[NewPage<'_>]) -> Vec<SealedPage> {
    let sealed = |page: &NewPage<'_>| {
        let at = (signed(page.unit), signed(page.page));
        SealedPage {
            unit: at.0,
            page: at.1,
            rows: signed(page.rows.len()),
            sealed: key.seal(&page_place(&lease.run, &lease.task, at), page.rows.bytes()),
            mark: page.mark.map(|mark| key.seal(&mark_place(&lease.task, at), mark)),
            state: page.state.map(|state| unit::seal_state(key, &lease.task, page.unit, state)),
        }
    };
    pages.iter().map(sealed).collect()
}

/// The place that a page's rows are bound to.
fn page_place(run: &RunId, task: &TaskId, at: (i64, i64)) -> Vec<u8> {
    format!("{run}|{task}|{}|{}|{FORMAT}", at.0, at.1).into_bytes()
}

/// The place that a page's mark is bound to.
fn mark_place(task: &TaskId, at: (i64, i64)) -> Vec<u8> {
    format!("task|{task}|{}|{}|mark", at.0, at.1).into_bytes()
}
