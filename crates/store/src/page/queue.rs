//! Pages that wait for a commit. Whoever comes first commits for all that wait: no task of its own, no
//! timer, and one transaction for the pages of many readings.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::{Semaphore, oneshot};

use crate::store::Tx;
use crate::task::fenced;
use crate::values::{at_once, parts, places, values};
use crate::{Store, StoreError, TaskLease};

/// How often the leader lets others run before it begins, so that those who are about to ask share
/// the commit.
const GATHER: u32 = 2;

/// What waits.
#[derive(Debug)]
pub(crate) struct PageQueue {
    waiting: Mutex<Vec<Waiting>>,
    leader: Semaphore,
}

/// A page in the form it is kept in.
#[derive(Debug)]
pub(super) struct SealedPage {
    pub(super) lease: TaskLease,
    pub(super) fence: i64,
    pub(super) unit: i64,
    pub(super) page: i64,
    pub(super) rows: i64,
    pub(super) sealed: Vec<u8>,
    pub(super) mark: Option<Vec<u8>>,
    pub(super) state: Vec<u8>,
}

#[derive(Debug)]
struct Waiting {
    page: Arc<SealedPage>,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Default for PageQueue {
    fn default() -> Self {
        Self { waiting: Mutex::default(), leader: Semaphore::new(1) }
    }
}

impl PageQueue {
    fn push(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// Commits a page together with whatever pages others have at the same time.
    ///
    /// # Cancel safety
    /// Dropped, it may have committed or not. Others whose pages were in a dropped commit ask again, and
    /// a page that is there already is replaced.
    pub(super) async fn page_commit(&self, page: SealedPage) -> Result<(), StoreError> {
        let (queue, page) = (&self.inner.pages_waiting, Arc::new(page));
        loop {
            let (answer, mut answered) = oneshot::channel();
            queue.push(Waiting { page: Arc::clone(&page), answer });
            let leads = tokio::select! {
                biased;
                answer = &mut answered => match answer {
                    Ok(result) => return result,
                    // The commit we were in was given up.
                    Err(_) => continue,
                },
                permit = queue.leader.acquire() => permit,
            };
            for _ in 0..GATHER {
                tokio::task::yield_now().await;
            }
            // Ours is among them, unless a leader took it who ended between the two waits above.
            let batch = queue.take();
            self.pages_commit(batch).await?;
            drop(leads);
            if let Ok(result) = answered.try_recv() {
                return result;
            }
        }
    }

    async fn pages_commit(&self, batch: Vec<Waiting>) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_relaxed().await?;
        let (mut left, mut ended) = (batch, Vec::new());
        // One order for all, so that none waits for another that waits for it.
        left.sort_by(|one, two| one.task().cmp(two.task()));
        while !left.is_empty() {
            // A statement counts one page of each task.
            let mut last = String::new();
            let (now, later) = left.into_iter().partition(|one: &Waiting| {
                let is_first = one.task() != last;
                one.task().clone_into(&mut last);
                is_first
            });
            left = later;
            let mut now: Vec<Waiting> = now;
            while !now.is_empty() {
                let rest = now.split_off(at_once(now.len()));
                let held = count(&mut tx, &now).await?;
                let (alive, gone): (Vec<_>, Vec<_>) =
                    now.into_iter().partition(|one| held.contains(one.task()));
                for part in parts(&alive) {
                    put(&mut tx, part).await?;
                    put_states(&mut tx, part).await?;
                }
                ended.extend(alive.into_iter().map(|one| (one, true)));
                ended.extend(gone.into_iter().map(|one| (one, false)));
                now = rest;
            }
        }
        tx.commit().await?;
        for (Waiting { page, answer }, is_kept) in ended {
            // Nobody waits any more: the page stands, and whoever takes the task over finds it.
            let _ = answer.send(if is_kept { Ok(()) } else { Err(fenced(&page.lease)) });
        }
        Ok(())
    }
}

impl Waiting {
    fn task(&self) -> &str {
        self.page.lease.task.as_str()
    }
}

/// Counts one page of each task, and holds the rows of those tasks; gives those that are still held by
/// whoever sends the page.
async fn count(tx: &mut Tx, pages: &[Waiting]) -> Result<HashSet<String>, StoreError> {
    const OLD: &str = "FROM page p WHERE p.task_id = one.id AND p.unit = one.unit AND p.page = one.page";
    let ones = (0..pages.len()).map(|number| {
        let [id, fence, rows, unit, page] = places(number);
        format!("SELECT CAST(${id} AS TEXT) AS id, CAST(${fence} AS BIGINT) AS fence, CAST(${rows} AS BIGINT) AS row_count, CAST(${unit} AS BIGINT) AS unit, CAST(${page} AS BIGINT) AS page")
    });
    let ones = ones.collect::<Vec<_>>().join(" UNION ALL ");
    let count = format!(
        "UPDATE task SET rows_read = task.rows_read + one.row_count - COALESCE((SELECT p.row_count {OLD}), 0), pages_read = task.pages_read + 1 - (SELECT COUNT(*) {OLD}) FROM ({ones}) AS one WHERE task.id = one.id AND task.fence = one.fence AND task.state = 'leased' RETURNING task.id"
    );
    let mut query = sqlx::query(AssertSqlSafe(count));
    for Waiting { page, .. } in pages {
        query = query
            .bind(page.lease.task.as_str())
            .bind(page.fence)
            .bind(page.rows)
            .bind(page.unit)
            .bind(page.page);
    }
    let rows = query.fetch_all(tx.connection()).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn put(tx: &mut Tx, pages: &[Waiting]) -> Result<(), StoreError> {
    let values = values::<6>(pages.len());
    let put = format!(
        "INSERT INTO page (task_id, unit, page, row_count, sealed, sealed_mark) VALUES {values} ON CONFLICT (task_id, unit, page) DO UPDATE SET row_count = excluded.row_count, sealed = excluded.sealed, sealed_mark = excluded.sealed_mark"
    );
    let mut query = sqlx::query(AssertSqlSafe(put));
    for Waiting { page, .. } in pages {
        query = query
            .bind(page.lease.task.as_str())
            .bind(page.unit)
            .bind(page.page)
            .bind(page.rows)
            .bind(page.sealed.as_slice())
            .bind(page.mark.as_deref());
    }
    query.execute(tx.connection()).await?;
    Ok(())
}

async fn put_states(tx: &mut Tx, pages: &[Waiting]) -> Result<(), StoreError> {
    let values = values::<3>(pages.len());
    let put = format!(
        "INSERT INTO read_unit (task_id, unit, sealed) VALUES {values} ON CONFLICT (task_id, unit) DO UPDATE SET sealed = excluded.sealed"
    );
    let mut query = sqlx::query(AssertSqlSafe(put));
    for Waiting { page, .. } in pages {
        query = query.bind(page.lease.task.as_str()).bind(page.unit).bind(page.state.as_slice());
    }
    query.execute(tx.connection()).await?;
    Ok(())
}
