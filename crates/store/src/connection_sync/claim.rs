use std::time::Duration;

use jiff::Timestamp;
use model::{ConnectionKey, RunId};

use super::{ConnectionSync, columns, sync_of};
use crate::row_lease::row_is_free;
use crate::sql::query;
use crate::store::{count, time_or_none};
use crate::{Store, StoreError};

/// Somebody's hold on the syncs of a connection. What is written names it, and is refused once somebody else
/// has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncLease {
    /// The connection.
    pub connection: ConnectionKey,
    /// Grows with every holder.
    pub fence: i64,
}

/// Syncs of a connection that somebody took because one is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedSync {
    /// As they stand; `last_run` is the one to be gone on with if it is not over.
    pub sync: ConnectionSync,
    /// How often they were taken without an end.
    pub attempts: u64,
    /// The hold.
    pub lease: SyncLease,
}

/// What a holder hears with its sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncBeat {
    /// Go on.
    GoOn,
    /// A person stopped the syncs of this connection.
    Paused,
}

/// The connection is switched on, and no connector elsewhere reads it.
macro_rules! is_ours {
    () => {
        "connection IN (SELECT key FROM connection WHERE disabled = 0) AND connection NOT IN (SELECT connection FROM baton_connector)"
    };
}

/// A sync is due at `$4`, and nobody has it at `$1`.
macro_rules! due {
    () => {
        concat!(
            "lacks IS NULL AND paused_at IS NULL AND next_at <= $4 AND ",
            row_is_free!(),
            " AND ",
            is_ours!()
        )
    };
}

impl Store {
    /// Takes the connection whose sync is due for the longest time, for `lease` from now; one whose holder fell
    /// silent is taken again. `None` if nothing is due.
    pub async fn connection_sync_claim(
        &self,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedSync>, StoreError> {
        const ANY: &str = concat!(
            "SELECT 1 FROM connection_sync WHERE lacks IS NULL AND paused_at IS NULL AND next_at <= $1 AND ",
            is_ours!(),
            " LIMIT 1"
        );
        const CLAIM: &str = concat!(
            "UPDATE connection_sync SET holder = $2, fence = fence + 1, lease_from = $1, lease_until = $3, attempts = attempts + 1, started_at = $4, asked_at = NULL WHERE connection = (SELECT connection FROM connection_sync WHERE ",
            due!(),
            " ORDER BY next_at, connection LIMIT 1) AND ",
            due!(),
            " RETURNING ",
            columns!(),
            ", attempts, fence"
        );
        // Most looks find nothing, and need not keep the writers waiting.
        if query(ANY).bind(self.now()).fetch_optional(&self.inner.reader).await?.is_none() {
            return Ok(None);
        }
        let Some(row) = self.row_claim(CLAIM, worker, lease).await? else { return Ok(None) };
        let sync = sync_of(&row)?;
        let lease = SyncLease { connection: sync.connection.clone(), fence: row.try_get(20)? };
        Ok(Some(ClaimedSync { sync, attempts: count(row.try_get(19)?)?, lease }))
    }

    /// Holds on to the syncs of a connection for `extension` more, from now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has them.
    pub async fn connection_sync_beat(
        &self,
        lease: &SyncLease,
        extension: Duration,
    ) -> Result<SyncBeat, StoreError> {
        const BEAT: &str = "UPDATE connection_sync SET lease_from = $3, lease_until = $4 WHERE connection = $1 AND fence = $2 AND lease_until IS NOT NULL RETURNING paused_at";
        let row = self.row_beat(BEAT, (lease.connection.as_str(), lease.fence), extension).await?;
        let paused: Option<i64> = row.ok_or_else(|| fenced(lease))?.try_get(0)?;
        Ok(if paused.is_some() { SyncBeat::Paused } else { SyncBeat::GoOn })
    }

    /// Notes the run of the sync that is being worked on.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has them.
    pub async fn connection_sync_begun(&self, lease: &SyncLease, run: &RunId) -> Result<(), StoreError> {
        const BEGUN: &str = "UPDATE connection_sync SET last_run = $3 WHERE connection = $1 AND fence = $2 AND lease_until IS NOT NULL";
        let mut tx = self.begin().await?;
        let begun = query(BEGUN)
            .bind(lease.connection.as_str())
            .bind(lease.fence)
            .bind(run.as_str())
            .execute(tx.connection())
            .await?;
        if begun.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        tx.commit().await
    }

    /// Gives the syncs of a connection back where they stand: the same sync goes on with whoever takes them next.
    /// Without effect if somebody else has them.
    pub async fn connection_sync_give_back(&self, lease: &SyncLease) -> Result<(), StoreError> {
        const BACK: &str = "UPDATE connection_sync SET lease_from = NULL, lease_until = NULL, attempts = 0 WHERE connection = $1 AND fence = $2 AND lease_until IS NOT NULL";
        let mut tx = self.begin().await?;
        query(BACK).bind(lease.connection.as_str()).bind(lease.fence).execute(tx.connection()).await?;
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// When it is worth for `worker` to look for syncs again: the next one is due then, or whoever else has one may
    /// have fallen silent. `None` if nobody waits for one.
    pub async fn connection_sync_next(&self, worker: &str) -> Result<Option<Timestamp>, StoreError> {
        const NEXT: &str = concat!(
            "SELECT MIN(CASE WHEN lease_until IS NOT NULL AND lease_until > next_at THEN lease_until ELSE next_at END) FROM connection_sync WHERE lacks IS NULL AND paused_at IS NULL AND (lease_until IS NULL OR holder <> $1) AND ",
            is_ours!()
        );
        time_or_none(query(NEXT).bind(worker).fetch_one(&self.inner.reader).await?.try_get(0)?)
    }
}

pub(super) fn fenced(lease: &SyncLease) -> StoreError {
    StoreError::Fenced { what: format!("the syncs of {}", lease.connection) }
}
