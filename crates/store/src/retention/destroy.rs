//! Clearing away what no key opens any more, in steps that let others write in between.

use std::time::Duration;

use model::RunId;

use crate::dialect::Scrub;
use crate::sql::{SqliteConnection, query};
use crate::{Store, StoreError, StorePlace};

/// Pages of rows are large: a few at a time.
const PAGES: &str = "DELETE FROM page WHERE (task_id, unit, page) IN (SELECT page.task_id, page.unit, page.page FROM page JOIN task ON task.id = page.task_id WHERE task.run_id = $1 LIMIT 32)";
const UNITS: &str = "DELETE FROM read_unit WHERE (task_id, unit) IN (SELECT read_unit.task_id, read_unit.unit FROM read_unit JOIN task ON task.id = read_unit.task_id WHERE task.run_id = $1 LIMIT 1000)";

const CALLBACKS: &str = "DELETE FROM callback WHERE run_id = $1";
const POLLINGS: &str = "DELETE FROM polling WHERE run_id = $1";

/// How often the write-ahead log is tried to be emptied, and the wait between two times.
const ATTEMPTS: u32 = 3;
const WAIT: Duration = Duration::from_millis(100);

impl Store {
    /// Deletes the rows of a run whose key was destroyed. Can be cut off at any point and begun again.
    pub(super) async fn rows_destroy(&self, id: &RunId) -> Result<(), StoreError> {
        for statement in [PAGES, UNITS, CALLBACKS, POLLINGS] {
            loop {
                let mut tx = self.begin_relaxed().await?;
                let deleted = query(statement).bind(id.as_str()).execute(tx.connection()).await?;
                tx.commit().await?;
                if deleted.rows_affected() == 0 {
                    break;
                }
            }
        }
        self.scrub().await
    }

    /// Leaves no copy of what was destroyed, and gives back its room.
    pub(crate) async fn scrub(&self) -> Result<(), StoreError> {
        let Some(scrub) = self.inner.dialect.scrub() else { return Ok(()) };
        let mut left = i64::MAX;
        loop {
            let _alone = self.alone().await;
            // Works row by row, so all rows are asked for.
            query(scrub.shrink).long().fetch_all(&self.inner.writer).await?;
            let free: i64 = query(scrub.free_pages).fetch_one(&self.inner.writer).await?.try_get(0)?;
            // Nothing left, or nothing that this file can give back.
            if free == 0 || free >= left {
                break;
            }
            left = free;
        }
        let StorePlace::File(path) = &self.inner.place else { return Ok(()) };
        let mut connection = SqliteConnection::open(path)?;
        let emptied = self.checkpoint(&mut connection, scrub).await;
        connection.close()?;
        emptied
    }

    async fn checkpoint(&self, connection: &mut SqliteConnection, scrub: Scrub) -> Result<(), StoreError> {
        connection.borrowed().say(scrub.impatience).await?;
        for _ in 0..ATTEMPTS {
            let busy: i64 = {
                let _alone = self.alone().await;
                query(scrub.checkpoint).long().fetch_one(connection.borrowed()).await?.try_get(0)?
            };
            if busy == 0 {
                return Ok(());
            }
            tokio::time::sleep(WAIT).await;
        }
        tracing::warn!("the write-ahead log of the state database is in use and is emptied another time");
        Ok(())
    }
}
