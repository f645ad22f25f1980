use jiff::Timestamp;
use model::ConnectionKey;
use serde_json::Value;

use crate::sql::{Row, query};
use crate::store::{Tx, time};
use crate::{Actor, AuditEvent, Store, StoreError};

/// What a connection asks people for.
#[derive(Debug, Clone, PartialEq)]
pub struct ManualTaskConfig {
    /// The connection.
    pub connection: ConnectionKey,
    /// What is asked, as who wrote it reads it.
    pub document: Value,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Store {
    /// Keeps what a connection asks people for, in the place of what was there.
    pub async fn manual_task_config_put(
        &self,
        (connection, document): (&ConnectionKey, &Value),
        actor: Actor,
    ) -> Result<ManualTaskConfig, StoreError> {
        const PUT: &str = "INSERT INTO manual_task_config (connection, document, updated_at) VALUES ($1, $2, $3) ON CONFLICT (connection) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at RETURNING connection, document, updated_at";
        let mut tx = self.begin().await?;
        let row = query(PUT)
            .bind(connection.as_str())
            .bind(document.to_string())
            .bind(self.now())
            .fetch_one(tx.connection())
            .await?;
        let kept = config(&row)?;
        let event = AuditEvent::new(actor, "manual_task.configured", connection.as_str());
        self.audit_enter_in(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// What a connection asks people for, if it does.
    pub async fn manual_task_config_find(
        &self,
        connection: &ConnectionKey,
    ) -> Result<Option<ManualTaskConfig>, StoreError> {
        const FIND: &str =
            "SELECT connection, document, updated_at FROM manual_task_config WHERE connection = $1";
        let row = query(FIND).bind(connection.as_str()).fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(config).transpose()
    }

    /// What all connections ask people for, by connection.
    pub async fn manual_task_config_list(&self) -> Result<Vec<ManualTaskConfig>, StoreError> {
        const LIST: &str =
            "SELECT connection, document, updated_at FROM manual_task_config ORDER BY connection";
        query(LIST).fetch_all(&self.inner.reader).await?.iter().map(config).collect()
    }

    /// Removes what a connection asks for with the connection.
    pub(crate) async fn manual_task_config_remove_in(
        &self,
        tx: &mut Tx,
        connection: &ConnectionKey,
    ) -> Result<(), StoreError> {
        const REMOVE: &str = "DELETE FROM manual_task_config WHERE connection = $1";
        query(REMOVE).bind(connection.as_str()).execute(tx.connection()).await?;
        Ok(())
    }
}

fn config(row: &Row) -> Result<ManualTaskConfig, StoreError> {
    let damaged = || StoreError::Damaged { what: "what a connection asks people for" };
    Ok(ManualTaskConfig {
        connection: row.try_get::<String>(0)?.parse().map_err(|_| damaged())?,
        document: serde_json::from_str(&row.try_get::<String>(1)?).map_err(|_| damaged())?,
        updated_at: time(row.try_get(2)?)?,
    })
}
