mod claim;
mod fence;
mod find;
mod id;
mod named;

pub(crate) use fence::fenced;
pub use id::TaskId;
pub(crate) use id::task_id;
pub use named::TaskName;

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use model::{Outcome, RunId};

use crate::sql::{Connection, query, query_made};
use crate::store::{Tx, signed};
use crate::values::{MOST_AT_ONCE, places};
use crate::words::{outcome_text, text_enum};
use crate::{Store, StoreError};

text_enum! {
    /// How far a task is.
    TaskState "the state of a task" {
        /// Waits for other tasks, for its time, or for a worker.
        Ready = "ready",
        /// A worker has it.
        Leased = "leased",
        /// Over, with an outcome.
        Done = "done",
        /// Over, without success.
        Failed = "failed",
        /// Stopped with its run.
        Cancelled = "cancelled",
    }
}

/// A task to be made.
#[derive(Debug, Clone)]
pub struct NewTask {
    /// Its id.
    pub id: TaskId,
    /// What is to be done, in the engine's words (`read`, `apply`).
    pub kind: String,
    /// On what (a collection's address, an operation's number); unique in its run and kind.
    pub name: String,
    /// Tasks that must be over before.
    pub after: Vec<TaskId>,
    /// Not before; none: at once.
    pub due_at: Option<Timestamp>,
}

/// A worker's hold on a task. Every write that follows from it names it, and is refused once somebody
/// else holds the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLease {
    /// Its run.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// Grows with every holder.
    pub fence: i64,
}

/// A task that a worker took.
#[derive(Debug)]
pub struct ClaimedTask {
    /// The hold.
    pub lease: TaskLease,
    /// What is to be done.
    pub kind: String,
    /// On what.
    pub name: String,
    /// How often it was taken, this time included. Over 1: somebody may have done part of it.
    pub attempt: u64,
    /// Rows kept so far.
    pub rows: u64,
    /// Pages kept so far.
    pub pages: u64,
}

/// A task as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Its run.
    pub run: RunId,
    /// What is to be done.
    pub kind: String,
    /// On what.
    pub name: String,
    /// How far it is.
    pub state: TaskState,
    /// Tasks it still waits for.
    pub blocked_by: u64,
    /// Not before.
    pub due_at: Timestamp,
    /// How often it was taken.
    pub attempts: u64,
    /// Class of the last failure.
    pub failure: Option<String>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Rows kept.
    pub rows: u64,
    /// Pages kept.
    pub pages: u64,
}

/// What a heartbeat learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// Go on.
    GoOn,
    /// The run was cancelled: end as soon as possible.
    Cancelled,
}

/// How a task went wrong.
#[derive(Debug, Clone, Copy)]
pub struct TaskFailure<'a> {
    /// Class of the error: a fixed word, never text from outside.
    pub class: &'a str,
    /// When to try again; none: never.
    pub retry_at: Option<Timestamp>,
}

impl Store {
    /// Adds tasks to a run that is under way. Nobody is woken: whoever adds them takes them.
    pub async fn task_add(&self, run: &RunId, tasks: &[NewTask]) -> Result<(), StoreError> {
        let wait = tasks.iter().any(|task| !task.after.is_empty());
        if !wait && tasks.len() <= MOST_AT_ONCE {
            let mut single = self.single_local().await?;
            return insert(single.connection(), run, tasks).await.map(|_| ());
        }
        let mut tx = self.begin_local().await?;
        self.task_insert(&mut tx, run, tasks).await?;
        tx.commit().await
    }

    pub(crate) async fn task_insert(
        &self,
        tx: &mut Tx,
        run: &RunId,
        tasks: &[NewTask],
    ) -> Result<(), StoreError> {
        const EDGE: &str = "INSERT INTO task_edge (parent, child) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        // Touches the parent, so that it cannot end between this look and our commit.
        const PARENT: &str = "UPDATE task SET blocked_by = blocked_by WHERE id = $1 RETURNING state";
        const BLOCK: &str = "UPDATE task SET blocked_by = $2 WHERE id = $1";
        let mut added: HashSet<String> = HashSet::new();
        for part in tasks.chunks(MOST_AT_ONCE) {
            added.extend(insert(tx.connection(), run, part).await?);
        }
        for task in tasks.iter().filter(|task| !task.after.is_empty() && added.contains(task.id.as_str())) {
            let mut blocked_by = 0_i64;
            for parent in &task.after {
                let row = query(PARENT).bind(parent.as_str()).fetch_optional(tx.connection()).await?;
                let row = row.ok_or_else(|| StoreError::NotFound { what: "task", id: parent.to_string() })?;
                match TaskState::parse(row.try_get(0)?)? {
                    TaskState::Ready | TaskState::Leased => blocked_by += 1,
                    TaskState::Done | TaskState::Failed | TaskState::Cancelled => continue,
                }
                query(EDGE).bind(parent.as_str()).bind(task.id.as_str()).execute(tx.connection()).await?;
            }
            query(BLOCK).bind(task.id.as_str()).bind(blocked_by).execute(tx.connection()).await?;
        }
        Ok(())
    }

    /// Holds on to a task for `extension` more, from now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it.
    pub async fn task_heartbeat(
        &self,
        lease: &TaskLease,
        extension: Duration,
    ) -> Result<Heartbeat, StoreError> {
        const BEAT: &str = "UPDATE task SET lease_from = $3, lease_until = $4 WHERE id = $1 AND fence = $2 AND state = 'leased'";
        const RUN: &str = "SELECT state FROM run WHERE id = $1";
        let mut tx = self.begin_relaxed().await?;
        let now = self.lease_now(tx.connection()).await?;
        let beaten = query(BEAT)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .bind(now)
            .bind(now + microseconds(extension))
            .execute(tx.connection())
            .await?;
        if beaten.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        let row = query(RUN).bind(lease.run.as_str()).fetch_one(tx.connection()).await?;
        let state = crate::RunState::parse(row.try_get(0)?)?;
        tx.commit().await?;
        Ok(if state == crate::RunState::Cancelled { Heartbeat::Cancelled } else { Heartbeat::GoOn })
    }

