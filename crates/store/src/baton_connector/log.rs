use jiff::Timestamp;

use super::BatonConnectorId;
use crate::sql::query;
use crate::store::time;
use crate::{Store, StoreError};

/// Lines that are kept of one connector.
const LINES: i64 = 500;
/// Longest line, in bytes.
const LINE_BYTES: usize = 1024;

/// A line of what happened with a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatonLogLine {
    /// When.
    pub at: Timestamp,
    /// The process it is about.
    pub host: Option<String>,
    /// What happened: ids, counts and texts of errors; no rows.
    pub line: String,
}

impl Store {
    /// Adds a line; the oldest go.
    pub async fn baton_log_add(
        &self,
        connector: &BatonConnectorId,
        host: Option<&str>,
        line: &str,
    ) -> Result<(), StoreError> {
        const ADD: &str =
            "INSERT INTO baton_log (id, connector_id, at, host_id, line) VALUES ($1, $2, $3, $4, $5)";
        const FORGET: &str = "DELETE FROM baton_log WHERE connector_id = $1 AND id NOT IN (SELECT id FROM baton_log WHERE connector_id = $1 ORDER BY at DESC, id DESC LIMIT $2)";
        let line = line.get(..line.floor_char_boundary(LINE_BYTES)).unwrap_or_default();
        let mut tx = self.begin_relaxed().await?;
        query(ADD)
            .bind(format!("bll_{}", self.inner.ids.next_uuid()))
            .bind(connector.as_str())
            .bind(self.now())
            .bind(host)
            .bind(line.replace('\0', " "))
            .execute(tx.connection())
            .await?;
        query(FORGET).bind(connector.as_str()).bind(LINES).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// The last lines of a connector, newest first, at most `limit`.
    pub async fn baton_log_list(
        &self,
        connector: &BatonConnectorId,
        limit: u32,
    ) -> Result<Vec<BatonLogLine>, StoreError> {
        const LIST: &str = "SELECT at, host_id, line FROM baton_log WHERE connector_id = $1 ORDER BY at DESC, id DESC LIMIT $2";
        let rows =
            query(LIST).bind(connector.as_str()).bind(i64::from(limit)).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(BatonLogLine { at: time(row.try_get(0)?)?, host: row.try_get(1)?, line: row.try_get(2)? })
            })
            .collect()
    }
}
