use std::time::Duration;

use crate::sql::query;
use crate::store::Tx;
use crate::task::microseconds;
use crate::{Store, StoreError};

/// A hold on something that one process at a time may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLease {
    name: String,
    fence: i64,
}

impl Store {
    /// Takes or renews the lease `name` for `length`; `None` while somebody else holds it.
    ///
    /// A lease that begins in the future by more than its length was taken before the clock went
    /// back, and is free.
    pub async fn lease_take(
        &self,
        name: &str,
        holder: &str,
        length: Duration,
    ) -> Result<Option<NamedLease>, StoreError> {
        const TAKE: &str = "INSERT INTO lease (name, holder, fence, lease_from, lease_until) VALUES ($1, $2, 1, $3, $4) ON CONFLICT (name) DO UPDATE SET fence = CASE WHEN lease.holder = excluded.holder THEN lease.fence ELSE lease.fence + 1 END, holder = excluded.holder, lease_from = excluded.lease_from, lease_until = excluded.lease_until WHERE lease.holder = excluded.holder OR lease.lease_until <= $3 OR 2 * lease.lease_from - lease.lease_until > $3 RETURNING fence";
        let mut single = self.single_local().await?;
        let now = self.lease_now(single.connection()).await?;
        let rows = query(TAKE)
            .bind(name)
            .bind(holder)
            .bind(now)
            .bind(now + microseconds(length))
            .fetch_all(single.connection())
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(NamedLease { name: name.to_owned(), fence: row.try_get(0)? }))
    }

    /// Gives a lease back before its end. Without effect if somebody else has it.
    pub async fn lease_release(&self, lease: &NamedLease) -> Result<(), StoreError> {
        const RELEASE: &str =
            "UPDATE lease SET lease_until = 0, lease_from = 0, holder = '' WHERE name = $1 AND fence = $2";
        let mut single = self.single_local().await?;
        query(RELEASE).bind(lease.name.as_str()).bind(lease.fence).execute(single.connection()).await?;
        Ok(())
    }
}

/// Fails unless `lease` is still held; holds its row until the transaction ends.
pub(crate) async fn lease_check(tx: &mut Tx, lease: &NamedLease) -> Result<(), StoreError> {
    const CHECK: &str = "UPDATE lease SET fence = fence WHERE name = $1 AND fence = $2";
    let held = query(CHECK).bind(lease.name.as_str()).bind(lease.fence).execute(tx.connection()).await?;
    if held.rows_affected() == 0 {
        return Err(StoreError::Fenced { what: format!("lease {}", lease.name) });
    }
    Ok(())
}
