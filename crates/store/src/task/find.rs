//! Looking at tasks without taking them.

use model::RunId;

use super::{Task, TaskState, task_id};
use crate::run::run_id;
use crate::sql::{Row, query};
use crate::store::{count, time};
use crate::words::outcome_of;
use crate::{Store, StoreError};

impl Store {
    /// The tasks of a run, in the order they were made.
    pub async fn task_list(&self, run: &RunId) -> Result<Vec<Task>, StoreError> {
        const LIST: &str = "SELECT id, run_id, kind, name, state, blocked_by, due_at, attempts, failure, outcome, rows_read, pages_read FROM task WHERE run_id = $1 ORDER BY id";
        let rows = query(LIST).bind(run.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(task).collect()
    }

    /// The task of a run that has this kind and name.
    pub async fn task_find(&self, run: &RunId, kind: &str, name: &str) -> Result<Option<Task>, StoreError> {
        const FIND: &str = "SELECT id, run_id, kind, name, state, blocked_by, due_at, attempts, failure, outcome, rows_read, pages_read FROM task WHERE run_id = $1 AND kind = $2 AND name = $3";
        let row =
            query(FIND).bind(run.as_str()).bind(kind).bind(name).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(task).transpose()
    }
}

fn task(row: &Row) -> Result<Task, StoreError> {
    Ok(Task {
        id: task_id(row.try_get(0)?),
        run: run_id(row, 1)?,
        kind: row.try_get(2)?,
        name: row.try_get(3)?,
        state: TaskState::parse(row.try_get(4)?)?,
        blocked_by: count(row.try_get(5)?)?,
        due_at: time(row.try_get(6)?)?,
        attempts: count(row.try_get(7)?)?,
        failure: row.try_get(8)?,
        outcome: outcome_of(row.try_get(9)?)?,
        rows: count(row.try_get(10)?)?,
        pages: count(row.try_get(11)?)?,
    })
}
