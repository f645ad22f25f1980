//! Pages, and ends of readings, that wait for a commit. Whoever comes first commits for all that wait: no
//! task of its own, no timer, and one transaction for many readings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use crate::sql::query_made;
use crate::store::Tx;
use crate::task::fenced;
use crate::values::{parts, places, values};
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

/// Pages of one task, in the form they are kept in.
#[derive(Debug)]
pub(super) struct SealedPages {
    pub(super) lease: TaskLease,
    pub(super) fence: i64,
    pub(super) pages: Vec<SealedPage>,
    /// The reading is over with them.
    pub(super) end: Option<SealedEnd>,
}

/// What became of a reading, in the form it is kept in.
#[derive(Debug)]
pub(super) struct SealedEnd {
    pub(super) outcome: Option<&'static str>,
    pub(super) sealed: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct SealedPage {
    pub(super) unit: i64,
    pub(super) page: i64,
    pub(super) rows: i64,
    pub(super) sealed: Vec<u8>,
    pub(super) mark: Option<Vec<u8>>,
    pub(super) state: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Waiting {
    pages: Arc<SealedPages>,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

/// One of the pages that wait.
#[derive(Debug, Clone, Copy)]
struct Page<'a> {
    task: &'a str,
    fence: i64,
    page: &'a SealedPage,
    /// What becomes of the reading, at the last of its pages.
    end: Option<&'a SealedEnd>,
}

/// One of the readings that end.
#[derive(Debug, Clone, Copy)]
struct End<'a> {
    task: &'a str,
    fence: i64,
    end: &'a SealedEnd,
}

/// By task and hold.
type Ends<'a> = BTreeMap<(&'a str, i64), End<'a>>;

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
    /// Commits pages, and the end of their reading, together with whatever others have at the same time.
    ///
    /// # Cancel safety
    /// Dropped, it may have committed or not. Others whose pages were in a dropped commit ask again: a page
    /// that is there already is replaced, and a reading that is over already is no longer theirs to end.
    pub(super) async fn page_commit(&self, pages: SealedPages) -> Result<(), StoreError> {
        let (queue, pages) = (&self.inner.pages_waiting, Arc::new(pages));
        loop {
            let (answer, mut answered) = oneshot::channel();
            queue.push(Waiting { pages: Arc::clone(&pages), answer });
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
        let mut tx = self.begin_local().await?;
        let ends = ends_of(&batch);
        let sent = pages_of(&batch, &ends);
        // Who sends its pages, or ends it, and still holds it, of each task.
        let mut held: HashMap<String, i64> = HashMap::new();
        for part in parts(&sent) {
            held.extend(count(&mut tx, part).await?);
        }
        let with_pages: HashSet<_> = sent.iter().map(|page| (page.task, page.fence)).collect();
        let without_pages = ends.iter().filter(|(reading, _)| !with_pages.contains(*reading));
        let without_pages: Vec<End<'_>> = without_pages.map(|(_, end)| *end).collect();
        for part in parts(&without_pages) {
            held.extend(finish(&mut tx, part).await?);
        }
        let is_held = |task: &str, fence: i64| held.get(task) == Some(&fence);
        let kept: Vec<Page<'_>> = sent.into_iter().filter(|page| is_held(page.task, page.fence)).collect();
        for part in parts(&kept) {
            put(&mut tx, part).await?;
        }
        // The last of each unit: pages stand in their order. Nobody goes on with a reading that is over.
        let goes_on = kept.iter().filter(|page| !ends.contains_key(&(page.task, page.fence)));
        let of_units = goes_on.filter_map(|page| Some(((page.task, page.unit), page.state.as_deref()?)));
        let states: Vec<_> = of_units.collect::<BTreeMap<_, _>>().into_iter().collect();
        for part in parts(&states) {
            put_states(&mut tx, part).await?;
        }
        let over: Vec<End<'_>> = ends.into_values().filter(|one| is_held(one.task, one.fence)).collect();
        let mut may_start = false;
        for part in parts(&over) {
            put_ends(&mut tx, part).await?;
            may_start |= unblock(&mut tx, part).await?;
        }
        if may_start {
            self.wake_in(&mut tx).await?;
        }
        tx.commit().await?;
        if may_start {
            self.wake();
        }
        for Waiting { pages, answer } in batch {
            let SealedPages { lease, fence, .. } = &*pages;
            let is_kept = is_held(lease.task.as_str(), *fence);
            // Nobody waits any more: the pages stand, and whoever takes the task over finds them.
            let _ = answer.send(if is_kept { Ok(()) } else { Err(fenced(lease)) });
        }
        Ok(())
    }
}

