//! Versions of the library's templates, and connections that are brought up to one.

use model::ConnectionKey;
use serde_json::json;

use super::{NewTemplate, StoredTemplate, template};
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, ConnectionChanged, ConnectionStep, Store, StoreError, StoredConnector};

/// What brings one connection up to a newer version of its template.
#[derive(Debug)]
pub struct InstanceUpdate {
    /// The connection.
    pub key: ConnectionKey,
    /// Its file when the steps were made.
    pub connector: StoredConnector,
    /// Its dataset then, as it was kept.
    pub dataset: Option<String>,
    /// The version that it is brought up to.
    pub version: String,
    /// All or none of these.
    pub steps: Vec<ConnectionStep>,
}

impl Store {
    /// Types and versions of the library's templates that were recorded.
    pub async fn library_template_list(&self) -> Result<Vec<(String, String)>, StoreError> {
        const LIST: &str =
            "SELECT connector_type, version FROM library_template ORDER BY connector_type, version";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Records templates of the library. One whose type and version are there already stays as it was.
    pub async fn library_template_record(&self, new: &[NewTemplate]) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO library_template (connector_type, version, config, dataset, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let mut tx = self.begin().await?;
        for new in new {
            query(PUT)
                .bind(new.connector_type.as_str())
                .bind(new.version.as_str())
                .bind(new.config.as_str())
                .bind(new.dataset.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
        }
        tx.commit().await
    }

    /// The recorded versions of the library's template of a type, the newest first.
    pub async fn library_template_versions(
        &self,
        connector_type: &str,
    ) -> Result<Vec<StoredTemplate>, StoreError> {
        const LIST: &str = "SELECT connector_type, version, config, dataset, CAST(NULL AS TEXT), created_at FROM library_template WHERE connector_type = $1 ORDER BY created_at DESC, version DESC";
        let rows = query(LIST).bind(connector_type).fetch_all(&self.inner.reader).await?;
        rows.iter().map(template).collect()
    }

    /// Brings a connection up to its template, all or nothing; says whether it was. It was not if its
    /// file or its dataset is no longer what the steps were made from.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a dataset whose key belongs to another connection.
    pub async fn instance_bring_up(&self, update: &InstanceUpdate, actor: Actor) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let held = self.connection_hold(&mut tx, &update.key).await?;
        let dataset = dataset_hold(&mut tx, &update.connector.fides_key).await?;
        let same_file = held.and_then(|held| held.connector).as_ref() == Some(&update.connector);
        if !same_file || dataset != update.dataset {
            return Ok(false);
        }
        for step in &update.steps {
            let done = self.connection_step(&mut tx, (&update.key, &actor), step).await?;
            if done != ConnectionChanged::Done {
                return Ok(false);
            }
        }
        let StoredConnector { connector_type, version, .. } = &update.connector;
        let event = AuditEvent::new(actor, "template.applied", update.key.as_str()).with(json!({
            "type": connector_type, "from": version, "to": update.version
        }));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Reads a dataset and holds it until the transaction ends.
async fn dataset_hold(tx: &mut Tx, key: &str) -> Result<Option<String>, StoreError> {
    const HOLD: &str = "UPDATE dataset SET key = key WHERE key = $1 RETURNING body";
    let row = query(HOLD).bind(key).fetch_optional(tx.connection()).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
