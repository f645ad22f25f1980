use jiff::Timestamp;

use super::BatonConnectorId;
use crate::sql::query;
use crate::store::time;
use crate::{Store, StoreError};

/// What a process of a connector said about itself.
#[derive(Debug, Clone, Copy)]
pub struct BatonContact<'a> {
    /// Which process.
    pub host: &'a str,
    /// What the connector calls itself; only a Hello says so.
    pub display_name: Option<&'a str>,
    /// What it can do, as JSON; only a Hello says so.
    pub capabilities: Option<&'a str>,
    /// Its version; only a Hello says so.
    pub version: Option<&'a str>,
}

/// A process of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatonHost {
    /// What it calls itself.
    pub host: String,
    /// Its version, as its last Hello says.
    pub version: Option<String>,
    /// When it was first heard of.
    pub first_seen_at: Timestamp,
    /// When it was last heard of.
    pub last_seen_at: Timestamp,
}

/// Processes of one connector that are kept: names that change with each start do not fill the table.
const HOSTS: i64 = 200;

impl Store {
    /// Notes that a process called.
    pub async fn baton_contact(
        &self,
        connector: &BatonConnectorId,
        contact: BatonContact<'_>,
    ) -> Result<(), StoreError> {
        const SEEN: &str = "INSERT INTO baton_host (connector_id, host_id, version, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (connector_id, host_id) DO UPDATE SET version = COALESCE(excluded.version, baton_host.version), last_seen_at = excluded.last_seen_at";
        const FORGET: &str = "DELETE FROM baton_host WHERE connector_id = $1 AND host_id NOT IN (SELECT host_id FROM baton_host WHERE connector_id = $1 ORDER BY last_seen_at DESC, host_id LIMIT $2)";
        const NAMED: &str = "UPDATE baton_connector SET display_name = COALESCE($2, display_name), capabilities = COALESCE($3, capabilities), first_seen_at = COALESCE(first_seen_at, $4) WHERE id = $1 AND (first_seen_at IS NULL OR $3 IS NOT NULL)";
        let now = self.now();
        let mut tx = self.begin_relaxed().await?;
        query(SEEN)
            .bind(connector.as_str())
            .bind(contact.host)
            .bind(contact.version)
            .bind(now)
            .execute(tx.connection())
            .await?;
        let named = query(NAMED)
            .bind(connector.as_str())
            .bind(contact.display_name)
            .bind(contact.capabilities)
            .bind(now)
            .execute(tx.connection())
            .await?;
        if named.rows_affected() > 0 {
            self.baton_sync_heard_in(&mut tx, connector).await?;
        }
        if contact.capabilities.is_some() {
            query(FORGET).bind(connector.as_str()).bind(HOSTS).execute(tx.connection()).await?;
        }
        tx.commit().await
    }

    /// The processes of a connector, the one heard of last first.
    pub async fn baton_host_list(&self, connector: &BatonConnectorId) -> Result<Vec<BatonHost>, StoreError> {
        const LIST: &str = "SELECT host_id, version, first_seen_at, last_seen_at FROM baton_host WHERE connector_id = $1 ORDER BY last_seen_at DESC, host_id LIMIT 200";
        let rows = query(LIST).bind(connector.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter()
            .map(|row| {
                Ok(BatonHost {
                    host: row.try_get(0)?,
                    version: row.try_get(1)?,
                    first_seen_at: time(row.try_get(2)?)?,
                    last_seen_at: time(row.try_get(3)?)?,
                })
            })
            .collect()
    }
}
