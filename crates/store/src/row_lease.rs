//! Leases that lie in the rows of a queue: a row has one holder at a time, until that one falls silent.

use std::time::Duration;

use crate::sql::{Row, query};
use crate::task::microseconds;
use crate::{Store, StoreError};

/// Nobody holds the row at `$1`, or whoever did fell silent. A lease that begins in the future by more than its
/// length was taken before the clock went back, and is free.
macro_rules! row_is_free {
    () => {
        "(lease_until IS NULL OR lease_until <= $1 OR 2 * lease_from - lease_until > $1)"
    };
}
pub(crate) use row_is_free;

impl Store {
    /// Takes a row for `lease` from now: what the statement gives back of it, or `None` if there is none to be had.
    ///
    /// `$1` is the time by which leases are measured, `$2` who takes it, `$3` until when, and `$4` the time. A
    /// statement says its condition twice, once to choose a row and once of the chosen one: whoever waited for
    /// another's claim on PostgreSQL looks at the row again.
    pub(crate) async fn row_claim(
        &self,
        claim: &'static str,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<Row>, StoreError> {
        let mut tx = self.begin().await?;
        let now = self.lease_now(tx.connection()).await?;
        let row = query(claim)
            .bind(now)
            .bind(worker)
            .bind(now + microseconds(lease))
            .bind(self.now())
            .fetch_optional(tx.connection())
            .await?;
        let Some(row) = row else { return Ok(None) };
        tx.commit().await?;
        Ok(Some(row))
    }

    /// Holds on to a row for `extension` more, from now: what the statement gives back of it, or `None` if somebody
    /// else has it.
    ///
    /// `$1` is its id and `$2` the fence; `$3` and `$4` are where the lease begins and ends.
    pub(crate) async fn row_beat(
        &self,
        beat: &'static str,
        (id, fence): (&str, i64),
        extension: Duration,
    ) -> Result<Option<Row>, StoreError> {
        let mut tx = self.begin_relaxed().await?;
        let now = self.lease_now(tx.connection()).await?;
        let row = query(beat)
            .bind(id)
            .bind(fence)
            .bind(now)
            .bind(now + microseconds(extension))
            .fetch_optional(tx.connection())
            .await?;
        let Some(row) = row else { return Ok(None) };
        tx.commit().await?;
        Ok(Some(row))
    }
}