impl Deref for Page<'_> {
    type Target = SealedPage;

    fn deref(&self) -> &SealedPage {
        self.page
    }
}

/// All pages in one order for all processes, so that none waits for another that waits for it. One that
/// somebody asks for again, because its first leader gave up, is there once.
fn pages_of<'a>(batch: &'a [Waiting], ends: &Ends<'a>) -> Vec<Page<'a>> {
    let mut pages = BTreeMap::new();
    for Waiting { pages: sent, .. } in batch {
        let SealedPages { lease, fence, pages: sealed, .. } = &**sent;
        for page in sealed {
            let one = Page { task: lease.task.as_str(), fence: *fence, page, end: None };
            pages.insert((one.task, one.fence, page.unit, page.page), one);
        }
    }
    let mut pages: Vec<Page<'_>> = pages.into_values().collect();
    let mut later = None;
    for page in pages.iter_mut().rev() {
        let reading = (page.task, page.fence);
        if later != Some(reading) {
            page.end = ends.get(&reading).map(|one| one.end);
        }
        later = Some(reading);
    }
    pages
}

/// Counts pages, holds the rows of their tasks, and ends those whose last page is among them; gives the
/// tasks that are still held by whoever sends their pages, with the number of the hold.
async fn count(tx: &mut Tx, pages: &[Page<'_>]) -> Result<Vec<(String, i64)>, StoreError> {
    const NEW: &str = "SELECT one.id AS id, one.fence AS fence, MAX(one.is_over) AS is_over, MAX(one.outcome) AS outcome, CAST(SUM(one.row_count - COALESCE(p.row_count, 0)) AS BIGINT) AS row_count, CAST(SUM(CASE WHEN p.task_id IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS page_count";
    const OLD: &str = "LEFT JOIN page p ON p.task_id = one.id AND p.unit = one.unit AND p.page = one.page GROUP BY one.id, one.fence";
    const END: &str = "state = CASE more.is_over WHEN 1 THEN 'done' ELSE task.state END, outcome = CASE more.is_over WHEN 1 THEN more.outcome ELSE task.outcome END, failure = CASE more.is_over WHEN 1 THEN NULL ELSE task.failure END, worker = CASE more.is_over WHEN 1 THEN NULL ELSE task.worker END, lease_until = CASE more.is_over WHEN 1 THEN NULL ELSE task.lease_until END";
    let ones = (0..pages.len()).map(|number| {
        let [id, fence, rows, unit, page, is_over, outcome] = places(number);
        format!("SELECT CAST(${id} AS TEXT) AS id, CAST(${fence} AS BIGINT) AS fence, CAST(${rows} AS BIGINT) AS row_count, CAST(${unit} AS BIGINT) AS unit, CAST(${page} AS BIGINT) AS page, CAST(${is_over} AS BIGINT) AS is_over, CAST(${outcome} AS TEXT) AS outcome")
    });
    let ones = ones.collect::<Vec<_>>().join(" UNION ALL ");
    let count = format!(
        "UPDATE task SET rows_read = task.rows_read + more.row_count, pages_read = task.pages_read + more.page_count, {END} FROM ({NEW} FROM ({ones}) AS one {OLD}) AS more WHERE task.id = more.id AND task.fence = more.fence AND task.state = 'leased' RETURNING task.id, task.fence"
    );
    let mut query = query_made(count);
    for Page { task, fence, page, end } in pages {
        query = query.bind(*task).bind(*fence).bind(page.rows).bind(page.unit).bind(page.page);
        query = query.bind(i64::from(end.is_some())).bind(end.and_then(|end| end.outcome));
    }
    let rows = query.fetch_all(tx.connection()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn put(tx: &mut Tx, pages: &[Page<'_>]) -> Result<(), StoreError> {
    let values = values::<6>(pages.len());
    let put = format!(
        "INSERT INTO page (task_id, unit, page, row_count, sealed, sealed_mark) VALUES {values} ON CONFLICT (task_id, unit, page) DO UPDATE SET row_count = excluded.row_count, sealed = excluded.sealed, sealed_mark = excluded.sealed_mark"
    );
    let mut query = query_made(put);
    for Page { task, page, .. } in pages {
        query = query
            .bind(*task)
            .bind(page.unit)
            .bind(page.page)
            .bind(page.rows)
            .bind(page.sealed.as_slice())
            .bind(page.mark.as_deref());
    }
    query.execute(tx.connection()).await?;
    Ok(())
}

async fn put_states(tx: &mut Tx, states: &[((&str, i64), &[u8])]) -> Result<(), StoreError> {
    let values = values::<3>(states.len());
    let put = format!(
        "INSERT INTO read_unit (task_id, unit, sealed) VALUES {values} ON CONFLICT (task_id, unit) DO UPDATE SET sealed = excluded.sealed"
    );
    let mut query = query_made(put);
    for ((task, unit), state) in states {
        query = query.bind(*task).bind(*unit).bind(*state);
    }
    query.execute(tx.connection()).await?;
    Ok(())
}

/// All readings that end, each once, in one order for all processes.
fn ends_of(batch: &[Waiting]) -> Ends<'_> {
    let mut ends = BTreeMap::new();
    for Waiting { pages: sent, .. } in batch {
        let SealedPages { lease, fence, end, .. } = &**sent;
        if let Some(end) = end {
            let one = End { task: lease.task.as_str(), fence: *fence, end };
            ends.insert((one.task, one.fence), one);
        }
    }
    ends
}

/// Ends tasks without pages that are still held by whoever ends them; gives those, with the number of the
/// hold.
async fn finish(tx: &mut Tx, ends: &[End<'_>]) -> Result<Vec<(String, i64)>, StoreError> {
    let ones = (0..ends.len()).map(|number| {
        let [id, fence, outcome] = places(number);
        format!("SELECT CAST(${id} AS TEXT) AS id, CAST(${fence} AS BIGINT) AS fence, CAST(${outcome} AS TEXT) AS outcome")
    });
    let ones = ones.collect::<Vec<_>>().join(" UNION ALL ");
    let finish = format!(
        "UPDATE task SET state = 'done', outcome = one.outcome, failure = NULL, worker = NULL, lease_until = NULL FROM ({ones}) AS one WHERE task.id = one.id AND task.fence = one.fence AND task.state = 'leased' RETURNING task.id, task.fence"
    );
    let mut query = query_made(finish);
    for End { task, fence, end } in ends {
        query = query.bind(*task).bind(*fence).bind(end.outcome);
    }
    let rows = query.fetch_all(tx.connection()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn put_ends(tx: &mut Tx, ends: &[End<'_>]) -> Result<(), StoreError> {
    let values = values::<2>(ends.len());
    let put = format!(
        "INSERT INTO read_outcome (task_id, sealed) VALUES {values} ON CONFLICT (task_id) DO UPDATE SET sealed = excluded.sealed"
    );
    let mut query = query_made(put);
    for End { task, end, .. } in ends {
        query = query.bind(*task).bind(end.sealed.as_slice());
    }
    query.execute(tx.connection()).await?;
    Ok(())
}

/// Lets those start that waited for tasks that are over; says whether there are any.
async fn unblock(tx: &mut Tx, ends: &[End<'_>]) -> Result<bool, StoreError> {
    let parents = (1..=ends.len()).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
    let unblock = format!(
        "UPDATE task SET blocked_by = blocked_by - (SELECT COUNT(*) FROM task_edge e WHERE e.child = task.id AND e.parent IN ({parents})) WHERE id IN (SELECT child FROM task_edge WHERE parent IN ({parents}))"
    );
    let mut query = query_made(unblock);
    for End { task, .. } in ends {
        query = query.bind(*task);
    }
    Ok(query.execute(tx.connection()).await?.rows_affected() > 0)
}
