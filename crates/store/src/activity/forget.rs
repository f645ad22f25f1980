use jiff::Timestamp;
use model::ConnectionKey;

use crate::sql::query;
use crate::store::Tx;
use crate::{Store, StoreError};

/// How often uses are deleted in one pass; each time a few, so that others write in between.
const ROUNDS: u32 = 256;

impl Store {
    /// Destroys the uses that were longer ago than `before`, and how many they were; one bounded pass. First the spans
    /// say that nothing before is known, so that what is forgotten does not pass for what never was.
    pub async fn activity_forget(&self, before: Timestamp) -> Result<u64, StoreError> {
        const DUE: &str = "SELECT connection FROM activity WHERE read_from < $1 OR EXISTS (SELECT 1 FROM activity_use u WHERE u.connection = activity.connection AND u.of_resource IN (0, 1) AND u.last_at < $1)";
        let rows = query(DUE).bind(before.as_microsecond()).fetch_all(&self.inner.reader).await?;
        let mut gone = 0;
        for row in rows {
            let connection: String = row.try_get(0)?;
            let damaged = |_| StoreError::Damaged { what: "the connection of events" };
            let connection: ConnectionKey = connection.parse().map_err(damaged)?;
            match self.activity_span_put(&connection, |span| span?.behind(before)).await {
                Ok(()) => {}
                // It was removed meanwhile, with all of it.
                Err(StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            }
            for of_resource in [true, false] {
                let until = before.as_microsecond().saturating_sub(1);
                gone += self.activity_use_delete(&connection, of_resource, until).await?;
            }
        }
        if gone > 0 {
            self.scrub().await?;
        }
        Ok(gone)
    }

    /// Destroys the uses of a kind up to a time, and how many.
    pub(super) async fn activity_use_delete(
        &self,
        connection: &ConnectionKey,
        of_resource: bool,
        until: i64,
    ) -> Result<u64, StoreError> {
        // The time is said twice: what was used once more meanwhile stays.
        const DELETE: &str = "DELETE FROM activity_use WHERE connection = $1 AND of_resource = $2 AND last_at <= $3 AND id IN (SELECT id FROM activity_use WHERE connection = $1 AND of_resource = $2 AND last_at <= $3 LIMIT 1000)";
        let mut gone = 0;
        for _ in 0..ROUNDS {
            let mut tx = self.begin().await?;
            let deleted = query(DELETE)
                .bind(connection.as_str())
                .bind(i64::from(of_resource))
                .bind(until)
                .execute(tx.connection())
                .await?
                .rows_affected();
            tx.commit().await?;
            gone += deleted;
            if deleted == 0 {
                break;
            }
        }
        Ok(gone)
    }

    /// The connection is gone, and so is what was used of it.
    pub(crate) async fn activity_remove_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM activity WHERE connection = $1";
        query(REMOVE).bind(connection.as_str()).execute(tx.connection()).await?;
        Ok(())
    }
}
