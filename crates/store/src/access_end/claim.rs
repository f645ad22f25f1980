use std::time::Duration;

use jiff::Timestamp;

use super::{AccessEnd, columns};
use crate::row_lease::row_is_free;
use crate::sql::query;
use crate::store::time_or_none;
use crate::{Store, StoreError};

/// Somebody's hold on an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessEndLease {
    /// Its id.
    pub end: String,
    /// Grows with every holder.
    pub fence: i64,
}

/// An end that somebody took because its time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedAccessEnd {
    /// The end.
    pub end: AccessEnd,
    /// The hold.
    pub lease: AccessEndLease,
}

/// Its time has come at `$4`, and nobody has it at `$1`.
macro_rules! due {
    () => {
        concat!("state IN ('pending', 'open') AND next_at <= $4 AND ", row_is_free!())
    };
}

impl Store {
    /// Takes the end whose time came first, for `lease` from now; one whose holder fell silent is taken again.
    /// `None` if nothing has to end.
    pub async fn access_end_claim(
        &self,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedAccessEnd>, StoreError> {
        const ANY: &str =
            "SELECT 1 FROM access_end WHERE state IN ('pending', 'open') AND next_at <= $1 LIMIT 1";
        const CLAIM: &str = concat!(
            "UPDATE access_end SET holder = $2, fence = fence + 1, lease_from = $1, lease_until = $3 WHERE id = (SELECT id FROM access_end WHERE ",
            due!(),
            " ORDER BY next_at, id LIMIT 1) AND ",
            due!(),
            " RETURNING ",
            columns!(),
            ", fence"
        );
        if query(ANY).bind(self.now()).fetch_optional(&self.inner.reader).await?.is_none() {
            return Ok(None);
        }
        let Some(row) = self.row_claim(CLAIM, worker, lease).await? else { return Ok(None) };
        let end = self.access_end_of(&row)?;
        let lease = AccessEndLease { end: end.id.clone(), fence: row.try_get(11)? };
        Ok(Some(ClaimedAccessEnd { end, lease }))
    }

    /// Holds on to an end for `extension` more, from now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it, or it is over.
    pub async fn access_end_beat(
        &self,
        lease: &AccessEndLease,
        extension: Duration,
    ) -> Result<(), StoreError> {
        const BEAT: &str = "UPDATE access_end SET lease_from = $3, lease_until = $4 WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL RETURNING fence";
        let beaten = self.row_beat(BEAT, (lease.end.as_str(), lease.fence), extension).await?;
        beaten.map(|_| ()).ok_or_else(|| fenced(lease))
    }

    /// When it is worth for `worker` to look for ends again: one is due then, or whoever else has it may have fallen
    /// silent. `None` if there are none.
    pub async fn access_end_next(&self, worker: &str) -> Result<Option<Timestamp>, StoreError> {
        const NEXT: &str = "SELECT MIN(CASE WHEN lease_until IS NOT NULL AND lease_until > next_at THEN lease_until ELSE next_at END) FROM access_end WHERE state IN ('pending', 'open') AND (lease_until IS NULL OR holder <> $1)";
        time_or_none(query(NEXT).bind(worker).fetch_one(&self.inner.reader).await?.try_get(0)?)
    }
}

pub(super) fn fenced(lease: &AccessEndLease) -> StoreError {
    StoreError::Fenced { what: format!("the end {}", lease.end) }
}
