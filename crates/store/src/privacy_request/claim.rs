//! The queue of requests: it is the rows themselves.

use std::time::Duration;

use jiff::Timestamp;
use model::PrivacyRequestId;

use super::PrivacyRequest;
use crate::sql::{query, query_made};
use crate::store::count;
use crate::task::microseconds;
use crate::{Store, StoreError};

/// A worker's hold on a request. What it writes names it, and is refused once somebody else has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLease {
    /// The request.
    pub request: PrivacyRequestId,
    /// Grows with every holder.
    pub fence: i64,
}

/// A request that a worker took.
#[derive(Debug, Clone)]
pub struct ClaimedRequest {
    /// The request.
    pub request: PrivacyRequest,
    /// The hold.
    pub lease: RequestLease,
}

impl Store {
    /// Takes the request that is due for the longest time, for `lease` from now; one whose holder fell
    /// silent is due again when its lease ends. `None` if there is nothing to do.
    pub async fn privacy_request_claim(
        &self,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedRequest>, StoreError> {
        // Most looks find nothing, and need not keep the writers waiting.
        if !self.request_is_free().await? {
            return Ok(None);
        }
        let mut single = self.single_local().await?;
        let now = self.lease_now(single.connection()).await?;
        let rows = query(self.inner.dialect.privacy_request_claim())
            .bind(worker)
            .bind(now)
            .bind(now + microseconds(lease))
            .bind(self.now())
            .fetch_all(single.connection())
            .await?;
        drop(single);
        let Some(row) = rows.first() else { return Ok(None) };
        let request = super::request_at(row, 1)?;
        let lease = RequestLease { request: request.id.clone(), fence: row.try_get(0)? };
        Ok(Some(ClaimedRequest { request, lease }))
    }

    /// Whether a request is due that nobody holds.
    async fn request_is_free(&self) -> Result<bool, StoreError> {
        // The lease is measured as in the claim: by the database's own clock where hosts share it.
        let shared = self.inner.dialect.now().filter(|_| self.inner.clock.is_hosts_own());
        let now = shared.map_or_else(|| "$2".to_owned(), |now| format!("({now})"));
        let look = format!(
            "SELECT id FROM privacy_request WHERE work_at <= $1 AND (lease_until IS NULL OR lease_until <= {now} OR 2 * lease_from - lease_until > {now}) LIMIT 1"
        );
        let mut query = query_made(look).bind(self.now());
        if shared.is_none() {
            query = query.bind(self.now());
        }
        Ok(query.fetch_optional(&self.inner.reader).await?.is_some())
    }

    /// Holds on to a request for `extension` more, from now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it, or it was taken away (stopped, deleted).
    pub async fn privacy_request_beat(
        &self,
        lease: &RequestLease,
        extension: Duration,
    ) -> Result<(), StoreError> {
        const BEAT: &str = "UPDATE privacy_request SET lease_from = $3, lease_until = $4 WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL RETURNING fence";
        let beaten = self.row_beat(BEAT, (lease.request.as_str(), lease.fence), extension).await?;
        beaten.map(|_| ()).ok_or_else(|| fenced(lease))
    }

    /// Gives a request back unchanged, to be taken again from `work_at` on: for a worker that ends, or
    /// that lets others go first.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if somebody else has it.
    pub async fn privacy_request_give_back(
        &self,
        lease: &RequestLease,
        work_at: Timestamp,
    ) -> Result<(), StoreError> {
        const BACK: &str = "UPDATE privacy_request SET work_at = CASE WHEN work_at IS NULL THEN NULL ELSE CAST($3 AS BIGINT) END, lease_from = NULL, lease_until = NULL, attempts = 0 WHERE id = $1 AND fence = $2 AND lease_until IS NOT NULL";
        let mut tx = self.begin().await?;
        let given = query(BACK)
            .bind(lease.request.as_str())
            .bind(lease.fence)
            .bind(work_at.as_microsecond())
            .execute(tx.connection())
            .await?;
        if given.rows_affected() == 0 {
            return Err(fenced(lease));
        }
        self.wake_in(&mut tx).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// When the next request that waits for a worker is due; `None` if none waits.
    pub async fn privacy_request_next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        const NEXT: &str =
            "SELECT MIN(work_at) FROM privacy_request WHERE work_at IS NOT NULL AND lease_until IS NULL";
        crate::store::time_or_none(query(NEXT).fetch_one(&self.inner.reader).await?.try_get(0)?)
    }

    /// How many requests wait for a worker now, and how many are with one.
    pub async fn privacy_request_queue(&self) -> Result<(u64, u64), StoreError> {
        const QUEUE: &str = "SELECT COUNT(*), COUNT(lease_until) FROM privacy_request WHERE work_at <= $1";
        let row = query(QUEUE).bind(self.now()).fetch_one(&self.inner.reader).await?;
        let (all, held) = (count(row.try_get(0)?)?, count(row.try_get(1)?)?);
        Ok((all.saturating_sub(held), held))
    }
}

pub(crate) fn fenced(lease: &RequestLease) -> StoreError {
    StoreError::Fenced { what: format!("privacy request {}", lease.request) }
}
