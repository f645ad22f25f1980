//! How many requests were taken in on each day: it tells where a page far into a list begins.

use std::sync::Mutex;

use super::{PrivacyRequestOrder, PrivacyRequestStatus};
use crate::sql::{query, query_made};
use crate::store::{Tx, count, signed};
use crate::{Store, StoreError};

const DAY_US: i64 = 86_400_000_000;

/// How long it is relied on that the days were found to be right. Only processes of a version that does
/// not count days make them wrong, as long as they run beside newer ones.
const RELIED_ON_US: i64 = 60_000_000;

/// When the days were looked at last, and whether they were right.
#[derive(Debug, Default)]
pub(crate) struct DaysKnown(Mutex<Option<(i64, bool)>>);

/// The beginning of a list that need not be walked: whole days of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skipped {
    /// How many requests it holds.
    pub(super) requests: u64,
    /// Where it ends: those that follow were taken in before this, or oldest first from this on.
    pub(super) edge: i64,
}

impl Store {
    /// The days before the one in which, in the list of these statuses or of all, the request stands that
    /// has `offset` others before it; none if it stands in the first day of the list, or nobody knows.
    pub(super) async fn request_days_skipped(
        &self,
        statuses: &[PrivacyRequestStatus],
        (order, offset): (PrivacyRequestOrder, u64),
    ) -> Result<Option<Skipped>, StoreError> {
        if !self.days_are_right().await? {
            return Ok(None);
        }
        let direction = order.direction();
        let wanted = if statuses.is_empty() {
            String::new()
        } else {
            let marks: Vec<String> = (0..statuses.len()).map(|at| format!("${}", at + 2)).collect();
            format!("WHERE status IN ({})", marks.join(", "))
        };
        let sql = format!(
            "SELECT day, reached - own FROM (SELECT day, CAST(SUM(counted) AS BIGINT) AS own, CAST(SUM(SUM(counted)) OVER (ORDER BY day {direction}) AS BIGINT) AS reached FROM privacy_request_day {wanted} GROUP BY day) AS days WHERE reached > $1 ORDER BY day {direction} LIMIT 1"
        );
        let mut days = query_made(sql).bind(signed(offset));
        for status in statuses {
            days = days.bind(status.as_str());
        }
        let Some(row) = days.fetch_optional(&self.inner.reader).await? else { return Ok(None) };
        let (day, requests): (i64, u64) = (row.try_get(0)?, count(row.try_get(1)?)?);
        let edge = match order {
            PrivacyRequestOrder::NewestFirst => (day + 1) * DAY_US,
            PrivacyRequestOrder::OldestFirst => day * DAY_US,
        };
        Ok((requests > 0).then_some(Skipped { requests, edge }))
    }

    /// Moves a request in the counts of the day that it was taken in on.
    pub(super) async fn day_counted(
        tx: &mut Tx,
        (created_at, shard): (i64, i64),
        steps: &[(&str, i64)],
    ) -> Result<(), StoreError> {
        macro_rules! add {
            ($values:literal) => {
                concat!("INSERT INTO privacy_request_day (day, status, shard, counted) VALUES ", $values, " ON CONFLICT (day, status, shard) DO UPDATE SET counted = privacy_request_day.counted + excluded.counted")
            };
        }
        const ADD: &str = add!("($1, $2, $3, $4)");
        const ADD_BOTH: &str = add!("($1, $2, $3, $4), ($5, $6, $7, $8)");
        let mut query = query(if steps.len() == 1 { ADD } else { ADD_BOTH });
        for (status, step) in steps {
            query = query.bind(created_at / DAY_US).bind(*status).bind(shard).bind(*step);
        }
        query.execute(tx.connection()).await?;
        Ok(())
    }

    /// Whether the days say the same as the counts of all days; counts them anew if they do not.
    async fn days_are_right(&self) -> Result<bool, StoreError> {
        const WRONG: &str = "SELECT COUNT(*) FROM (SELECT status, SUM(counted) AS counted FROM privacy_request_day GROUP BY status) AS days FULL JOIN (SELECT status, SUM(counted) AS counted FROM privacy_request_count GROUP BY status) AS whole ON whole.status = days.status WHERE COALESCE(days.counted, 0) <> COALESCE(whole.counted, 0)";
        let now = self.now();
        if let Some(is_right) = self.inner.days_known.at(now) {
            return Ok(is_right);
        }
        let wrong: i64 = query(WRONG).fetch_one(&self.inner.reader).await?.try_get(0)?;
        let is_right = match wrong {
            0 => true,
            _ => match self.days_count().await {
                Ok(()) => true,
                // Then pages are walked to as if there were no days.
                Err(StoreError::ReadOnly { .. } | StoreError::Busy { .. }) => false,
                Err(error) => return Err(error),
            },
        };
        self.inner.days_known.put(now, is_right);
        Ok(is_right)
    }

    /// Counts all days anew. Whoever changes a request meanwhile waits, so that none is left out or counted
    /// twice.
    async fn days_count(&self) -> Result<(), StoreError> {
        const CLEAR: &str = "DELETE FROM privacy_request_day";
        const COUNT: &str = "INSERT INTO privacy_request_day (day, status, shard, counted) SELECT created_at / 86400000000, status, 0, COUNT(*) FROM privacy_request WHERE listed = 1 GROUP BY created_at / 86400000000, status";
        tracing::info!("requests are counted by the days they were taken in on");
        let mut tx = self.begin().await?;
        if let Some(lock) = self.inner.dialect.lock_days() {
            query(lock).execute(tx.connection()).await?;
        }
        for statement in [CLEAR, COUNT] {
            query(statement).execute(tx.connection()).await?;
        }
        tx.commit().await
    }
}

impl DaysKnown {
    /// Whether they are right, if it was looked at a moment ago.
    fn at(&self, now: i64) -> Option<bool> {
        let known = *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.filter(|(at, _)| (0..RELIED_ON_US).contains(&(now - at))).map(|(_, is_right)| is_right)
    }

    fn put(&self, now: i64, is_right: bool) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((now, is_right));
    }
}
