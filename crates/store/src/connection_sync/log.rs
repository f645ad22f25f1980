use jiff::Timestamp;
use model::{ConnectionKey, RunId};

use crate::sql::query;
use crate::store::{count, time};
use crate::words::text_enum;
use crate::{Listed, Store, StoreError, Window};

/// How many lines of a connection are kept.
const KEPT: i64 = 2_000;

text_enum! {
    /// How much a line of the log matters.
    SyncLogLevel "the level of a line" {
        /// Something happened.
        Info = "info",
        /// Something is missing, or odd.
        Warning = "warning",
        /// A person must act.
        Error = "error",
    }
}

/// A line of the log of a connection: kinds and counts, nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncLogLine {
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: SyncLogLevel,
    /// The sync that it is about, if it is about one.
    pub run: Option<RunId>,
    /// What happened.
    pub line: String,
}

impl Store {
    /// Adds lines to the log of a connection; the oldest go once there are many.
    pub async fn connection_sync_log_add(
        &self,
        connection: &ConnectionKey,
        lines: &[SyncLogLine],
    ) -> Result<(), StoreError> {
        const ADD: &str = "INSERT INTO connection_sync_log (id, connection, run_id, at, level, line) SELECT $1, key, $3, $4, $5, $6 FROM connection WHERE key = $2";
        const CUT: &str = "DELETE FROM connection_sync_log WHERE connection = $1 AND id <= (SELECT id FROM connection_sync_log WHERE connection = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)";
        if lines.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_local().await?;
        for line in lines {
            query(ADD)
                .bind(self.inner.ids.next_uuid().to_string())
                .bind(connection.as_str())
                .bind(line.run.as_ref().map(RunId::as_str))
                .bind(line.at.as_microsecond())
                .bind(line.level.as_str())
                .bind(line.line.as_str())
                .execute(tx.connection())
                .await?;
        }
        query(CUT).bind(connection.as_str()).bind(KEPT).execute(tx.connection()).await?;
        tx.commit().await
    }

    /// The log of a connection, newest line first; with `run` that of one sync.
    pub async fn connection_sync_log_list(
        &self,
        connection: &ConnectionKey,
        run: Option<&RunId>,
        window: Window,
    ) -> Result<Listed<SyncLogLine>, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM connection_sync_log WHERE connection = $1 AND (CAST($2 AS TEXT) IS NULL OR run_id = $2)";
        const LIST: &str = "SELECT at, level, run_id, line FROM connection_sync_log WHERE connection = $1 AND (CAST($2 AS TEXT) IS NULL OR run_id = $2) ORDER BY id DESC LIMIT $3 OFFSET $4";
        let run = run.map(RunId::as_str);
        let total = query(COUNT)
            .bind(connection.as_str())
            .bind(run)
            .fetch_one(&self.inner.reader)
            .await?
            .try_get(0)?;
        let rows = query(LIST)
            .bind(connection.as_str())
            .bind(run)
            .bind(i64::from(window.limit))
            .bind(crate::store::signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            let run: Option<String> = row.try_get(2)?;
            let run = run.map(|text| text.parse()).transpose();
            items.push(SyncLogLine {
                at: time(row.try_get(0)?)?,
                level: SyncLogLevel::parse(row.try_get(1)?)?,
                run: run.map_err(|_| StoreError::Damaged { what: "the run of a line" })?,
                line: row.try_get(3)?,
            });
        }
        Ok(Listed { items, total: count(total)? })
    }
}
