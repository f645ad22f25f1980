use std::time::Duration;

use crypto::Secret;
use jiff::Timestamp;
use model::{ConnectionKey, IdSource, RunId};

use super::{COLUMNS, SyncState};
use crate::sql::query;
use crate::store::time;
use crate::{Actor, NewRun, NewTask, RunKind, Store, StoreError, TaskId};

/// A sync to be begun, or gone on with.
#[derive(Debug, Clone)]
pub struct NewSync<'a> {
    /// The connection.
    pub connection: &'a ConnectionKey,
    /// Stands for the file and the settings that it is read with: pages read with others are of no use.
    pub basis: &'a str,
    /// How old an unfinished sync may be to be gone on with.
    pub resume_within: Duration,
    /// Who asked for it.
    pub actor: Actor,
}

/// A sync that can be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunSync {
    /// Its run.
    pub run: RunId,
    /// When it began.
    pub started_at: Timestamp,
    /// Whether somebody may have read part of it.
    pub is_resumed: bool,
}

/// Kind and name of the only task of a sync.
pub const SYNC_TASK: (&str, &str) = ("sync", "lists");

impl Store {
    /// The unfinished sync of a connection, if it was begun with the same file and settings and not too
    /// long ago, and still has its pages; else a new one, and an unfinished one is over. One connection has one unfinished sync.
    pub async fn sync_begin(&self, new: &NewSync<'_>, ids: &dyn IdSource) -> Result<BegunSync, StoreError> {
        const FIND: &str = "SELECT access_sync.run_id, access_sync.started_at, access_sync.basis, run.state, run.forgotten_at FROM access_sync JOIN run ON run.id = access_sync.run_id WHERE access_sync.connection = $1 AND access_sync.state = 'running'";
        const REPLACE: &str = "UPDATE access_sync SET state = 'replaced', ended_at = $2 WHERE run_id = $1";
        const INSERT: &str = "INSERT INTO access_sync (run_id, connection, basis, state, started_at) VALUES ($1, $2, $3, $4, $5)";
        let mut tx = self.begin().await?;
        let found = query(FIND).bind(new.connection.as_str()).fetch_optional(tx.connection()).await?;
        let now = self.now();
        if let Some(row) = found {
            let run = crate::run::run_id(&row, 0)?;
            let (started, basis): (i64, String) = (row.try_get(1)?, row.try_get(2)?);
            let oldest = now.saturating_sub(crate::task::microseconds(new.resume_within));
            // Its pages may have been destroyed meanwhile, and its run cancelled: nobody can go on with it.
            let (state, forgotten): (String, Option<i64>) = (row.try_get(3)?, row.try_get(4)?);
            let is_open = matches!(state.as_str(), "active" | "paused") && forgotten.is_none();
            if is_open && basis == new.basis && started >= oldest {
                return Ok(BegunSync { run, started_at: time(started)?, is_resumed: true });
            }
            query(REPLACE).bind(run.as_str()).bind(now).execute(tx.connection()).await?;
            self.run_cancel_in(&mut tx, &run, new.actor.clone()).await?;
        }
        let run = RunId::new(ids);
        let task = NewTask {
            id: TaskId::new(ids),
            kind: SYNC_TASK.0.to_owned(),
            name: SYNC_TASK.1.to_owned(),
            after: Vec::new(),
            due_at: None,
        };
        let subject = Secret::new(new.connection.as_str().as_bytes().to_vec());
        let new_run = NewRun {
            id: run.clone(),
            kind: RunKind::Sync,
            policy: None,
            subject,
            deadline_at: None,
            actor: new.actor.clone(),
        };
        let made = self.run_create_in(&mut tx, new_run, std::slice::from_ref(&task)).await?;
        query(INSERT)
            .bind(run.as_str())
            .bind(new.connection.as_str())
            .bind(new.basis)
            .bind(SyncState::Running.as_str())
            .bind(now)
            .execute(tx.connection())
            .await?;
        tx.commit().await?;
        if let Some(made) = made {
            self.run_key_keep(&run, &made.key);
        }
        Ok(BegunSync { run, started_at: time(now)?, is_resumed: false })
    }

    /// The newest sync of a connection that was begun, whatever became of it.
    pub async fn sync_find_latest(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<super::AccessSync>, StoreError> {
        let find = format!("{COLUMNS} WHERE connection = $1 ORDER BY started_at DESC, run_id DESC LIMIT 1");
        let row =
            crate::sql::query_made(find).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| super::sync(&row)).transpose()
    }
}
