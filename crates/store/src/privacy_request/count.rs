use std::collections::BTreeMap;

use model::PrivacyRequestId;

use super::PrivacyRequestStatus;
use crate::sql::query;
use crate::store::{Tx, count};
use crate::{Store, StoreError};

impl Store {
    /// How many requests lists show, by status; statuses without any are left out.
    pub async fn privacy_request_count_by_status(&self) -> Result<BTreeMap<&'static str, u64>, StoreError> {
        const COUNT: &str =
            "SELECT status, CAST(SUM(counted) AS BIGINT) FROM privacy_request_count GROUP BY status";
        let mut counts = BTreeMap::new();
        for row in query(COUNT).fetch_all(&self.inner.reader).await? {
            let status = PrivacyRequestStatus::parse(&row.try_get::<String>(0)?)?;
            let counted = count(row.try_get(1)?)?;
            if counted > 0 {
                counts.insert(status.as_str(), counted);
            }
        }
        Ok(counts)
    }

    /// Moves a request, taken in at this time, from one count to another, in the transaction that changes it.
    pub(crate) async fn request_counted(
        &self,
        tx: &mut Tx,
        (id, created_at): (&PrivacyRequestId, i64),
        (from, to): (Option<PrivacyRequestStatus>, Option<PrivacyRequestStatus>),
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO privacy_request_count (status, shard, counted) VALUES ($1, $2, $3) ON CONFLICT (status, shard) DO UPDATE SET counted = privacy_request_count.counted + excluded.counted";
        const ADD_BOTH: &str = "INSERT INTO privacy_request_count (status, shard, counted) VALUES ($1, $2, $3), ($4, $5, $6) ON CONFLICT (status, shard) DO UPDATE SET counted = privacy_request_count.counted + excluded.counted";
        if from == to {
            return Ok(());
        }
        let gone = from.map(|status| (status.as_str(), -1_i64));
        let mut steps: Vec<(&str, i64)> = gone.into_iter().chain(to.map(|to| (to.as_str(), 1))).collect();
        // One order for all, so that none waits for another that waits for it.
        steps.sort_unstable();
        let shard = self.shard(id);
        let mut query = query(if steps.len() == 1 { ADD } else { ADD_BOTH });
        for (status, step) in &steps {
            query = query.bind(*status).bind(shard).bind(*step);
        }
        query.execute(tx.connection()).await?;
        Self::day_counted(tx, (created_at, shard), &steps).await
    }

    /// The shard in which a request is counted, always the same: there are as many as writers at once.
    fn shard(&self, id: &PrivacyRequestId) -> i64 {
        let last = id.as_str().chars().last().and_then(|last| last.to_digit(16)).unwrap_or(0);
        i64::from(last % self.inner.dialect.writers())
    }
}
