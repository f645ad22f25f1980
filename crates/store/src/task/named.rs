//! Taking one certain task, instead of whichever is due.

use std::time::Duration;

use model::RunId;

use super::{ClaimedTask, microseconds};
use crate::sql::query;
use crate::{Store, StoreError};

/// One task of a run by what it does.
#[derive(Debug, Clone, Copy)]
pub struct TaskName<'a> {
    /// Its run.
    pub run: &'a RunId,
    /// What is to be done (`apply`).
    pub kind: &'a str,
    /// On what; unique in its run and kind.
    pub name: &'a str,
}

impl Store {
    /// Takes this task for `lease` from now, also before it is due: somebody asks for it by name.
    /// `None` if there is no such task, it is over or waits for others, its run is not active, or
    /// somebody else holds it.
    pub async fn task_claim_named(
        &self,
        task: TaskName<'_>,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedTask>, StoreError> {
        // A lease that begins in the future by more than its length was taken before the clock went back.
        const CLAIM: &str = "UPDATE task SET state = 'leased', fence = fence + 1, worker = $4, lease_from = $5, lease_until = $6, attempts = attempts + 1 WHERE run_id = $1 AND kind = $2 AND name = $3 AND blocked_by = 0 AND (state = 'ready' OR (state = 'leased' AND (lease_until <= $5 OR 2 * lease_from - lease_until > $5))) AND EXISTS (SELECT 1 FROM run r WHERE r.id = task.run_id AND r.state = 'active') RETURNING id, run_id, kind, name, fence, attempts, rows_read, pages_read, (SELECT k.data_key FROM run k WHERE k.id = task.run_id)";
        let mut single = self.single_local().await?;
        let now = self.lease_now(single.connection()).await?;
        let rows = query(CLAIM)
            .bind(task.run.as_str())
            .bind(task.kind)
            .bind(task.name)
            .bind(worker)
            .bind(now)
            .bind(now + microseconds(lease))
            .fetch_all(single.connection())
            .await?;
        drop(single);
        let Some(row) = rows.first() else { return Ok(None) };
        let claimed = self.claimed(row)?;
        if let Some(wrapped) = row.try_get::<Option<Vec<u8>>>(8)? {
            self.run_key_given(&claimed.lease.run, &wrapped);
        }
        Ok(Some(claimed))
    }
}
