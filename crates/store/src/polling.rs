//! Jobs of applications that read for somebody, from their start to the rows (saas-config 23.9 to 23.11).

use std::fmt;

use jiff::Timestamp;
use model::RunId;

use crate::sql::{Row, query};
use crate::store::{signed, time};
use crate::{Store, StoreError, TaskLease};

/// A job of an application that reads one unit. `Debug` does not show the application's id of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Polling {
    /// The task of the reading.
    pub task: String,
    /// The unit of the reading.
    pub unit: u64,
    /// The run.
    pub run: RunId,
    /// The collection.
    pub name: String,
    /// Stands for what is asked; a job for another question is none of this unit.
    pub basis: String,
    /// When it was started.
    pub asked_at: Timestamp,
    /// When it is looked at next.
    pub look_at: Timestamp,
    /// When it is given up.
    pub until: Timestamp,
    /// The application's id of it; kept sealed.
    pub job: String,
}

impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polling")
            .field("task", &self.task)
            .field("unit", &self.unit)
            .field("name", &self.name)
            .field("look_at", &self.look_at)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// A job that is waited for, without what is sealed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPolling {
    /// The task of the reading.
    pub task: String,
    /// The collection.
    pub name: String,
    /// When it is looked at next.
    pub look_at: Timestamp,
    /// When it is given up.
    pub until: Timestamp,
}

impl Store {
    /// Keeps a job as it is now, in place of what is kept of its unit.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn polling_put(&self, lease: &TaskLease, polling: &Polling) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO polling (task_id, unit, run_id, name, basis, asked_at, look_at, until_at, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (task_id, unit) DO UPDATE SET name = excluded.name, basis = excluded.basis, asked_at = excluded.asked_at, look_at = excluded.look_at, until_at = excluded.until_at, sealed = excluded.sealed";
        let key = self.run_key(&lease.run).await?;
        let sealed =
            key.seal(&place(lease.run.as_str(), lease.task.as_str(), polling.unit), polling.job.as_bytes());
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        query(PUT)
            .bind(lease.task.as_str())
            .bind(signed(polling.unit))
            .bind(lease.run.as_str())
            .bind(polling.name.as_str())
            .bind(polling.basis.as_str())
            .bind(polling.asked_at.as_microsecond())
            .bind(polling.look_at.as_microsecond())
            .bind(polling.until.as_microsecond())
            .bind(sealed)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    /// The job of a unit, if one is waited for.
    ///
    /// # Errors
    /// [`StoreError::Forgotten`] if what belongs to the run was destroyed.
    pub async fn polling_find(&self, lease: &TaskLease, unit: u64) -> Result<Option<Polling>, StoreError> {
        const FIND: &str = "SELECT task_id, name, look_at, until_at, basis, asked_at, sealed FROM polling WHERE task_id = $1 AND unit = $2";
        let find = query(FIND).bind(lease.task.as_str()).bind(signed(unit));
        let Some(row) = find.fetch_optional(&self.inner.reader).await? else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "the job of a reading" };
        let key = self.run_key(&lease.run).await?;
        let sealed: Vec<u8> = row.try_get(6)?;
        let job = key.open(&place(lease.run.as_str(), lease.task.as_str(), unit), &sealed);
        let job = String::from_utf8(job.map_err(|_| damaged())?).map_err(|_| damaged())?;
        let OpenPolling { task, name, look_at, until } = open(&row)?;
        let (basis, asked_at) = (row.try_get(4)?, time(row.try_get(5)?)?);
        let run = lease.run.clone();
        Ok(Some(Polling { task, unit, run, name, basis, asked_at, look_at, until, job }))
    }

    /// Waits for the job of a unit no longer. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has the task.
    pub async fn polling_drop(&self, lease: &TaskLease, unit: u64) -> Result<(), StoreError> {
        const DROP: &str = "DELETE FROM polling WHERE task_id = $1 AND unit = $2";
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        query(DROP).bind(lease.task.as_str()).bind(signed(unit)).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// Every job that a run waits for, in the order of tasks and units.
    pub async fn polling_list(&self, run: &RunId) -> Result<Vec<OpenPolling>, StoreError> {
        const LIST: &str =
            "SELECT task_id, name, look_at, until_at FROM polling WHERE run_id = $1 ORDER BY task_id, unit";
        let rows = query(LIST).bind(run.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(open).collect()
    }
}

/// The place that what is sealed is bound to.
fn place(run: &str, task: &str, unit: u64) -> Vec<u8> {
    format!("polling|{run}|{task}|{unit}").into_bytes()
}

fn open(row: &Row) -> Result<OpenPolling, StoreError> {
    Ok(OpenPolling {
        task: row.try_get(0)?,
        name: row.try_get(1)?,
        look_at: time(row.try_get(2)?)?,
        until: time(row.try_get(3)?)?,
    })
}
