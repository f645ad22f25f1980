//! Fencing: a worker that lost its task writes nothing more (architecture §6).

use super::TaskLease;
use crate::sql::query;
use crate::store::Tx;
use crate::{Store, StoreError};

impl Store {
    /// Fails unless `lease` still holds its task; holds the task's row until the transaction ends.
    pub(crate) async fn fence_check(&self, tx: &mut Tx, lease: &TaskLease) -> Result<(), StoreError> {
        const CHECK: &str = "UPDATE task SET fence = fence WHERE id = $1 AND fence = $2 AND state = 'leased'";
        let held = query(CHECK)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .execute(tx.connection())
            .await?;
        if held.rows_affected() == 0 { Err(fenced(lease)) } else { Ok(()) }
    }

    /// The fencing number that every write under `lease` names.
    #[cfg(not(feature = "planted-defects"))]
    #[expect(clippy::unused_async, reason = "the planted defect below has to ask the database")]
    pub(crate) async fn fence(&self, lease: &TaskLease) -> Result<i64, StoreError> {
        Ok(lease.fence)
    }

    /// The same, unless the defect is planted: then whatever number the task has by now.
    #[cfg(feature = "planted-defects")]
    pub(crate) async fn fence(&self, lease: &TaskLease) -> Result<i64, StoreError> {
        const NOW: &str = "SELECT fence FROM task WHERE id = $1";
        if !self.inner.forgets_fences.load(std::sync::atomic::Ordering::Relaxed) {
            return Ok(lease.fence);
        }
        Ok(query(NOW).bind(lease.task.as_str()).fetch_one(&self.inner.reader).await?.try_get(0)?)
    }

    /// Plants a defect: from now on this store forgets to compare fencing numbers. For tests that must
    /// show that they notice.
    #[cfg(feature = "planted-defects")]
    pub fn forget_fences(&self) {
        self.inner.forgets_fences.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

pub(crate) fn fenced(lease: &TaskLease) -> StoreError {
    StoreError::Fenced { what: format!("task {}", lease.task) }
}