    /// Ends a task; those that waited for it may start.
    pub async fn task_finish(&self, lease: &TaskLease, outcome: Option<Outcome>) -> Result<(), StoreError> {
        const FINISH: &str = "UPDATE task SET state = 'done', outcome = $3, failure = NULL, worker = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'leased'";
        let mut tx = self.begin().await?;
        let finished = query(FINISH)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .bind(outcome.map(outcome_text))
            .execute(tx.connection())
            .await?;
        self.task_over(tx, lease, finished.rows_affected()).await
    }

    /// Gives a task back after an error: to be tried again, or failed for good; then those that
    /// waited for it may start, and see that it failed.
    pub async fn task_fail(&self, lease: &TaskLease, failure: TaskFailure<'_>) -> Result<(), StoreError> {
        const RETRY: &str = "UPDATE task SET state = 'ready', due_at = $4, failure = $3, worker = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'leased'";
        const FAIL: &str = "UPDATE task SET state = 'failed', failure = $3, worker = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'leased'";
        let mut tx = self.begin().await?;
        let fence = self.fence(lease).await?;
        let statement = if failure.retry_at.is_some() { RETRY } else { FAIL };
        let mut query = query(statement).bind(lease.task.as_str()).bind(fence).bind(failure.class);
        if let Some(at) = failure.retry_at {
            query = query.bind(at.as_microsecond());
        }
        let changed = query.execute(tx.connection()).await?.rows_affected();
        match failure.retry_at {
            None => self.task_over(tx, lease, changed).await,
            Some(_) if changed == 0 => Err(fenced(lease)),
            Some(_) => tx.commit().await,
        }
    }

    /// Ends a task of a cancelled run.
    pub async fn task_cancel(&self, lease: &TaskLease) -> Result<(), StoreError> {
        const CANCEL: &str = "UPDATE task SET state = 'cancelled', worker = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'leased'";
        let mut tx = self.begin().await?;
        let changed = query(CANCEL)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .execute(tx.connection())
            .await?
            .rows_affected();
        self.task_over(tx, lease, changed).await
    }

    /// Puts a task down until `until`, without a worker: a long wait holds nobody. If a power failure undoes
    /// it, its lease ends.
    pub async fn task_pause(&self, lease: &TaskLease, until: Timestamp) -> Result<(), StoreError> {
        const PAUSE: &str = "UPDATE task SET state = 'ready', due_at = $3, worker = NULL, lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'leased'";
        let fence = self.fence(lease).await?;
        let mut single = self.single_local().await?;
        let paused = query(PAUSE)
            .bind(lease.task.as_str())
            .bind(fence)
            .bind(until.as_microsecond())
            .execute(single.connection())
            .await?;
        if paused.rows_affected() == 0 { Err(fenced(lease)) } else { Ok(()) }
    }

    /// Makes waiting tasks of a run due at once; says how many.
    pub async fn task_wake(&self, run: &RunId) -> Result<u64, StoreError> {
        const WAKE: &str = "UPDATE task SET due_at = 0 WHERE run_id = $1 AND state = 'ready' AND due_at > 0";
        let mut tx = self.begin().await?;
        let woken = query(WAKE).bind(run.as_str()).execute(tx.connection()).await?.rows_affected();
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(woken)
    }

    pub(crate) async fn task_over(
        &self,
        mut tx: Tx,
        lease: &TaskLease,
        changed: u64,
    ) -> Result<(), StoreError> {
        const UNBLOCK: &str = "UPDATE task SET blocked_by = blocked_by - 1 WHERE id IN (SELECT child FROM task_edge WHERE parent = $1)";
        if changed == 0 {
            return Err(fenced(lease));
        }
        let unblocked = query(UNBLOCK).bind(lease.task.as_str()).execute(tx.connection()).await?;
        let may_start = unblocked.rows_affected() > 0;
        if may_start {
            self.wake_in(&mut tx).await?;
        }
        tx.commit().await?;
        if may_start {
            self.wake();
        }
        Ok(())
    }
}

/// Gives those that were not there yet. Runs with the same connections have as many tasks each: the
/// database prepares few of these statements, whatever their size.
async fn insert(
    connection: Connection<'_>,
    run: &RunId,
    tasks: &[NewTask],
) -> Result<Vec<String>, StoreError> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let row = |number| {
        let [id, run, kind, name, due] = places(number);
        format!("(${id}, ${run}, ${kind}, ${name}, 'ready', 0, ${due}, 0, 0, 0, 0)")
    };
    let rows = (0..tasks.len()).map(row).collect::<Vec<_>>().join(", ");
    let insert = format!(
        "INSERT INTO task (id, run_id, kind, name, state, blocked_by, due_at, fence, attempts, rows_read, pages_read) VALUES {rows} ON CONFLICT DO NOTHING RETURNING id"
    );
    let mut query = query_made(insert);
    for task in tasks {
        query = query
            .bind(task.id.as_str())
            .bind(run.as_str())
            .bind(task.kind.as_str())
            .bind(task.name.as_str())
            .bind(task.due_at.map_or(0, Timestamp::as_microsecond));
    }
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

pub(crate) fn microseconds(duration: Duration) -> i64 {
    signed(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)).min(i64::MAX / 4)
}
