use model::{ConnectionKey, RunId};

use super::{AccessSync, COLUMNS, sync};
use crate::sql::query_made;
use crate::{Store, StoreError};

impl Store {
    /// Syncs of a connection, newest first, at most `limit`.
    pub async fn sync_list(
        &self,
        connection: &ConnectionKey,
        limit: u32,
    ) -> Result<Vec<AccessSync>, StoreError> {
        let list = format!("{COLUMNS} WHERE connection = $1 ORDER BY started_at DESC, run_id DESC LIMIT $2");
        let rows = query_made(list)
            .bind(connection.as_str())
            .bind(i64::from(limit))
            .fetch_all(&self.inner.reader)
            .await?;
        rows.iter().map(sync).collect()
    }

    /// The sync of a run, if it is one.
    pub async fn sync_find(&self, run: &RunId) -> Result<Option<AccessSync>, StoreError> {
        let find = format!("{COLUMNS} WHERE run_id = $1");
        let row = query_made(find).bind(run.as_str()).fetch_optional(&self.inner.reader).await?;
        row.map(|row| sync(&row)).transpose()
    }
}
