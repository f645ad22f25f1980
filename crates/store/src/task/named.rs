//! Taking certain tasks, instead of whichever is due.

use std::time::Duration;

use model::RunId;

use super::{ClaimedTask, microseconds};
use crate::sql::query_made;
use crate::values::MOST_AT_ONCE;
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
        let TaskName { run, kind, name } = task;
        Ok(self.task_claim_some((run, kind), &[name], (worker, lease)).await?.pop())
    }

    /// The same of several tasks of a run and kind at once, each by itself; gives those that it took, in
    /// any order.
    pub async fn task_claim_some(
        &self,
        (run, kind): (&RunId, &str),
        names: &[&str],
        (worker, lease): (&str, Duration),
    ) -> Result<Vec<ClaimedTask>, StoreError> {
        let mut all = Vec::with_capacity(names.len());
        for names in names.chunks(MOST_AT_ONCE) {
            let mut single = self.single_local().await?;
            let now = self.lease_now(single.connection()).await?;
            let mut query = query_made(claim(names.len()))
                .bind(run.as_str())
                .bind(kind)
                .bind(worker)
                .bind(now)
                .bind(now + microseconds(lease));
            for name in names {
                query = query.bind(*name);
            }
            let rows = query.fetch_all(single.connection()).await?;
            drop(single);
            for row in rows {
                let claimed = self.claimed(&row)?;
                if let Some(wrapped) = row.try_get::<Option<Vec<u8>>>(8)? {
                    self.run_key_given(&claimed.lease.run, &wrapped);
                }
                all.push(claimed);
            }
        }
        Ok(all)
    }
}

/// Takes tasks of so many names.
fn claim(names: usize) -> String {
    // A lease that begins in the future by more than its length was taken before the clock went back.
    const IS_FREE: &str = "blocked_by = 0 AND (state = 'ready' OR (state = 'leased' AND (lease_until <= $4 OR 2 * lease_from - lease_until > $4))) AND EXISTS (SELECT 1 FROM run r WHERE r.id = task.run_id AND r.state = 'active')";
    let names = (0..names).map(|number| format!("${}", number + 6)).collect::<Vec<_>>().join(", ");
    format!(
        "UPDATE task SET state = 'leased', fence = fence + 1, worker = $3, lease_from = $4, lease_until = $5, attempts = attempts + 1 WHERE run_id = $1 AND kind = $2 AND name IN ({names}) AND {IS_FREE} RETURNING id, run_id, kind, name, fence, attempts, rows_read, pages_read, (SELECT k.data_key FROM run k WHERE k.id = task.run_id)"
    )
}
