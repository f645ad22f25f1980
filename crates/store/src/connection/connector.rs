use std::collections::BTreeMap;

use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::Value;

use super::{json_or_none, scripts};
use crate::sql::{Row, query};
use crate::store::{Tx, time};
use crate::{Store, StoreError};

/// A connector file as it is kept: placeholders are filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConnector {
    /// Its `fides_key`.
    pub fides_key: String,
    /// Its name.
    pub name: String,
    /// Its `type`, in small letters.
    pub connector_type: String,
    /// Its version, as written.
    pub version: String,
    /// What stands below `saas_config`.
    pub document: Value,
    /// Scripts that stand beside it: file name, text.
    pub scripts: BTreeMap<String, String>,
}

/// A connector file that a connection has, or had.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorVersion {
    /// Its id, `cov_` + UUID v7.
    pub id: String,
    /// The file's version, as written.
    pub version: String,
    /// What stood below `saas_config`.
    pub document: Value,
    /// Scripts beside it.
    pub scripts: BTreeMap<String, String>,
    /// The datasets at that time, if there were any.
    pub datasets: Option<Value>,
    /// Since when.
    pub created_at: Timestamp,
}

impl Store {
    /// Connector files that a connection had, the newest first.
    pub async fn connector_version_list(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Vec<ConnectorVersion>, StoreError> {
        const LIST: &str = "SELECT id, version, document, scripts, datasets, created_at FROM connector_version WHERE connection = $1 ORDER BY created_at DESC, id DESC";
        let rows = query(LIST).bind(connection.as_str()).fetch_all(&self.inner.reader).await?;
        rows.iter().map(version).collect()
    }

    /// The newest of them that called itself `version`.
    pub async fn connector_version_find(
        &self,
        connection: &ConnectionKey,
        named: &str,
    ) -> Result<Option<ConnectorVersion>, StoreError> {
        const FIND: &str = "SELECT id, version, document, scripts, datasets, created_at FROM connector_version WHERE connection = $1 AND version = $2 ORDER BY created_at DESC, id DESC LIMIT 1";
        let row =
            query(FIND).bind(connection.as_str()).bind(named).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(version).transpose()
    }

    /// Adds a file to a connection's history.
    pub(super) async fn connector_version_put_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
        (connector, datasets): (&StoredConnector, Option<&Value>),
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO connector_version (id, connection, version, document, scripts, datasets, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        query(PUT)
            .bind(format!("cov_{}", self.inner.ids.next_uuid()))
            .bind(connection.as_str())
            .bind(connector.version.as_str())
            .bind(connector.document.to_string())
            .bind(serde_json::json!(connector.scripts).to_string())
            .bind(datasets.map(ToString::to_string))
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        Ok(())
    }
}

fn version(row: &Row) -> Result<ConnectorVersion, StoreError> {
    Ok(ConnectorVersion {
        id: row.try_get(0)?,
        version: row.try_get(1)?,
        document: json_or_none(row.try_get(2)?, "a connector file")?.unwrap_or_default(),
        scripts: scripts(row.try_get(3)?)?,
        datasets: json_or_none(row.try_get(4)?, "the datasets of a version")?,
        created_at: time(row.try_get(5)?)?,
    })
}
