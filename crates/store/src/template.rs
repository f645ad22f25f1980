//! Connector templates that customers brought.

mod library;

use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::json;

use crate::sql::{Row, query};
use crate::store::{Tx, time};
use crate::{Actor, AuditEvent, ConnectionChanged, ConnectionStep, Store, StoreError};

pub use self::library::InstanceUpdate;

/// A template to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTemplate {
    /// The kind of application, in small letters.
    pub connector_type: String,
    /// The version, as written.
    pub version: String,
    /// The connector file, YAML.
    pub config: String,
    /// The dataset, YAML.
    pub dataset: String,
    /// The icon, SVG.
    pub icon: Option<String>,
}

/// A version of a template that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTemplate {
    /// Its content.
    pub content: NewTemplate,
    /// When this version was first brought.
    pub created_at: Timestamp,
}

/// What becomes of a connection when its template changes.
#[derive(Debug)]
pub struct InstanceChange {
    /// The connection.
    pub key: ConnectionKey,
    /// All or none of these.
    pub steps: Vec<ConnectionStep>,
}

impl Store {
    /// Keeps a template, puts it in use in place of the one of its type, and changes the connections made
    /// from it: all or nothing. The same version, brought again, is overwritten.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for a dataset whose key belongs to another connection.
    pub async fn template_put(
        &self,
        new: &NewTemplate,
        instances: &[InstanceChange],
        actor: Actor,
    ) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO connector_template (connector_type, version, config, dataset, icon, in_use, created_at, brought_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $6) ON CONFLICT (connector_type, version) DO UPDATE SET config = excluded.config, dataset = excluded.dataset, icon = excluded.icon, in_use = 1, brought_at = excluded.brought_at";
        let mut tx = self.begin().await?;
        self.template_drop_in(&mut tx, &new.connector_type).await?;
        query(PUT)
            .bind(new.connector_type.as_str())
            .bind(new.version.as_str())
            .bind(new.config.as_str())
            .bind(new.dataset.as_str())
            .bind(new.icon.clone())
            .bind(self.now())
            .execute(tx.connection())
            .await?;
        self.template_instances_in(&mut tx, instances, &actor).await?;
        let event = AuditEvent::new(actor, "template.put", &new.connector_type)
            .with(json!({"version": new.version, "connections": keys(instances)}));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await
    }

    /// Takes the template of a type out of use, and changes the connections made from it; says whether
    /// there was one. Its versions stay to be read.
    pub async fn template_remove(
        &self,
        connector_type: &str,
        instances: &[InstanceChange],
        actor: Actor,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if !self.template_drop_in(&mut tx, connector_type).await? {
            return Ok(false);
        }
        self.template_instances_in(&mut tx, instances, &actor).await?;
        let event = AuditEvent::new(actor, "template.removed", connector_type)
            .with(json!({"connections": keys(instances)}));
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The templates in use, by type.
    pub async fn template_list(&self) -> Result<Vec<StoredTemplate>, StoreError> {
        const LIST: &str = "SELECT connector_type, version, config, dataset, icon, created_at FROM connector_template WHERE in_use = 1 ORDER BY connector_type";
        let rows = query(LIST).fetch_all(&self.inner.reader).await?;
        rows.iter().map(template).collect()
    }

    /// The template of a type that is in use, if there is one.
    pub async fn template_find(&self, connector_type: &str) -> Result<Option<StoredTemplate>, StoreError> {
        const FIND: &str = "SELECT connector_type, version, config, dataset, icon, created_at FROM connector_template WHERE connector_type = $1 AND in_use = 1";
        let row = query(FIND).bind(connector_type).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(template).transpose()
    }

    /// All versions of a type that were ever brought, the newest first.
    pub async fn template_versions(&self, connector_type: &str) -> Result<Vec<StoredTemplate>, StoreError> {
        const LIST: &str = "SELECT connector_type, version, config, dataset, icon, created_at FROM connector_template WHERE connector_type = $1 ORDER BY brought_at DESC, version DESC";
        let rows = query(LIST).bind(connector_type).fetch_all(&self.inner.reader).await?;
        rows.iter().map(template).collect()
    }

    async fn template_drop_in(&self, tx: &mut Tx, connector_type: &str) -> Result<bool, StoreError> {
        const DROP: &str =
            "UPDATE connector_template SET in_use = 0 WHERE connector_type = $1 AND in_use = 1";
        let dropped = query(DROP).bind(connector_type).execute(tx.connection()).await?;
        Ok(dropped.rows_affected() > 0)
    }

    async fn template_instances_in(
        &self,
        tx: &mut Tx,
        instances: &[InstanceChange],
        actor: &Actor,
    ) -> Result<(), StoreError> {
        for instance in instances {
            for step in &instance.steps {
                match self.connection_step(tx, (&instance.key, actor), step).await? {
                    ConnectionChanged::Done => {}
                    // It was removed meanwhile, and nothing of it is left to be changed.
                    ConnectionChanged::Absent
                    | ConnectionChanged::KeyTaken
                    | ConnectionChanged::NameTaken => {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

fn keys(instances: &[InstanceChange]) -> Vec<&str> {
    instances.iter().map(|instance| instance.key.as_str()).collect()
}

fn template(row: &Row) -> Result<StoredTemplate, StoreError> {
    Ok(StoredTemplate {
        content: NewTemplate {
            connector_type: row.try_get(0)?,
            version: row.try_get(1)?,
            config: row.try_get(2)?,
            dataset: row.try_get(3)?,
            icon: row.try_get(4)?,
        },
        created_at: time(row.try_get(5)?)?,
    })
}
