use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::json;

use super::{BatonConnectorId, BatonTaskId};
use crate::connection_sync::{About, sync_retry};
use crate::sql::query;
use crate::store::{Tx, count, time_or_none};
use crate::task::microseconds;
use crate::{MessageKind, Store, StoreError};

/// What is said of a connection whose connector was never heard of.
const UNHEARD: &str =
    "no process of its connector has called yet; start one with the client id and secret that Rotate gives";

/// How a sync of a self-hosted connector ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum SyncEnd<'a> {
    /// By this task.
    Done(&'a BatonTaskId),
    /// For this reason.
    Failed(&'a str),
}

impl Store {
    /// Whether a sync is to be begun by itself: its time has come, nobody stopped it, and none waits or runs.
    pub async fn baton_sync_is_due(&self, connector: &BatonConnectorId) -> Result<bool, StoreError> {
        const DUE: &str = "SELECT 1 FROM baton_connector b JOIN connection c ON c.key = b.connection JOIN connection_sync s ON s.connection = b.connection WHERE b.id = $1 AND b.paused_at IS NULL AND c.disabled = 0 AND s.next_at <= $2 AND NOT EXISTS (SELECT 1 FROM baton_task t WHERE t.connector_id = b.id AND t.kind = 'sync_full' AND t.state IN ('queued', 'leased'))";
        let due = query(DUE).bind(connector.as_str()).bind(self.now());
        Ok(due.fetch_optional(&self.inner.reader).await?.is_some())
    }

    /// A connector reads this connection from now on, and nobody else does.
    pub(super) async fn baton_sync_register_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<(), StoreError> {
        const TAKE: &str = "UPDATE connection_sync SET basis = '', lacks = $2, next_at = $3, asked_at = NULL, failures = 0 WHERE connection = $1";
        self.sync_make(tx, connection).await?;
        let take = query(TAKE).bind(connection.as_str()).bind(UNHEARD).bind(self.now());
        take.execute(tx.connection()).await?;
        Ok(())
    }

    /// A process of the connector was heard of: its first sync is due.
    pub(super) async fn baton_sync_heard_in(
        &self,
        tx: &mut Tx,
        connector: &BatonConnectorId,
    ) -> Result<(), StoreError> {
        const HEARD: &str = "UPDATE connection_sync SET lacks = NULL, next_at = $2 WHERE connection = (SELECT connection FROM baton_connector WHERE id = $1) AND lacks IS NOT NULL";
        query(HEARD).bind(connector.as_str()).bind(self.now()).execute(tx.connection()).await?;
        Ok(())
    }

    /// A sync is queued, and the one after it is due then.
    pub(super) async fn baton_sync_plan_in(
        &self,
        tx: &mut Tx,
        (connector, next): (&BatonConnectorId, Timestamp),
    ) -> Result<(), StoreError> {
        const PLAN: &str = "UPDATE connection_sync SET next_at = $2 WHERE connection = (SELECT connection FROM baton_connector WHERE id = $1)";
        let plan = query(PLAN).bind(connector.as_str()).bind(next.as_microsecond());
        plan.execute(tx.connection()).await?;
        Ok(())
    }

    /// Notes how a sync ended. One that failed is tried again before its next time, and the third failure in a row
    /// after a success is told to the owners once (governance CON-20).
    pub(super) async fn baton_sync_end_in(
        &self,
        tx: &mut Tx,
        connector: &BatonConnectorId,
        end: SyncEnd<'_>,
    ) -> Result<(), StoreError> {
        const DONE: &str = "UPDATE connection_sync SET last_success_at = $2, failures = 0 WHERE connection = (SELECT connection FROM baton_connector WHERE id = $1) AND NOT EXISTS (SELECT 1 FROM baton_upload WHERE task_id = $3 AND state = 'held')";
        const FAILED: &str = "UPDATE connection_sync SET failures = failures + 1 WHERE connection = (SELECT connection FROM baton_connector WHERE id = $1) RETURNING connection, failures, last_success_at";
        const RETRY: &str = "UPDATE connection_sync SET next_at = $2 WHERE connection = $1 AND next_at > $2";
        let error = match end {
            SyncEnd::Done(task) => {
                // What is held back is neither a success nor a failure.
                let done = query(DONE).bind(connector.as_str()).bind(self.now()).bind(task.as_str());
                done.execute(tx.connection()).await?;
                return Ok(());
            }
            SyncEnd::Failed(error) => error,
        };
        let Some(row) = query(FAILED).bind(connector.as_str()).fetch_optional(tx.connection()).await? else {
            return Ok(());
        };
        let key: String = row.try_get(0)?;
        let (failures, success) = (count(row.try_get(1)?)?, time_or_none(row.try_get(2)?)?);
        let retry_at = self.now().saturating_add(microseconds(sync_retry(failures)));
        query(RETRY).bind(key.as_str()).bind(retry_at).execute(tx.connection()).await?;
        let connection = key.parse().map_err(|_| StoreError::Damaged { what: "the connection of a sync" })?;
        self.sync_failing_tell(tx, &connection, (failures, success, error)).await
    }

    /// Tells the owners that a file was held back, once (governance CON-24).
    pub(super) async fn baton_held_tell(
        &self,
        tx: &mut Tx,
        connector: &BatonConnectorId,
        (task, reason): (&str, &str),
    ) -> Result<(), StoreError> {
        const CONNECTION: &str = "SELECT connection FROM baton_connector WHERE id = $1";
        let row = query(CONNECTION).bind(connector.as_str()).fetch_one(tx.connection()).await?;
        let key: String = row.try_get(0)?;
        let connection = key.parse().map_err(|_| StoreError::Damaged { what: "the connection of a sync" })?;
        let about = About { kind: MessageKind::SyncHeld, connection: &connection };
        self.owners_tell(tx, about, (&[("reason", json!(reason))], &format!("sync_held|{key}|{task}"))).await
    }
}
