//! What stays of a plan when its personal data is gone.

use crate::sql::query;
use crate::{PlanDigest, Store, StoreError};

impl Store {
    /// Keeps the outline of a plan: its shape and nothing personal, in the caller's own form. The
    /// first outline stands. A power failure may undo it until something is committed that survives; until
    /// then there is the plan, of which it is made again.
    pub async fn outline_put(&self, plan: &PlanDigest, body: &str) -> Result<(), StoreError> {
        const PUT: &str =
            "INSERT INTO outline (plan_digest, body) VALUES ($1, $2) ON CONFLICT (plan_digest) DO NOTHING";
        let mut single = self.single_local().await?;
        query(PUT).bind(plan.as_str()).bind(body).execute(single.connection()).await?;
        Ok(())
    }

    /// The outline of a plan, if one was kept.
    pub async fn outline_find(&self, plan: &PlanDigest) -> Result<Option<String>, StoreError> {
        const FIND: &str = "SELECT body FROM outline WHERE plan_digest = $1";
        let row = query(FIND).bind(plan.as_str()).fetch_optional(&self.inner.reader).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}
