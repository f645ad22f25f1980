//! Readings of who has access to an application: one run each, with one task.

mod begin;
mod list;

use jiff::Timestamp;
use model::{ConnectionKey, RunId};
use serde_json::Value;

use crate::sql::{Row, query};
use crate::store::{time, time_or_none};
use crate::words::text_enum;
use crate::{Store, StoreError, TaskLease};

pub use begin::{BegunSync, NewSync, SYNC_TASK};

text_enum! {
    /// How far a sync is.
    SyncState "the state of a sync" {
        /// It goes on, or waits to be gone on with.
        Running = "running",
        /// Every kind was read.
        Complete = "complete",
        /// Something is missing, as its report says.
        Incomplete = "incomplete",
        /// It gave nothing.
        Failed = "failed",
        /// Another one took its place: its file, its settings or its time had passed.
        Replaced = "replaced",
    }
}

/// A sync as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessSync {
    /// Its run.
    pub run: RunId,
    /// The connection.
    pub connection: ConnectionKey,
    /// How far it is.
    pub state: SyncState,
    /// Its id in files.
    pub sync_id: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// What it says about itself.
    pub report: Option<Value>,
    /// Why it gave nothing, or cannot go on; without values.
    pub error: Option<String>,
}

/// How a sync ends, or why it stands still.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncEnd<'a> {
    /// [`SyncState::Running`] for one that can go on.
    pub state: SyncState,
    /// Its id in files.
    pub sync_id: Option<&'a str>,
    /// What it says about itself.
    pub report: &'a Value,
    /// Why it gave nothing, or cannot go on.
    pub error: Option<&'a str>,
}

pub(crate) const COLUMNS: &str =
    "SELECT run_id, connection, state, sync_id, started_at, ended_at, report, error FROM access_sync";

impl Store {
    /// Notes how a sync ended, or why it stands still.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has its task.
    pub async fn sync_end(&self, lease: &TaskLease, end: &SyncEnd<'_>) -> Result<(), StoreError> {
        const END: &str = "UPDATE access_sync SET state = $2, sync_id = $3, ended_at = $4, report = $5, error = $6 WHERE run_id = $1";
        let mut tx = self.begin().await?;
        self.fence_check(&mut tx, lease).await?;
        let ended = (end.state != SyncState::Running).then(|| self.now());
        query(END)
            .bind(lease.run.as_str())
            .bind(end.state.as_str())
            .bind(end.sync_id)
            .bind(ended)
            .bind(end.report.to_string())
            .bind(end.error)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }
}

pub(crate) fn sync(row: &Row) -> Result<AccessSync, StoreError> {
    let damaged = |what| StoreError::Damaged { what };
    let report: Option<String> = row.try_get(6)?;
    let report = report.map(|text| serde_json::from_str(&text)).transpose();
    let connection: String = row.try_get(1)?;
    Ok(AccessSync {
        run: crate::run::run_id(row, 0)?,
        connection: connection.parse().map_err(|_| damaged("the connection of a sync"))?,
        state: SyncState::parse(row.try_get(2)?)?,
        sync_id: row.try_get(3)?,
        started_at: time(row.try_get(4)?)?,
        ended_at: time_or_none(row.try_get(5)?)?,
        report: report.map_err(|_| damaged("the report of a sync"))?,
        error: row.try_get(7)?,
    })
}
