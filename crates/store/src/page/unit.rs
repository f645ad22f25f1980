//! How far the units of a reading are, and what became of the whole.

use crypto::RunKey;
use model::{Outcome, RunId};

use super::{NewPage, SealedEnd, SealedPages, mark_place};
use crate::sql::query;
use crate::store::{Tx, signed};
use crate::task::fenced;
use crate::words::outcome_text;
use crate::{Store, StoreError, TaskId, TaskLease};

impl Store {
    /// Where the reading of a unit stands; `None` if it has not begun.
    pub async fn unit_state(
        &self,
        run: &RunId,
        task: &TaskId,
        unit: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM read_unit WHERE task_id = $1 AND unit = $2";
        let key = self.run_key(run).await?;
        let row =
            query(FIND).bind(task.as_str()).bind(signed(unit)).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get(0)?;
        let plain = key.open(&unit_place(task, signed(unit)), &sealed);
        plain.map(Some).map_err(|_| StoreError::Damaged { what: "the state of a reading" })
    }

    /// The marks of the pages of a unit, in the order of the pages.
    pub async fn unit_marks(
        &self,
        run: &RunId,
        task: &TaskId,
        unit: u64,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        const LIST: &str = "SELECT page, sealed_mark FROM page WHERE task_id = $1 AND unit = $2 AND sealed_mark IS NOT NULL ORDER BY page";
        let key = self.run_key(run).await?;
        let rows = query(LIST).bind(task.as_str()).bind(signed(unit)).fetch_all(&self.inner.reader).await?;
        let mut marks = Vec::with_capacity(rows.len());
        for row in rows {
            let sealed: Vec<u8> = row.try_get(1)?;
            let plain = key.open(&mark_place(task, (signed(unit), row.try_get(0)?)), &sealed);
            marks.push(plain.map_err(|_| StoreError::Damaged { what: "the mark of a page" })?);
        }
        Ok(marks)
    }

    /// Notes where the reading of a unit stands, without a page.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn unit_put(&self, lease: &TaskLease, unit: u64, state: &[u8]) -> Result<(), StoreError> {
        let key = self.run_key(&lease.run).await?;
        let mut tx = self.begin_local().await?;
        self.fence_check(&mut tx, lease).await?;
        put(&mut tx, (&key, &lease.task), unit, state).await?;
        tx.commit().await
    }

    /// Throws away what was read of a unit, so that it starts from its beginning.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn unit_restart(&self, lease: &TaskLease, unit: u64) -> Result<(), StoreError> {
        const COUNT: &str = "UPDATE task SET rows_read = rows_read - COALESCE((SELECT SUM(row_count) FROM page WHERE task_id = $1 AND unit = $3), 0), pages_read = pages_read - (SELECT COUNT(*) FROM page WHERE task_id = $1 AND unit = $3) WHERE id = $1 AND fence = $2 AND state = 'leased'";
        const PAGES: &str = "DELETE FROM page WHERE task_id = $1 AND unit = $2";
        const STATE: &str = "DELETE FROM read_unit WHERE task_id = $1 AND unit = $2";
        self.unit_delete(lease, unit, [COUNT, PAGES, STATE]).await
    }

    /// Throws away what was read of unit `first` and of all after it: the reading has no such units now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn unit_drop_from(&self, lease: &TaskLease, first: u64) -> Result<(), StoreError> {
        const COUNT: &str = "UPDATE task SET rows_read = rows_read - COALESCE((SELECT SUM(row_count) FROM page WHERE task_id = $1 AND unit >= $3), 0), pages_read = pages_read - (SELECT COUNT(*) FROM page WHERE task_id = $1 AND unit >= $3) WHERE id = $1 AND fence = $2 AND state = 'leased'";
        const PAGES: &str = "DELETE FROM page WHERE task_id = $1 AND unit >= $2";
        const STATES: &str = "DELETE FROM read_unit WHERE task_id = $1 AND unit >= $2";
        self.unit_delete(lease, first, [COUNT, PAGES, STATES]).await
    }

    async fn unit_delete(
        &self,
        lease: &TaskLease,
        unit: u64,
        [count, pages, states]: [&'static str; 3],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_local().await?;
        let counted = query(count)
            .bind(lease.task.as_str())
            .bind(self.fence(lease).await?)
            .bind(signed(unit))
            .execute(tx.connection())
            .await?;
        if counted.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        for statement in [pages, states] {
            query(statement).bind(lease.task.as_str()).bind(signed(unit)).execute(tx.connection()).await?;
        }
        tx.commit().await
    }

    /// Ends the task of a reading and keeps, sealed, what became of it, together with the `last` of its
    /// pages; those that waited for it may start. Readings of others may share the transaction. A power
    /// failure may undo it together with what was read last.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task: nothing is kept then.
    pub async fn read_finish(
        &self,
        lease: &TaskLease,
        last: &[NewPage<'_>],
        (outcome, kept): (Option<Outcome>, &[u8]),
    ) -> Result<(), StoreError> {
        let key = self.run_key(&lease.run).await?;
        let end = SealedEnd {
            outcome: outcome.map(outcome_text),
            sealed: key.seal(&outcome_place(&lease.task), kept),
        };
        let pages = super::sealed(&key, lease, last);
        let fence = self.fence(lease).await?;
        self.page_commit(SealedPages { fence, lease: lease.clone(), pages, end: Some(end) }).await
    }

    /// What became of a reading, if it is over.
    pub async fn read_outcome(&self, run: &RunId, task: &TaskId) -> Result<Option<Vec<u8>>, StoreError> {
        const FIND: &str = "SELECT sealed FROM read_outcome WHERE task_id = $1";
        let key = self.run_key(run).await?;
        let row = query(FIND).bind(task.as_str()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get(0)?;
        let plain = key.open(&outcome_place(task), &sealed);
        plain.map(Some).map_err(|_| StoreError::Damaged { what: "the outcome of a reading" })
    }
}

/// Notes the state of a unit; the caller has checked the fence.
pub(super) async fn put(
    tx: &mut Tx,
    (key, task): (&RunKey, &TaskId),
    unit: u64,
    state: &[u8],
) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO read_unit (task_id, unit, sealed) VALUES ($1, $2, $3) ON CONFLICT (task_id, unit) DO UPDATE SET sealed = excluded.sealed";
    query(PUT)
        .bind(task.as_str())
        .bind(signed(unit))
        .bind(seal_state(key, task, unit, state))
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The state of a unit in the form it is kept in.
pub(super) fn seal_state(key: &RunKey, task: &TaskId, unit: u64, state: &[u8]) -> Vec<u8> {
    key.seal(&unit_place(task, signed(unit)), state)
}

fn unit_place(task: &TaskId, unit: i64) -> Vec<u8> {
    format!("task|{task}|{unit}|state").into_bytes()
}

fn outcome_place(task: &TaskId) -> Vec<u8> {
    format!("task|{task}|outcome").into_bytes()
}
