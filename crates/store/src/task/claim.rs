//! Taking whichever task is due.

use std::time::Duration;

use super::{ClaimedTask, TaskLease, microseconds, task_id};
use crate::run::run_id;
use crate::sql::{Row, query};
use crate::store::count;
use crate::{Store, StoreError};

impl Store {
    /// Takes the next task that is due, for `lease` from now; a task whose holder fell silent is due
    /// again when its lease ends. `None` if there is nothing to do.
    pub async fn task_claim(&self, worker: &str, lease: Duration) -> Result<Option<ClaimedTask>, StoreError> {
        let mut single = self.single_local().await?;
        let now = self.lease_now(single.connection()).await?;
        let rows = query(self.inner.dialect.task_claim())
            .bind(worker)
            .bind(now)
            .bind(now + microseconds(lease))
            .bind(self.now())
            .fetch_all(single.connection())
            .await?;
        drop(single);
        let Some(row) = rows.first() else { return Ok(None) };
        self.claimed(row).map(Some)
    }

    /// What the statement that takes a task gives back.
    pub(super) fn claimed(&self, row: &Row) -> Result<ClaimedTask, StoreError> {
        let claimed = claimed(row)?;
        // Its rows may have been forgotten since this process last held the key.
        self.run_key_drop(&claimed.lease.run);
        Ok(claimed)
    }
}

fn claimed(row: &Row) -> Result<ClaimedTask, StoreError> {
    Ok(ClaimedTask {
        lease: TaskLease { task: task_id(row.try_get(0)?), run: run_id(row, 1)?, fence: row.try_get(4)? },
        kind: row.try_get(2)?,
        name: row.try_get(3)?,
        attempt: count(row.try_get(5)?)?,
        rows: count(row.try_get(6)?)?,
        pages: count(row.try_get(7)?)?,
    })
}
